import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from '@jest/globals';
import { TestContainer } from '../../helpers/container.js';
import { waitFor } from '../../helpers/wait-for.js';

/** Ends when the test lets it. */
const SLOW =
  '#!/bin/sh\ntrap "while ! [ -e go ]; do sleep 0.05; done; exit 0" TERM\nwhile :; do sleep 1 & wait; done\n';

let container: TestContainer;
afterEach(() => container.dispose());

const ways = {
  'is replaced': async () => {
    expect((await container.svctl('reexec')).code).toBe(0);
  },
  'is killed': async () => {
    const { controllerPid } = container;
    process.kill(controllerPid, 'SIGKILL');
    await waitFor('the next one', () => container.answers());
  },
};

describe.each(Object.entries(ways))('a caller who waits while the controller %s', (_, happens) => {
  test('for a restart learns of the new run', async () => {
    container = await TestContainer.boot({ services: { web: { run: SLOW } } });
    const { pid } = await container.reaches('web', 'up');
    await container.traps('web');
    const restart = container.svctl('restart', 'web');
    await container.reaches('web', 'stopping');
    await happens();
    container.write('web/go', '');
    const { code, stdout, stderr } = await restart;
    const after = await container.status('web');
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: expect.stringMatching(`^web restarted: pid ${pid} → ${after.pid} in `),
      stderr: '',
    });
    expect(after).toMatchObject({ run: 2, startsTotal: 2 });
  });

  test('for a stop learns of it', async () => {
    container = await TestContainer.boot({ services: { web: { run: SLOW } } });
    const { pid } = await container.reaches('web', 'up');
    await container.traps('web');
    const stop = container.svctl('stop', 'web');
    await container.reaches('web', 'stopping');
    await happens();
    container.write('web/go', '');
    expect(await stop).toEqual({ code: 0, stdout: expect.stringMatching(`^web stopped: pid ${pid} `), stderr: '' });
  });
});

test('an order that the controller did not live to accept is accepted by the next one, once', async () => {
  container = await TestContainer.boot({ services: { web: { run: '#!/bin/sh\nexec sleep 1000\n' } } });
  const { pid } = await container.reaches('web', 'up');
  const { controllerPid } = container;
  process.kill(controllerPid, 'SIGSTOP');
  const sockets = () => readFileSync('/proc/net/unix', 'utf8').split(`${container.directory}/run/`).length;
  const before = sockets();
  const restart = container.svctl('restart', 'web');
  await waitFor('svctl to connect', () => sockets() > before);
  process.kill(controllerPid, 'SIGKILL');
  const { code, stdout } = await restart;
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(`^web restarted: pid ${pid} → `) });
  expect(await container.status('web')).toMatchObject({ run: 2, startsTotal: 2 });
});
