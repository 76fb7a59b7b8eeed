import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { monotonicMs } from '../../../src/process/clock.js';
import type { ServiceName, ServiceStatus } from '../../../src/types/service.js';
import type { ProcessInfo } from '../../../src/types/system.js';
import { startApi, type TestApi, until } from '../../helpers/api-server.js';
import { FakeLogs } from '../../helpers/fake-logs.js';
import { FakeServices } from '../../helpers/fake-services.js';
import { bundledSvctl, type Svctl } from '../../helpers/svctl.js';

let svctl: Svctl;
beforeAll(() => {
  svctl = bundledSvctl();
});
afterAll(() => svctl.remove());

let logs: FakeLogs;
let api: TestApi;
beforeEach(async () => {
  logs = new FakeLogs();
  api = await startApi({ services: new FakeServices(), logs });
});
afterEach(async () => {
  await api.stop();
  logs.close();
});

const LONG = 'shop-europe-west-checkout-payment-reconciliation-worker';
const TROUBLE =
  '/etc/service/shop/run: permission denied (make it executable: chmod +x /etc/service/shop/run), or mount the volume without noexec';

/** Times in hours and minutes stay the same on a machine that asks later. */
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const up = (name: string, over: Partial<ServiceStatus> = {}) =>
  api.services.set(name, {
    state: 'up',
    ready: true,
    pid: 4321,
    run: 1,
    startedAtMs: monotonicMs() - 2 * HOUR,
    ...over,
  });

function manyServices(): void {
  for (const number of [1, 2]) up(`${LONG}-${number}`, { cause: { kind: 'api', actor: 'uid 0 (root), pid 312' } });
  api.services.set(`${LONG}-3`, {
    state: 'failed',
    trouble: TROUBLE,
    nextStartAtMs: monotonicMs() + 3 * HOUR + MINUTE / 2,
  });
  up('db', { ready: false });
  api.services.set('cron', { desired: 'down' });
}

const run = (...args: string[]) => svctl.call([...args, '--socket', api.path]);

/** The lines on a terminal of this width, without colours. */
async function onTerminal(columns: number, args: string): Promise<readonly string[]> {
  const command = `stty cols ${columns} rows 50; $svctl ${args} --no-color --socket ${api.path}`;
  const { stdout } = await svctl.shell(`script -qec '${command}' /dev/null`);
  return stdout.replaceAll('\r', '').trimEnd().split('\n');
}

const widest = (lines: readonly string[]): number => Math.max(...lines.map((line) => [...line].length));

describe('in a narrow terminal', () => {
  test('long names are cut in the middle, and reasons keep their indent', async () => {
    manyServices();
    const lines = await onTerminal(80, 'status');
    expect(lines).toEqual([
      'NAME                            STATE   READY   PID  UPTIME  RESTARTS  LAST EXIT',
      'cron                            down    -         -  -              0  -',
      'db                              up      no     4321  2h             0  -',
      'shop-europe-wes…ation-worker-1  up      yes    4321  2h             0  -',
      'shop-europe-wes…ation-worker-2  up      yes    4321  2h             0  -',
      'shop-europe-wes…ation-worker-3  failed  -         -  -              0  -',
      '    /etc/service/shop/run: permission denied (make it executable: chmod +x',
      '    /etc/service/shop/run), or mount the volume without noexec; next attempt in',
      '    3h',
      '5 services: 2 up, 1 not ready, 1 down, 1 failed',
    ]);
  });

  test.each([40, 60, 80, 100, 132])('nothing is wider than its %i columns', async (columns) => {
    manyServices();
    logs.of(`${LONG}-3`).line('x'.repeat(300));
    logs.of(`${LONG}-3`).line('word '.repeat(60));
    for (const args of ['status', 'status -o wide', 'status --by-tag', 'health'])
      expect(widest(await onTerminal(columns, args))).toBeLessThanOrEqual(columns);
  });

  test('the most important parts stay: names, states, and troubles', async () => {
    manyServices();
    const [header, , , , , failed] = await onTerminal(40, 'status');
    expect(header).toMatch(/^NAME +STATE +READY$/);
    expect(failed).toMatch(/^shop-.*…-?.*r-3 +failed +-$/);
  });

  test('the tree of ps fits, too', async () => {
    const processes = Array.from(
      { length: 30 },
      (_, depth): ProcessInfo => ({
        ...{ pid: 100_000 + depth, parentPid: 99_999 + depth, session: 100_000, state: 'S', role: 'other' },
        ...{
          service: LONG as ServiceName,
          name: 'worker',
          startedAtMs: 0,
          residentBytes: 1,
          cpuSeconds: 0,
          threads: 1,
        },
      }),
    );
    api.system.processList = processes;
    for (const args of ['ps', 'ps -o wide']) {
      const lines = await onTerminal(80, args);
      expect(widest(lines)).toBeLessThanOrEqual(80);
      expect(lines.at(-1)).toMatch(/└─ worker$/);
    }
  });

  test('into a pipe nothing is cut', async () => {
    manyServices();
    const { stdout } = await run('status', '-o', 'wide');
    expect(stdout).toContain(`${LONG}-1`);
    expect(stdout).toContain(`    ${TROUBLE}; next attempt`);
    expect(stdout).not.toContain('services:');
  });
});

