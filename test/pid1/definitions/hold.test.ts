import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from '@jest/globals';
import { METRICS, TestContainer } from '../../helpers/container.js';
import { waitFor } from '../../helpers/wait-for.js';

let container: TestContainer;
afterEach(() => container.dispose());

const boot = async (services: string): Promise<void> => {
  container = await TestContainer.boot({ args: METRICS, etc: { 'my_init/services.yaml': services } });
};

async function killController(): Promise<void> {
  const { controllerPid } = container;
  process.kill(controllerPid, 'SIGKILL');
  await waitFor('the next controller', async () => {
    await container.info();
    return (await container.controller()) !== controllerPid;
  });
}

describe('a held service', () => {
  test('is not started again before the hold ends, also by the next controller, and every view says so', async () => {
    await boot('services:\n  db: { command: sleep 1000 }\n');
    await container.reaches('db', 'up');
    const held = await container.svctl('hold', 'db', '--for', '10m', '--reason', 'heap dump');
    expect(held.stdout).toMatch(
      /^db is held for another (10m|9m \d+s) by uid 0 .*: heap dump; svctl release db ends it\n$/,
    );
    await container.svctl('signal', 'KILL', 'db');
    const waiting = await container.reaches('db', 'waiting');
    expect(waiting).toMatchObject({ run: 1, desired: 'DESIRED_STATE_UP', hold: { reason: 'heap dump' } });
    await killController();
    expect(await container.status('db')).toMatchObject({
      state: 'SERVICE_STATE_WAITING',
      run: 1,
      hold: { reason: 'heap dump' },
    });
    const text = (await container.svctl('status', 'db')).stdout;
    expect(text).toMatch(/db +waiting, held .*\n +held for another (10m|9m \d+s) by uid 0 .*: heap dump\n/);
    const { stdout: why } = await container.svctl('explain', 'db');
    expect(why).toMatch(/Held for another (10m|9m\d+s) by uid 0 .*heap dump.*it is not restarted/);
    expect(why).toContain('Starts when the hold ends.');
    expect(why).toContain('→ svctl release db ends the hold.');
    expect(await container.metric('my_init_service_held{service="db"}')).toBe(1);
    const { httpAddress } = await container.info();
    const readiness = await (await fetch(`http://${httpAddress}/readyz?verbose`)).text();
    expect(readiness).toContain('db is held, and not started\ndb is held by uid 0');
    expect((await container.svctl('release', 'db')).stdout).toBe('db is released\n');
    expect(await container.reaches('db', 'up')).toMatchObject({ run: 2 });
    expect((await container.svctl('release', 'db')).stdout).toBe('db was not held\n');
    expect(container.log()).toMatch(/db: is held for 10m by uid 0 .*: heap dump\n[\s\S]*db: the hold is over\n/);
  });

  test('is started when the time is over, although the controller was killed', async () => {
    await boot('services:\n  db: { command: sleep 1000 }\n');
    await container.reaches('db', 'up');
    await container.svctl('hold', 'db', '--for', '8s');
    await container.svctl('signal', 'KILL', 'db');
    await container.reaches('db', 'waiting');
    await killController();
    expect(await container.reaches('db', 'up')).toMatchObject({ run: 2 });
    expect((await container.status('db')).hold).toBeUndefined();
  });

  test('follows the restart of its dependency once it is released, also under the next controller', async () => {
    await boot(`services:
  db: { command: sleep 1000, ready: { delay: 10ms } }
  app: &app { command: sleep 1000, ready: { delay: 10ms }, depends_on: { db: { restart: true } } }
  free: *app
`);
    const { pid } = await container.reaches('app', 'up');
    await container.reaches('free', 'up');
    await container.svctl('hold', 'app');
    await container.svctl('restart', 'db');
    await waitFor('the restart of the dependent that nobody holds', async () => {
      const { run, ready } = await container.status('free');
      return run === 2 && ready;
    });
    await killController();
    expect(await container.status('app')).toMatchObject({ pid, run: 1 });
    await container.svctl('release', 'app');
    await waitFor('the restart of the released one', async () => (await container.status('app')).run === 2);
    await container.svctl('hold', 'app');
    const { pid: last } = await container.reaches('app', 'up');
    await container.svctl('release', 'app');
    expect(await container.status('app')).toMatchObject({ pid: last, run: 2 });
  });

  test('keeps its process although live fails, and is restarted when it is released', async () => {
    await boot(`services:
  db: &checked
    command: sleep 1000
    live: { exec: [test, '!', -e, /run/stuck], interval: 100ms, failures: 1 }
  other: *checked
`);
    const { pid } = await container.reaches('db', 'up');
    await container.reaches('other', 'up');
    await container.svctl('hold', 'db');
    await container.exec('touch', '/run/stuck');
    // Meanwhile a service with the same check that is not held is restarted.
    await waitFor('the restart of the other', async () => (await container.status('other')).run !== 1);
    expect(await container.status('db')).toMatchObject({ pid, state: 'SERVICE_STATE_UP' });
    await container.svctl('release', 'db');
    await waitFor('the restart', async () => (await container.status('db')).run !== 1);
  });

  test.each([
    [false, 'TERM'],
    [true, 'no signal'],
  ])('through a shutdown %s: the service sees %s', async (through, seen) => {
    await boot(`services:
  db:
    command: |
      trap 'echo TERM > $SEEN; exit' TERM
      echo > $SEEN
      while :; do sleep 1 & wait; done
    environment: { SEEN: /etc/seen }
    ready: { file: /etc/seen }
`);
    await container.reaches('db', 'up');
    await container.svctl('hold', 'db', ...(through ? ['--through-shutdown'] : []));
    await container.svctl('shutdown', '--timeout', '2', '--no-wait');
    await container.exit;
    const words = readFileSync(`${container.directory}/etc/seen`, 'utf8').trim();
    expect(words || 'no signal').toBe(seen);
  });
});

test('reset starts what was given up, and its limit starts over', async () => {
  await boot(`services:
  web:
    command: 'echo run; test -e /run/mended && exec sleep 1000; exit 3'
    restart_delay: { initial: 10ms, factor: 1 }
    start_limit: { attempts: 2, within: 1m }
`);
  expect(await container.reaches('web', 'failed')).toMatchObject({ run: 2 });
  expect((await container.svctl('reset', 'web')).stdout).toMatch(/^web is reset: it is /);
  expect(await container.reaches('web', 'failed')).toMatchObject({ run: 4 });
  await container.exec('touch', '/run/mended');
  await container.svctl('reset', 'web');
  const { pid } = await container.reaches('web', 'up');
  await container.svctl('reset', 'web');
  expect(await container.status('web')).toMatchObject({ pid, consecutiveFailures: 0 });
});
