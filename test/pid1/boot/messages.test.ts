import { afterEach, describe, expect, test } from '@jest/globals';
import { TestContainer } from '../../helpers/container.js';
import { waitFor } from '../../helpers/wait-for.js';

let container: TestContainer;
afterEach(() => container.dispose());

const says = (text: string | RegExp) => waitFor(`the log to say ${text}`, () => new RegExp(text).test(container.log()));

describe('the log says why', () => {
  test('a service that ran well is killed, and started again', async () => {
    const begunMs = performance.now();
    container = await TestContainer.boot({ services: { web: { run: '#!/bin/sh\nsleep 1.2\nkill -SEGV $$\n' } } });
    const line = /web: killed by SEGV( \(core dumped\))? after (\d+) s and is started again/;
    await says(line);
    // On a busy machine the run lasts longer than its sleep, but never longer than the test.
    const seconds = Number(line.exec(container.log())?.[2]);
    expect(seconds).toBeGreaterThanOrEqual(1);
    expect(seconds).toBeLessThanOrEqual(Math.ceil((performance.now() - begunMs) / 1000));
  });

  test('somebody asks for a restart, a stop, a start', async () => {
    container = await TestContainer.boot({ services: { web: { run: '#!/bin/sh\nexec sleep 1000\n' } } });
    await container.reaches('web', 'up');
    for (const order of ['restart', 'stop', 'start']) await container.svctl(order, 'web');
    await says(/web: is restarted, as asked by uid 0/);
    await says(/web: is stopped, as asked by uid 0/);
    await says(/web: is started, as asked by uid 0/);
  });

  test('the environment of a service is too big', async () => {
    container = await TestContainer.boot({
      services: { web: { run: '#!/bin/sh\nexec sleep 1000\n', 'env/BIG': 'x'.repeat(1 << 20) } },
    });
    await container.reaches('web', 'failed');
    expect(await container.table('web')).toContain('its environment is too big, or one variable of it (E2BIG)');
  });

  test('the file of services that was named does not exist yet', async () => {
    container = await TestContainer.boot({ args: ['--services', '/run/later.yaml'] });
    await says('/run/later.yaml \\(--services\\) does not exist; my_init reads the file as soon as it does');
    await container.exec('sh', '-c', 'echo "services: { late: { command: sleep 1000 } }" > /run/later.yaml');
    await container.reaches('late', 'up');
  });

  test('/dev/null is missing', async () => {
    container = await TestContainer.boot({
      services: { web: { run: '#!/bin/sh\nexec sleep 1000\n' } },
      prepare: 'mount -t tmpfs tmpfs /dev',
    });
    await container.reaches('web', 'backoff');
    expect(await container.table('web')).toContain('/dev/null or a part of my_init is missing (ENOENT)');
  });
});
