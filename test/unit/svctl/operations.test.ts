import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Reason } from '../../../gen/reasons.js';
import { OperationError } from '../../../src/supervisor/operation-error.js';
import type { OperationReason, Outcome } from '../../../src/types/operations.js';
import { startApi, type TestApi, until } from '../../helpers/api-server.js';
import { fakeStatus } from '../../helpers/fake-services.js';
import { bundledSvctl, type Svctl } from '../../helpers/svctl.js';

let svctl: Svctl;
beforeAll(() => {
  svctl = bundledSvctl();
});
afterAll(() => svctl.remove());

let api: TestApi;
beforeEach(async () => {
  api = await startApi();
  api.services.set('memcached', { pid: 41 });
});
afterEach(() => api.stop());

const run = (...args: string[]) => svctl.call([...args, '--socket', api.path]);

const outcome = (name: string, over: Partial<Outcome> = {}): Outcome => ({
  name,
  changed: true,
  error: undefined,
  oldPid: 0,
  status: fakeStatus(name),
  durationMs: 12,
  ...over,
});

const failing = (name: string, reason: OperationReason, message: string): Outcome =>
  outcome(name, { changed: false, error: new OperationError(reason, message, { service: name }) });

describe('restart', () => {
  test('shows the old and the new pid and how long the restart took', async () => {
    const status = fakeStatus('memcached', { state: 'up', ready: true, pid: 57 });
    api.services.answer = async () => [outcome('memcached', { oldPid: 41, status })];
    const { stdout, stderr, code } = await run('restart', 'memcached');
    expect(stdout).toBe('memcached restarted: pid 41 → 57 in 12 ms\n');
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });

  test('of a service that was down says that it was started', async () => {
    const status = fakeStatus('memcached', { state: 'up', ready: true, pid: 57 });
    api.services.answer = async () => [outcome('memcached', { status, durationMs: 1534 })];
    expect(await run('restart', 'memcached')).toMatchObject({
      stdout: 'memcached started: pid 57 in 1.5 s\n',
      code: 0,
    });
  });

  test('passes on the condition to wait for, its timeout, and the stop timeout', async () => {
    await run('restart', 'memcached', '--wait', 'started', '--timeout', '5', '--stop-timeout=250ms');
    expect(api.services.calls).toMatchObject([
      {
        method: 'restart',
        selector: { names: ['memcached'], globs: [], all: false },
        options: { wait: 'started', waitTimeoutMs: 5000, stopTimeoutMs: 250 },
      },
    ]);
  });

  test('without waiting says that the restart was requested', async () => {
    const status = fakeStatus('memcached', { state: 'stopping', pid: 41 });
    api.services.answer = async () => [outcome('memcached', { oldPid: 41, status })];
    const { stdout } = await run('restart', '--no-wait', 'memcached');
    expect(stdout).toBe('memcached: restart requested (pid 41)\n');
    expect(api.services.calls).toMatchObject([{ options: { wait: 'none' } }]);
  });
});

describe('start and stop', () => {
  test('say that there was nothing to do', async () => {
    expect(await run('start', 'memcached')).toMatchObject({ stdout: 'memcached is already up (pid 41)\n', code: 0 });
    api.services.set('memcached', { state: 'down', desired: 'down', pid: 0 });
    expect(await run('stop', 'memcached')).toMatchObject({ stdout: 'memcached is already down\n', code: 0 });
  });

  test('say what happened to the process', async () => {
    expect((await run('stop', 'memcached')).stdout).toMatch(/^memcached stopped: pid 41 \(TERM\) in [\d.]+ m?s\n$/);
    expect((await run('start', 'memcached')).stdout).toMatch(/^memcached started: pid \d+ in [\d.]+ m?s\n$/);
  });

  test('once starts a service without wanting it up for ever', async () => {
    await run('stop', 'memcached');
    expect((await run('once', 'memcached')).stdout).toMatch(/^memcached started once: pid \d+ in [\d.]+ m?s\n$/);
    expect(api.services.calls.at(-1)).toMatchObject({ method: 'start', options: { once: true } });
  });

  test('take all services only with --all', async () => {
    const { stderr, code } = await run('stop');
    expect(stderr).toContain('svctl: stop: which services?');
    expect(stderr).toContain('--all');
    expect(code).toBe(2);
    expect(api.services.calls).toEqual([]);
    expect((await run('stop', '--all')).stdout.split('\n').map((line) => line.split(' ')[0])).toEqual([
      'cron',
      'memcached',
      'web',
      '',
    ]);
  });
});

