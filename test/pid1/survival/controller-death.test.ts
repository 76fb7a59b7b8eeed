import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { METRICS, TestContainer } from '../../helpers/container.js';
import { MortalController } from '../../helpers/mortal-controller.js';
import { childrenOf } from '../../helpers/processes.js';
import { waitFor } from '../../helpers/wait-for.js';

const WORKS = '#!/bin/sh\nexec sleep 1000\n';

let container: TestContainer;
afterEach(() => container.dispose());

const info = () => container.info();

/** Kills the controller and waits until the next one answers. */
async function killController(): Promise<void> {
  const before = container.controllerPid;
  const restarts = Number((await info()).controllerRestarts);
  process.kill(before, 'SIGKILL');
  await waitFor('the next controller', async () => Number((await info()).controllerRestarts) === restarts + 1);
}

describe('when the controller is killed', () => {
  test('services go on as they are, and their status and counters with them', async () => {
    container = await TestContainer.boot({
      services: {
        up: { run: WORKS },
        down: { run: WORKS, down: '' },
        broken: {},
        crashes: { run: '#!/bin/sh\nexit 3\n' },
      },
      args: METRICS,
    });
    await container.reaches('up', 'up');
    await container.svctl('restart', 'up');
    const statuses = async () => Promise.all(['up', 'down', 'broken'].map(async (name) => container.status(name)));
    await waitFor('three failures', async () => Number((await container.status('crashes')).consecutiveFailures) >= 3);
    const crashed = await container.reaches('crashes', 'backoff');
    const before = await statuses();
    await killController();
    const crashedThen = await container.status('crashes');
    for (const [index, status] of (await statuses()).entries()) expectSame(status, before[index] ?? {});
    // On a machine that is too busy to look in time, the next attempt has come.
    if (crashedThen.run === crashed.run) expectSame(crashedThen, crashed);
    expect(await container.metric('my_init_service_restarts_total{service="up",reason="api"}')).toBe(1);
    expect(await container.metric('my_init_controller_restarts_total{cause="signal"}')).toBe(1);
    // The published time of the next attempt still holds.
    await waitFor('the next attempt', async () => (await container.status('crashes')).run === Number(crashed.run) + 1);
  });

  test('hundreds of adopted services end in order and in time', async () => {
    const names = Array.from({ length: 700 }, (_, index) => `s${index}`);
    container = await TestContainer.boot({
      services: Object.fromEntries(names.map((name) => [name, { run: WORKS }])),
      // The benchmark measures the speed; this machine runs other tests.
      args: ['--shutdown-timeout', '600'],
    });
    await waitFor('all services', async () => (await container.table()).split(' up ').length > names.length);
    await killController();
    container.signal('SIGTERM');
    const code = await container.exit;
    if (code !== 0) throw new Error(`exit code ${code}\n${container.log().slice(-3000)}`);
  });

  test('a run that ends meanwhile has lasted until its end, however late the next controller comes', async () => {
    const mortal = new MortalController();
    try {
      const etc = {
        'my_init/services.yaml': `services:
  job: { command: 'until test -e /run/over; do sleep 0.05; done; exit 3', restart: no }
`,
      };
      container = await TestContainer.boot({ installation: mortal.installation, etc });
      const { pid } = await container.reaches('job', 'up');
      const come = mortal.keepNextAway();
      process.kill(container.controllerPid, 'SIGKILL');
      await container.exec('touch', '/run/over');
      const isGone = async () => (await container.exec('test', '-e', `/proc/${pid}`)).code !== 0;
      await waitFor('the end of the run', isGone);
      const goneMs = Date.now();
      await delay(1_000);
      come();
      const { lastExit } = await container.reaches('job', 'failed');
      expect(lastExit).toMatchObject({ code: 3 });
      // The two readings of the wall clock may differ by a moment.
      expect(Date.parse(String((lastExit as { at: string }).at))).toBeLessThan(goneMs + 500);
    } finally {
      await container.dispose();
      mortal.dispose();
    }
  });

  test('a service that dies afterwards is started again, and its counters go on', async () => {
    container = await TestContainer.boot({ services: { web: { run: WORKS } } });
    const before = await container.reaches('web', 'up');
    await killController();
    await waitFor('a run of a second', () => Date.now() - Date.parse(String(before.startedAt)) > 1100);
    await container.exec('kill', '-9', String(before.pid));
    await waitFor('the next run', async () => (await container.status('web')).run === 2);
    expect(await container.reaches('web', 'up')).toMatchObject({
      restartsTotal: 1,
      startsTotal: 2,
      lastExit: { signal: 'KILL', run: 1 },
    });
    expect((await container.svctl('stop', 'web')).code).toBe(0);
  });

  test('a service that dies before the next controller comes is not forgotten', async () => {
    container = await TestContainer.boot({ services: { web: { run: WORKS } } });
    const before = await container.reaches('web', 'up');
    await waitFor('a run of a second', () => Date.now() - Date.parse(String(before.startedAt)) > 1100);
    process.kill(container.controllerPid, 'SIGKILL');
    await container.exec('kill', '-SEGV', String(before.pid));
    await waitFor('the next run', async () => (await container.status('web')).run === 2);
    expect(await container.status('web')).toMatchObject({ lastExit: { signal: 'SEGV', run: 1 } });
  });

  test('a stop under way is completed by the next controller, with KILL when its time is over', async () => {
    container = await TestContainer.boot({
      services: { stubborn: { run: '#!/bin/sh\ntrap "" TERM\nwhile :; do sleep 1 & wait; done\n' } },
    });
    await container.reaches('stubborn', 'up');
    await container.traps('stubborn');
    expect((await container.svctl('stop', 'stubborn', '--no-wait', '--stop-timeout', '5')).code).toBe(0);
    await killController();
    expect(await container.reaches('stubborn', 'down', 10_000)).toMatchObject({
      lastExit: { signal: 'KILL', expected: true },
      startsTotal: 1,
    });
  });

  test('a running finish is waited for', async () => {
    container = await TestContainer.boot({
      services: {
        web: { run: WORKS, finish: '#!/bin/sh\nuntil test -e go; do sleep 0.02; done\necho done >> finished\n' },
      },
    });
    await container.reaches('web', 'up');
    await container.svctl('restart', 'web', '--no-wait');
    await container.reaches('web', 'finishing');
    await killController();
    expect((await container.status('web')).state).toBe('SERVICE_STATE_FINISHING');
    container.write('web/go', '');
    expect(await container.reaches('web', 'up')).toMatchObject({ run: 2, restartsTotal: 1 });
    expect(readFileSync(`${container.services}/web/finished`, 'utf8')).toBe('done\n');
  });

  test.each([1, 10, 25, 45])(
    'with %i of 60 services started, each of them has one process in the end',
    async (count) => {
      const names = Array.from({ length: 60 }, (_, index) => `web${index}`);
      container = await TestContainer.boot({
        services: Object.fromEntries(names.map((name) => [name, { run: WORKS, down: '' }])),
      });
      const { controllerPid } = container;
      const order = container.svctl('start', '--all');
      while (childrenOf(controllerPid).length < count) await new Promise((resolve) => setImmediate(resolve));
      process.kill(controllerPid, 'SIGKILL');
      await order;
      await container.svctl('start', '--all');
      await expectOneProcessEach();
    },
  );

  test.each([110, 150, 200])('%i ms into the restart of all, each of them has one process in the end', async (ms) => {
    const finish = '#!/bin/sh\nsleep 0.05\n';
    const names = Array.from({ length: 30 }, (_, index) => `web${index}`);
    container = await TestContainer.boot({
      services: Object.fromEntries(names.map((name) => [name, { run: '#!/bin/sh\nexec sleep 1000\n', finish }])),
    });
    await container.svctl('start', '--all');
    const { controllerPid } = container;
    const order = container.svctl('restart', '--all');
    await delay(ms);
    process.kill(controllerPid, 'SIGKILL');
    await order;
    await container.svctl('start', '--all');
    await expectOneProcessEach();
  });

  test('three times in a row, no client that connects without pause is refused', async () => {
    container = await TestContainer.boot({ services: { web: { run: WORKS } } });
    const { pid } = await container.reaches('web', 'up');
    const refused: string[] = [];
    let attempts = 0;
    let stop = false;
    const knocking = (async () => {
      while (!stop) {
        attempts += 1;
        await knock(container.socket).catch((error: NodeJS.ErrnoException) => refused.push(String(error.code)));
        await delay(5);
      }
    })();
    for (let round = 0; round < 3; round++) await killController();
    stop = true;
    await knocking;
    expect(refused).toEqual([]);
    expect(attempts).toBeGreaterThan(50);
    expect(await container.status('web')).toMatchObject({ pid, run: 1 });
  });

  test('five times within a minute, the container ends in order with code 70', async () => {
    const run = '#!/bin/sh\ntrap "echo stopped in order; exit 0" TERM\nwhile :; do sleep 1 & wait; done\n';
    container = await TestContainer.boot({ services: { web: { run } } });
    await container.reaches('web', 'up');
    await container.traps('web');
    for (let round = 0; round < 4; round++) await killController();
    process.kill(container.controllerPid, 'SIGKILL');
    expect(await container.exit).toBe(70);
    expect(container.log()).toContain('stopped in order');
  });
});

