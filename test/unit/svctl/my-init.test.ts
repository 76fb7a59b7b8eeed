import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { monotonicMs } from '../../../src/process/clock.js';
import type { ProcessInfo } from '../../../src/types/system.js';
import { startApi, type TestApi, until } from '../../helpers/api-server.js';
import { bundledSvctl, type Svctl } from '../../helpers/svctl.js';

let svctl: Svctl;
beforeAll(() => {
  svctl = bundledSvctl();
});
afterAll(() => svctl.remove());

let api: TestApi;
let stopped = false;
beforeEach(async () => {
  stopped = false;
  api = await startApi();
});
afterEach(async () => {
  if (!stopped) await api.stop();
});

const run = (...args: string[]) => svctl.call([...args, '--socket', api.path]);

const rows = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/ {2,}/g, ' | '));

describe('health', () => {
  test('is 0 when all is well', async () => {
    const { stdout, stderr, code } = await run('health');
    expect(rows(stdout)).toEqual([
      'CHECK | STATUS | WHY',
      'liveness | serving',
      'readiness | serving',
      'startup | serving',
      'service/cron | serving',
      'service/memcached | serving',
      'service/web | serving',
    ]);
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });

  test('is 1 and says why when a wanted service cannot be used', async () => {
    api.services.set('web', { state: 'backoff', pid: 0, ready: false, trouble: 'exited with 1 after 20 ms' });
    const { stdout, code } = await run('health');
    expect(rows(stdout)).toContain('readiness | not serving | web is in backoff');
    expect(stdout).toMatch(/^service\/web +not serving +backoff\n {4}exited with 1 after 20 ms$/m);
    expect(code).toBe(1);
  });

  test('does not fail for services that nobody wants up, and names a few of many that cannot be used', async () => {
    api.services.set('sshd', { state: 'down', desired: 'down' });
    for (let n = 1; n <= 9; n++) api.services.set(`worker-${n}`, { state: 'failed' });
    const { stdout } = await run('health');
    expect(rows(stdout)).toContain('service/sshd | not serving | down by choice');
    const [first, second, third] = [1, 2, 3].map((n) => `worker-${n} is failed`);
    expect(rows(stdout)).toContain(`readiness | not serving | ${first}, ${second}, ${third} and 6 more`);
  });

  test('can ask about a service or a probe', async () => {
    api.services.set('web', { state: 'starting', ready: false });
    expect(await run('health', 'memcached', 'liveness')).toMatchObject({ code: 0 });
    expect(await run('health', 'web')).toMatchObject({ code: 1 });
    expect(await run('health', 'readiness')).toMatchObject({ code: 1 });
    const unknown = await run('health', 'wbe');
    expect(unknown.stderr).toContain('svctl: no service "wbe"');
    expect(unknown.code).toBe(4);
  });

  test('has JSON', async () => {
    expect(JSON.parse((await run('health', '-o', 'json')).stdout).statuses.readiness).toEqual({ status: 'SERVING' });
    expect(JSON.parse((await run('health', 'web', '-o', 'jsonl')).stdout)).toEqual({
      check: 'service/web',
      status: 'SERVING',
    });
  });
});

describe('info', () => {
  test('shows the properties of my_init and the rights of the caller', async () => {
    const { stdout, code } = await run('info');
    expect(rows(stdout)).toEqual(
      expect.arrayContaining([
        'my_init | 0.0.0-fake, pid 1 (init of its PID namespace)',
        'phase | running',
        'boot id | fake-boot',
        'services | /etc/service',
        'http | 127.0.0.1:9180',
        'shutdown | within 9 s',
        'you | may change things',
      ]),
    );
    expect(code).toBe(0);
    expect(JSON.parse((await run('info', '-o', 'json')).stdout)).toMatchObject({ phase: 'PHASE_RUNNING', pid1: true });
  });
});

describe('version', () => {
  test('shows both versions', async () => {
    const { stdout, code } = await run('version');
    expect(stdout).toMatch(/^svctl \d+\.\d+\.\d+\nmy_init 0\.0\.0-fake \(Node v\d+.*\)\n$/);
    expect(code).toBe(0);
  });

  test('shows its own version without my_init', async () => {
    const { stdout, stderr, code } = await svctl.run(['version', '--socket', '/nowhere/x.sock']);
    expect(stdout).toMatch(/^svctl \d+\.\d+\.\d+\n$/);
    expect(stderr).toContain('cannot reach my_init');
    expect(code).toBe(0);
    expect((await svctl.run(['--version'])).stdout).toBe(stdout);
  });
});