describe('several services', () => {
  test('have a line each, in order, failures on standard error with what to do', async () => {
    const up = fakeStatus('web', { state: 'up', ready: true, pid: 57 });
    api.services.answer = async () => [
      outcome('web', { status: up }),
      failing('cron', 'START_FAILED', 'cron cannot be started: /etc/service/cron/run: permission denied'),
      outcome('memcached', { changed: false, status: fakeStatus('memcached', { state: 'up', ready: true, pid: 41 }) }),
    ];
    const { stdout, stderr, code } = await run('start', '*');
    expect(stdout).toBe('memcached is already up (pid 41)\nweb started: pid 57 in 12 ms\n');
    expect(stderr).toBe(
      'svctl: cron cannot be started: /etc/service/cron/run: permission denied\n       svctl status cron says more.\n',
    );
    expect(code).toBe(1);
  });

  test('that fail alike give the code of the failure, otherwise 1', async () => {
    const early = failing('web', 'EXITED_EARLY', 'web exited with 1 after 5 ms');
    api.services.answer = async () => [early, outcome('cron'), failing('memcached', 'EXITED_EARLY', 'gone')];
    expect((await run('start', '*')).code).toBe(9);
    api.services.answer = async () => [early, failing('memcached', 'WAIT_TIMEOUT', 'memcached is not ready')];
    expect((await run('start', '*')).code).toBe(1);
  });

  test('json has every outcome, and the same exit code', async () => {
    api.services.answer = async () => [failing('web', 'WAIT_TIMEOUT', 'web is not ready'), outcome('cron')];
    const { stdout, code } = await run('start', '*', '-o', 'json');
    expect(JSON.parse(stdout).outcomes.map(({ name }: { name: string }) => name)).toEqual(['web', 'cron']);
    expect(code).toBe(6);
    const lines = (await run('start', '*', '-o', 'name')).stdout;
    expect(lines).toBe('cron\n');
  });
});

describe('signals', () => {
  test('reload names the process', async () => {
    expect(await run('reload', 'memcached')).toMatchObject({ stdout: 'memcached: reloaded (pid 41)\n', code: 0 });
  });

  test('signal takes the signal first, in any spelling', async () => {
    const { stdout } = await run('signal', 'sigusr1', 'memcached', '--group', '--run-id', 'x');
    expect(stdout).toBe('memcached: USR1 sent to pid 41\n');
    expect(api.services.calls).toMatchObject([{ signal: 'SIGUSR1', options: { group: true, expectedRunId: 'x' } }]);
    expect((await run('signal', '10', 'memcached')).stdout).toBe('memcached: signal 10 sent to pid 41\n');
  });

  test('a signal without a name or a service is wrong usage', async () => {
    expect(await run('signal')).toMatchObject({ code: 2 });
    expect(await run('signal', 'HUP')).toMatchObject({ code: 2 });
    expect(await run('signal', '../x', 'memcached')).toMatchObject({ code: 2 });
    expect(await run('signal', 'memcached')).toMatchObject({
      stderr: expect.stringContaining('there is no signal "memcached"\n       svctl signal SIGNAL NAME…'),
      code: 2,
    });
  });
});

describe('exit codes', () => {
  const codes: [Reason, number][] = [
    ['EMPTY_SELECTOR', 2],
    ['INVALID_ARGUMENT', 2],
    ['SERVICE_NOT_FOUND', 4],
    ['NO_MATCH', 4],
    ['REMOVED', 4],
    ['NOT_RUNNING', 8],
    ['RUN_CHANGED', 8],
    ['SHUTTING_DOWN', 8],
    ['SIGNAL_FAILED', 1],
    ['START_FAILED', 1],
    ['SUPERSEDED', 1],
    ['EXITED_EARLY', 9],
    ['WAIT_TIMEOUT', 6],
  ];
  test.each(codes)('%s, of one service or of the call, gives %i', async (reason, code) => {
    const error = new OperationError(reason as OperationReason, 'what was wrong', { service: 'web' });
    api.services.answer = async () => [outcome('web', { error })];
    expect((await run('start', 'web')).code).toBe(code);
    api.services.answer = async () => {
      throw error;
    };
    const whole = await run('start', 'web');
    expect(whole.code).toBe(code);
    expect(whole.stdout).toBe('');
    expect(whole.stderr).toMatch(/^svctl: .+\n/);
  });
});

test('a timeout says that the operation goes on and how to follow it', async () => {
  api.services.answer = async () => [failing('web', 'WAIT_TIMEOUT', 'web is not ready after 5 s (it is starting)')];
  const { stderr } = await run('start', 'web');
  expect(stderr).toBe(
    'svctl: web is not ready after 5 s (it is starting)\n       The operation goes on. svctl watch web follows it; --timeout waits longer.\n',
  );
});

test('Ctrl-C ends the wait, says so, and gives the shell 130', async () => {
  api.services.answer = () => new Promise(() => undefined);
  const running = svctl.start(['restart', 'memcached', '--socket', api.path]);
  await until(() => api.services.calls.length === 1);
  running.process.kill('SIGINT');
  const { stderr, signal } = await running.ended;
  expect(stderr).toBe('svctl: no longer waiting; the order stands. svctl status shows what became of it\n');
  expect(signal).toBe('SIGINT');
});

