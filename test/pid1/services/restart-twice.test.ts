import { afterEach, describe, expect, test } from '@jest/globals';
import { TestContainer } from '../../helpers/container.js';
import { waitFor } from '../../helpers/wait-for.js';

let container: TestContainer;
afterEach(() => container.dispose());

describe('two orders to the same service', () => {
  test('a restart that still waits for readiness accepts the run of a second restart', async () => {
    container = await TestContainer.boot({ services: { web: { run: '#!/bin/sh\nexec sleep 1000\n' } } });
    const { run } = await container.reaches('web', 'up');
    const first = container.svctl('restart', 'web');
    await waitFor('the run of the first', async () => (await container.status('web')).run !== run);
    const second = container.svctl('restart', 'web');
    expect([await first, await second]).toMatchObject([{ code: 0 }, { code: 0 }]);
    expect(await container.status('web')).toMatchObject({ state: 'SERVICE_STATE_UP' });
  });

  test('a stop overtakes a restart that is waited for', async () => {
    const run =
      '#!/bin/sh\ntrap "while ! [ -e go ]; do sleep 0.05; done; exit 0" TERM\nwhile :; do sleep 1 & wait; done\n';
    container = await TestContainer.boot({ services: { web: { run } } });
    await container.reaches('web', 'up');
    await container.traps('web');
    const restart = container.svctl('restart', 'web');
    await container.reaches('web', 'stopping');
    await container.svctl('stop', '--no-wait', 'web');
    expect((await restart).stderr).toContain('was overtaken by another order');
    container.write('web/go', '');
    await container.reaches('web', 'down');
  });
});