describe('ps', () => {
  const process = (pid: number, parentPid: number, name: string, over: Partial<ProcessInfo> = {}): ProcessInfo => ({
    pid,
    parentPid,
    session: pid,
    state: 'S',
    service: '',
    role: 'other',
    name,
    startedAtMs: monotonicMs() - (2 * 60 + 5.5) * 60_000,
    residentBytes: 3 * 1024 * 1024,
    cpuSeconds: 0.25,
    threads: 1,
    ...over,
  });

  beforeEach(() => {
    api.system.processList = [
      process(1, 0, 'my_init', { role: 'init', residentBytes: 340_000 }),
      process(7, 1, 'node', { role: 'controller' }),
      process(41, 7, 'memcached', { role: 'service', service: 'memcached' }),
      process(43, 41, 'sh', { role: 'zombie', service: 'memcached', state: 'Z' }),
      process(50, 1, 'bash'),
    ];
  });

  test('is a tree with the services and the zombies marked', async () => {
    const { stdout, stderr, code } = await run('ps');
    expect(stdout.split('\n')).toEqual([
      'PID  SERVICE    STATE     UPTIME   CPU  MEMORY  PROCESS',
      '  1  -          sleeping  2h 5m   0.3s    332K  my_init',
      '  7  -          sleeping  2h 5m   0.3s    3.0M  ├─ node',
      ' 41  memcached  sleeping  2h 5m   0.3s    3.0M  │  └─ memcached',
      ' 43  memcached  zombie    2h 5m   0.3s       -  │     └─ sh',
      ' 50  -          sleeping  2h 5m   0.3s    3.0M  └─ bash',
      '',
    ]);
    expect(stderr).toBe('svctl: 1 zombie, not reaped by the parent yet\n');
    expect(code).toBe(0);
  });

  test('of a service shows its processes alone', async () => {
    expect((await run('ps', 'memcached', '-o', 'name')).stdout).toBe('41\n43\n');
  });
});

describe('rescan', () => {
  test('shows what was found', async () => {
    api.system.rescanResult = {
      added: ['queue'],
      removed: ['web'],
      skipped: [{ name: '.git', reason: 'a name cannot begin with a dot' }],
    };
    expect(await run('rescan')).toEqual({
      stdout: 'queue added\nweb removed\n',
      stderr: 'svctl: .git is no service: a name cannot begin with a dot\n',
      code: 0,
    });
    api.system.rescanResult = { added: [], removed: [], skipped: [] };
    expect((await run('rescan')).stdout).toBe('nothing has changed\n');
  });
});

describe('shutdown', () => {
  const progress = (stage: string, remaining: string[], elapsedMs: number) =>
    api.system.progress({ stage, remaining, elapsedMs, remainingMs: 8000.25 - elapsedMs });

  test('shows the progress until my_init is gone', async () => {
    const args = ['shutdown', '--reason', 'node drain', '--exit-code', '3', '--timeout', '8'];
    const { ended, stdout } = svctl.start([...args, '--socket', api.path]);
    await until(() => api.system.orders.length === 1);
    expect(api.system.orders).toMatchObject([{ reason: 'node drain', exitCode: 3, timeoutMs: 8000 }]);
    progress('services', ['memcached', 'web'], 0);
    await until(() => stdout().includes('web'));
    progress('services', ['web'], 1200);
    await until(() => stdout().split('\n').length === 3);
    stopped = true;
    await api.stop();
    expect(await ended).toEqual({
      stdout: '  0.0 s  services: waiting for memcached, web\n  1.2 s  services: waiting for web\nmy_init is gone\n',
      stderr: '',
      code: 0,
      signal: null,
    });
  });

  test('is not waited for with --no-wait', async () => {
    const { ended } = svctl.start(['shutdown', '--no-wait', '--socket', api.path]);
    await until(() => api.system.orders.length === 1);
    progress('services', ['web'], 0);
    expect(await ended).toMatchObject({ stdout: '  0.0 s  services: waiting for web\n', stderr: '', code: 0 });
  });

  test('succeeds if svctl itself is killed by the shutdown', async () => {
    const { process, ended, stdout } = svctl.start(['shutdown', '--socket', api.path]);
    await until(() => api.system.orders.length === 1);
    progress('services', ['web'], 0);
    await until(() => stdout() !== '');
    process.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 0 });
  });

  test('waits for my_init itself, not only for its controller', async () => {
    const { ended, stdout } = svctl.start(['shutdown', '-o', 'jsonl', '--socket', api.path]);
    await until(() => api.system.orders.length === 1);
    progress('services', [], 0);
    await until(() => stdout() !== '');
    await api.api.close(0);
    const early = await Promise.race([ended, new Promise((resolve) => setTimeout(() => resolve('waits'), 200))]);
    expect(early).toBe('waits');
    stopped = true;
    await api.stop();
    const { stdout: all, code } = await ended;
    expect(JSON.parse(all)).toMatchObject({ stage: 'services', remainingSeconds: 8.00025 });
    expect(code).toBe(0);
  });

  test('of an absent my_init exits with 7', async () => {
    stopped = true;
    await api.stop();
    expect(await svctl.run(['shutdown', '--socket', api.path])).toMatchObject({ code: 7, stdout: '' });
  });
});