describe('run', () => {
  /** Words after `--` belong to the command. */
  const run = (...args: string[]) => svctl.call(['--socket', api.path, ...args]);
  const NOTHING = { names: [], globs: [], all: false };

  test('passes on the command unchanged, and the options in the words of service.yaml', async () => {
    const { stdout, code } = await run(
      ...['run', '--name', 'dev', '--ready', 'tcp:3000', '--restart', 'on-failure', '--env', 'A=1', '--env', 'B=$x=2'],
      ...['--user', 'app', '--cwd', '/srv', '--keep', '--wait', 'started', '--', 'npm', 'run', '--loud', '$HOME'],
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^dev started: pid \d+ in /);
    const [call] = api.services.calls;
    expect(call).toMatchObject({ method: 'run', order: { name: 'dev', keep: true }, options: { wait: 'started' } });
    expect(call?.order?.command).toEqual(['npm', 'run', '--loud', '$HOME']);
    expect(JSON.parse(call?.order?.definition ?? '')).toEqual({
      ready: { tcp: 'localhost:3000' },
      restart: 'on-failure',
      user: 'app',
      working_dir: '/srv',
      environment: { A: '1', B: '$$x=2' },
    });
  });

  test.each([
    ['tcp:db:5432', { tcp: 'db:5432' }],
    ['http://localhost:8080/health', { http: 'http://localhost:8080/health' }],
    ['unix:/run/x.sock', { unix: '/run/x.sock' }],
    ['log:listening on \\d+$', { log: 'listening on \\d+$$' }],
    ['exec:pg_isready -q', { exec: ['/bin/sh', '-c', 'pg_isready -q'] }],
    ['grpc:50051', { grpc: { address: 'localhost:50051' } }],
    ['delay:5s', { delay: '5s' }],
    ['notify', { notify: true }],
    ['notify_fd:3', { notify_fd: 3 }],
  ])('--ready %s', async (ready, key) => {
    await run('run', '--name', 'dev', '--ready', ready, '--', 'app');
    expect(JSON.parse(api.services.calls[0]?.order?.definition ?? '').ready).toEqual(key);
  });

  test('uses the name of the program, and the working directory', async () => {
    await run('run', '--', '/usr/bin/app');
    expect(api.services.calls[0]?.order).toMatchObject({ name: 'app', command: ['/usr/bin/app'], keep: false });
    expect(JSON.parse(api.services.calls[0]?.order?.definition ?? '')).toEqual({ working_dir: process.cwd() });
  });

  test.each([
    [['run'], 'which program'],
    [['run', '--ready', 'maybe', '--', 'app'], '--ready cannot be "maybe"'],
    [['run', '--env', 'A', '--', 'app'], '--env cannot be "A"'],
    [['run', '--restart', 'maybe', '--', 'app'], '--restart cannot be "maybe"'],
  ])('%j is wrong usage', async (args, words) => {
    const { code, stderr } = await run(...args);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(words) });
    expect(api.services.calls).toEqual([]);
    expect(api.services.select(NOTHING)).toHaveLength(3);
  });
});

describe('scale', () => {
  test('passes on the number, and names the replicas that came and went', async () => {
    const gone = { status: undefined, oldPid: 63 };
    const up = fakeStatus('web@4', { state: 'up', pid: 71 });
    api.services.answer = async () => [outcome('web@4', { status: up }), outcome('web@3', gone)];
    const { stdout, stderr, code } = await run('scale', 'web', '4', '--wait', 'started', '--timeout', '5');
    expect({ stdout, stderr, code }).toEqual({
      stdout: 'web@3 removed: pid 63 in 12 ms\nweb@4 started: pid 71 in 12 ms\n',
      stderr: '',
      code: 0,
    });
    expect(api.services.calls).toMatchObject([
      { method: 'scale', selector: { names: ['web'] }, replicas: 4, options: { wait: 'started', waitTimeoutMs: 5000 } },
    ]);
  });

  test('says when there is nothing to do', async () => {
    api.services.answer = async () => [];
    expect(await run('scale', 'web', '1')).toMatchObject({ stderr: 'svctl: web has 1 replica already\n', code: 0 });
  });

  test.each([[['scale', 'web']], [['scale']], [['scale', 'web', 'many']], [['scale', 'web', '1', '2']]])(
    '%j is wrong usage',
    async (args) => {
      expect(await run(...args)).toMatchObject({ code: 2, stderr: expect.stringContaining('svctl scale NAME NUMBER') });
    },
  );
});

test('restart --at-once restarts all replicas together', async () => {
  await run('restart', 'web', '--at-once');
  await run('restart', 'web');
  expect(api.services.calls.map(({ options }) => options)).toMatchObject([{ atOnce: true }, { atOnce: false }]);
});
