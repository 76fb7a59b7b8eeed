import { afterEach, describe, expect, test } from '@jest/globals';
import { compile } from '../../helpers/compile.js';
import { METRICS, TestContainer } from '../../helpers/container.js';
import { waitFor } from '../../helpers/wait-for.js';

let container: TestContainer;
afterEach(() => container.dispose());

const LEAKED = 'my_init_zombies_reaped_total{service="leaks"}';

describe('orphans', () => {
  test('are reaped by the ten thousand, counted and attributed to the service that leaked them', async () => {
    const leak = compile('scenarios/leak.c');
    container = await TestContainer.boot({
      services: { leaks: { run: `#!/bin/sh\nexec ${leak} 10000\n` }, calm: { run: '#!/bin/sh\nexec sleep 1000\n' } },
      args: METRICS,
    });
    await waitFor('all to be reaped', async () => (await container.metric(LEAKED)) === 10_000);
    const info = await container.info();
    expect(info.zombiesReapedTotal).toBe('10000');
    expect(await container.metric('my_init_zombies_reaped_total{service="calm"}')).toBe(0);
    // my_init looks at the processes once a second at most.
    await waitFor('no zombie', async () => (await container.metric('my_init_zombies')) === 0);
    await container.hasNoZombie();
    expect(await container.status('leaks')).toMatchObject({ state: 'SERVICE_STATE_UP', run: 1 });
  });

  test('are attributed to their service also when they are killed after the end of its run', async () => {
    const run = '#!/bin/sh\n(sleep 1000 &)\nsleep 1.2\n';
    container = await TestContainer.boot({ services: { leaks: { run } }, args: METRICS });
    await waitFor('the orphan to be reaped', async () => Number(await container.metric(LEAKED)) >= 1);
  });
});
