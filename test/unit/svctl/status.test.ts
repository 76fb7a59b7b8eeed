import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { monotonicMs } from '../../../src/process/clock.js';
import { startApi, type TestApi } from '../../helpers/api-server.js';
import { FakeServices, fakeProcess, NO_COUNTS } from '../../helpers/fake-services.js';
import { bundledSvctl, type Svctl } from '../../helpers/svctl.js';

let svctl: Svctl;
beforeAll(() => {
  svctl = bundledSvctl();
});
afterAll(() => svctl.remove());

let api: TestApi;
beforeEach(async () => {
  api = await startApi({ services: new FakeServices() });
});
afterEach(() => api.stop());

const run = (...args: string[]) => svctl.call([...args, '--socket', api.path]);

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

function memcachedUp(): void {
  const now = monotonicMs();
  api.services.set('memcached', {
    state: 'up',
    ready: true,
    pid: 41,
    run: 3,
    startedAtMs: now - 12 * MINUTE - 5500,
    stateSinceMs: now - 12 * MINUTE,
    lastExit: {
      run: 2,
      status: { kind: 'signaled', signal: 9, coreDumped: false },
      atMs: now - 12 * MINUTE - 6000,
      durationMs: 1000,
      expected: false,
    },
    counters: { ...NO_COUNTS, starts: 3, restarts: { ...NO_COUNTS.restarts, signal: 2 } },
  });
}

function webInBackoff(): void {
  const now = monotonicMs();
  api.services.set('web', {
    state: 'backoff',
    run: 9,
    lastExit: {
      run: 9,
      status: { kind: 'exited', code: 1 },
      atMs: now - 2500,
      durationMs: 20,
      expected: false,
    },
    cause: { kind: 'exit' },
    trouble: 'exited with 1 after 20 ms',
    nextStartAtMs: now + 3 * HOUR + MINUTE / 2,
    counters: { ...NO_COUNTS, starts: 9, restarts: { ...NO_COUNTS.restarts, exit: 8 } },
  });
}

describe('the table', () => {
  test('shows each service, with its trouble under its row', async () => {
    memcachedUp();
    webInBackoff();
    api.services.set('cron', { desired: 'down' });
    const { stdout, stderr, code } = await run();
    // A busy machine asks later.
    const asked = stdout.replace(/12m \d+s/, '12m 5s').replace(/\d+s ago/g, '2s ago');
    expect(asked.split('\n')).toEqual([
      'NAME       STATE    READY  PID  UPTIME  RESTARTS  LAST EXIT',
      'cron       down     -        -  -              0  -',
      'memcached  up       yes     41  12m 5s         2  KILL, 12m ago',
      'web        backoff  -        -  -              8  exit 1, 2s ago',
      '    exited with 1 after 20 ms; next attempt in 3h',
      '',
    ]);
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });

  test('has more columns when it is wide', async () => {
    memcachedUp();
    api.system.processList = [fakeProcess(41, { service: 'memcached', residentBytes: 4_300_000 })];
    const { stdout } = await run('status', '-o', 'wide');
    expect(stdout).toMatch(
      /^NAME .* LAST EXIT +CPU +MEMORY +DESIRED +STARTS +ATTEMPTS +SINCE +CAUSE\nmemcached .* 0% +4\.1M +up +3 +3 +12m ago +boot\n$/,
    );
  });

  test('never shows a negative time when the clocks disagree', async () => {
    api.services.set('web', { state: 'up', ready: true, pid: 5, startedAtMs: monotonicMs() + 60_000 });
    const { stdout } = await run();
    expect(stdout).toContain(' 0s ');
    expect(stdout).not.toContain('-1');
  });

  test('says that a process is paused or not ready', async () => {
    api.services.set('web', { state: 'up', ready: false, pid: 5, paused: true, startedAtMs: monotonicMs() });
    const { stdout } = await run();
    expect(stdout).toMatch(/^web +up, paused +no +5 /m);
  });
});

describe('selected services', () => {
  beforeEach(() => {
    for (const name of ['web-1', 'web-2', 'db']) api.services.set(name, { state: 'up', ready: true, pid: 7 });
  });

  test('are chosen by names and patterns', async () => {
    const { stdout, code } = await run('status', 'web-*', '-o', 'name');
    expect(stdout).toBe('web-1\nweb-2\n');
    expect(code).toBe(0);
  });

  test('a named service without a process gives 3', async () => {
    api.services.set('db', { state: 'down', pid: 0 });
    expect(await run('status', 'db')).toMatchObject({ code: 3, stderr: '' });
    expect(await run('status', 'web-1')).toMatchObject({ code: 0 });
    expect(await run('status')).toMatchObject({ code: 0 });
  });

  test('an unknown service gives 4 and the nearest name', async () => {
    const { stdout, stderr, code } = await run('status', 'we-1');
    expect(stderr).toBe('svctl: no service "we-1". Did you mean web-1?\n');
    expect(stdout).toBe('');
    expect(code).toBe(4);
  });

  test('a pattern that matches nothing gives 4', async () => {
    const { stderr, code } = await run('status', 'nothing-*');
    expect(stderr).toContain('svctl: no service matches "nothing-*"');
    expect(code).toBe(4);
  });
});

describe('without services', () => {
  test('says where services go, and prints nothing on standard output', async () => {
    const { stdout, stderr, code } = await run();
    expect(stdout).toBe('');
    expect(stderr).toContain('no services. The service directory is /etc/service');
    expect(stderr).toContain('/etc/service/NAME');
    expect(code).toBe(0);
  });

  test('says that my_init is still booting', async () => {
    api.system.set({ phase: 'booting' });
    const { stderr } = await run();
    expect(stderr).toContain('runs the startup scripts');
  });
});

describe('other outputs', () => {
  test('json is the answer in the JSON mapping of protobuf', async () => {
    memcachedUp();
    const { stdout } = await run('status', '-o', 'json');
    const answer = JSON.parse(stdout);
    expect(answer).toMatchObject({
      bootId: 'fake-boot',
      revision: '1',
      services: [{ name: 'memcached', state: 'SERVICE_STATE_UP', pid: 41, lastExit: { signal: 'KILL', code: 137 } }],
    });
  });

  test('jsonl has one service on a line', async () => {
    memcachedUp();
    webInBackoff();
    const { stdout } = await run('-ojsonl');
    const lines = stdout.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).name)).toEqual(['memcached', 'web']);
  });
});