/** Expects that every service is up, and that `sleep` runs as often as there are services. */
async function expectOneProcessEach(): Promise<void> {
  const { services } = JSON.parse((await container.svctl('status', '-o', 'json')).stdout) as {
    readonly services: readonly { readonly pid: number; readonly state: string }[];
  };
  expect(services.filter(({ state }) => state !== 'SERVICE_STATE_UP')).toEqual([]);
  expect(await container.sleeping(services.length, 'sid')).toEqual(
    services.map(({ pid }) => pid).sort((a, b) => a - b),
  );
}

/**
 * Expects the same values but for some milliseconds: each controller converts from the monotonic
 * clock anew.
 */
function expectSame(after: Record<string, unknown>, before: Record<string, unknown>): void {
  expect(Object.keys(after)).toEqual(Object.keys(before));
  for (const [key, value] of Object.entries(after)) {
    const earlier = before[key];
    if (typeof value === 'object' && value !== null) expectSame({ ...value }, { ...(earlier as object) });
    else if (/^(at|.*(At|Since))$/.test(key))
      expect(Math.abs(Date.parse(String(value)) - Date.parse(String(earlier)))).toBeLessThanOrEqual(20);
    else expect({ [key]: value }).toEqual({ [key]: earlier });
  }
}

const knock = (path: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.destroy();
      resolve();
    });
  });