describe('trouble', () => {
  test('--failed shows only services in trouble, also if there are none', async () => {
    up('web');
    expect(await run('status', '--failed')).toEqual(
      expect.objectContaining({ stdout: '', stderr: 'svctl: no service is in trouble, of 1\n', code: 0 }),
    );
    manyServices();
    expect((await run('status', '--failed', '-o', 'name')).stdout).toBe(`db\n${LONG}-3\n`);
    expect(JSON.parse((await run('status', '--failed', '-o', 'json')).stdout).services).toHaveLength(2);
  });

  test.each<[string, number, Partial<ServiceStatus>]>([
    ['up and ready', 0, {}],
    ['down by choice', 0, { state: 'down', desired: 'down', ready: false, pid: 0 }],
    ['starting', 0, { state: 'starting', ready: false }],
    ['up, not ready', 10, { ready: false }],
    ['in back-off', 10, { state: 'backoff', ready: false, pid: 0 }],
    ['failed', 10, { state: 'failed', ready: false, pid: 0 }],
    [
      'waiting for another one that starts',
      0,
      { state: 'waiting', pid: 0, waitsFor: [{ on: 'db' as ServiceName, condition: 'ready', reason: 'not-yet' }] },
    ],
    [
      'waiting for nothing that will come',
      10,
      { state: 'waiting', pid: 0, waitsFor: [{ on: 'db' as ServiceName, condition: 'ready', reason: 'unknown' }] },
    ],
  ])('--check of a service that is %s gives %i', async (_what, code, over) => {
    up('web', over);
    expect(await run('status', '--check')).toMatchObject({ code });
    expect(await run('status', '--check', 'web', '-o', 'name')).toMatchObject({ code, stdout: 'web\n' });
  });

  test('lost lines of a log are shown under their service and in info', async () => {
    up('web');
    logs.of('web').dropped = { lines: 120, bytes: 9000 };
    expect((await run('status')).stdout).toContain('\n    log of web: 120 lines lost, the disk was full\n');
    expect((await run('info')).stdout).toMatch(/^logs +log of web: 120 lines lost, the disk was full$/m);
    expect(JSON.parse((await run('info', '-o', 'json')).stdout).logLosses).toEqual([
      { source: 'web', lines: '120', waitingLines: '0' },
    ]);
    logs.of('web').waiting = 1;
    const words = 'log of web: 120 lines lost, the disk was full; 1 line waits in memory for room on the disk';
    expect((await run('status')).stdout).toContain(`\n    ${words}\n`);
  });
});

test('--by-tag shows a group for each tag, and untagged services at the end', async () => {
  up('db', { tags: ['storage'] });
  up('queue', { tags: ['storage', 'batch'] });
  up('web');
  const { stdout } = await run('status', '--by-tag');
  expect(stdout.split('\n').map((line) => line.split(' ')[0])).toEqual([
    'NAME',
    '@batch',
    'queue',
    '@storage',
    'db',
    'queue',
    'without',
    'web',
    '',
  ]);
});

describe('--watch', () => {
  const WATCH = (columns = 80) => `stty cols ${columns} rows 24; exec $svctl status -w --socket ${api.path}`;

  test('draws changes, and restores the terminal', async () => {
    up('web');
    const { process, ended, stdout } = svctl.startShell(`exec script -qec '${WATCH()}' /dev/null`);
    await until(() => stdout().includes('1 service: 1 up'));
    api.services.set('web', { state: 'backoff', ready: false, pid: 0, trouble: 'exited with 1' });
    await until(() => stdout().includes('exited with 1') && stdout().includes('1 service: 1 backoff'));
    process.stdin.write('\x03');
    const { code } = await ended;
    expect(stdout()).toMatch(/^\x1b\[\?1049h\x1b\[\?25l/);
    expect(stdout()).toContain('\x1b[?25h\x1b[?1049l');
    expect(code).toBe(130);
  });

  test('restores the terminal before it prints an error, and ends', async () => {
    const command = `stty cols 80 rows 24; exec $svctl status -w nosuch --socket ${api.path}`;
    const { stdout, code } = await svctl.shell(`exec script -qec '${command}' /dev/null`);
    expect(code).toBe(4);
    expect(stdout).toMatch(/\x1b\[\?25h\x1b\[\?1049l(?!.*\x1b\[\?1049l).*nosuch/s);
  });

  test('needs a terminal, and a table', async () => {
    expect(await run('status', '--watch')).toMatchObject({ code: 2, stdout: '' });
    expect((await run('status', '-w', '-o', 'json')).stderr).toContain('--watch shows a table, not json');
  });
});
