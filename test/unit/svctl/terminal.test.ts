import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { OperationError } from '../../../src/supervisor/operation-error.js';
import { startApi, type TestApi } from '../../helpers/api-server.js';
import { bundledSvctl, type Svctl } from '../../helpers/svctl.js';

let svctl: Svctl;
beforeAll(() => {
  svctl = bundledSvctl();
});
afterAll(() => svctl.remove());

let api: TestApi;
beforeEach(async () => {
  api = await startApi();
});
afterEach(() => api.stop());

/** With a terminal for input and output, util-linux script(1). */
const onTerminal = (args: string, environment: NodeJS.ProcessEnv = {}) =>
  svctl.shell(`script -qec "$svctl ${args} --socket ${api.path}" /dev/null`, environment);

const ESCAPE = '\x1b';

describe('colours', () => {
  test('are used on a terminal', async () => {
    const { stdout } = await onTerminal('status');
    expect(stdout).toMatch(/memcached +\x1b\[36mup\x1b\[0m +yes/);
  });

  test.each([
    ['NO_COLOR', '', { NO_COLOR: '1' }],
    ['--no-color', '--no-color', {}],
    ['a dumb terminal', '', { TERM: 'dumb' }],
  ])('are not used with %s', async (_what, option, environment) => {
    const { stdout } = await onTerminal(`status ${option}`, environment);
    expect(stdout).toContain('memcached  up ');
    expect(stdout).not.toContain(ESCAPE);
  });

  test('are not used in a pipe', async () => {
    const { stdout } = await svctl.run(['--socket', api.path]);
    expect(stdout).not.toContain(ESCAPE);
  });

  test('do not disturb the columns', async () => {
    api.services.set('web', { state: 'backoff', pid: 0, ready: false });
    // Seconds may pass between the two calls.
    const withoutUptime = (table: string): string => table.replace(/\d+s +/g, '');
    const coloured = (await onTerminal('status')).stdout.replaceAll('\r', '').replace(/\x1b\[[\d;]+m/g, '');
    expect(withoutUptime(coloured)).toBe(withoutUptime((await svctl.run(['--socket', api.path])).stdout));
  });
});

describe('control characters', () => {
  const EVIL = 'bad\x1b]0;owned\x07\x1b[2J\x9b31m\r\n\u202e\x7f end';
  const HARMLESS = /^[\x20-\x7e\n→←…\u2500-\u257f]*$/;

  test.each(['table', 'wide', 'json', 'jsonl', 'name'])('of a service never come out raw (%s)', async (format) => {
    const cause = { kind: 'api', actor: EVIL, message: EVIL } as const;
    api.services.set('web', { trouble: EVIL, cause, directory: EVIL });
    const { stdout } = await svctl.run(['-o', format, '--socket', api.path]);
    expect(stdout).toMatch(HARMLESS);
    if (format === 'json') expect(JSON.parse(stdout).services[2].trouble).toBe(EVIL);
  });

  test('of an error never come out raw', async () => {
    api.services.answer = async () => {
      throw new OperationError('START_FAILED', EVIL, { service: EVIL });
    };
    const { stderr } = await svctl.run(['start', 'web', '--socket', api.path]);
    expect(stderr).toContain('bad\\x1b]0;owned\\x07');
    expect(stderr).toMatch(HARMLESS);
  });

  test('of the command line never come out raw', async () => {
    for (const args of [[EVIL], [`--${EVIL}`], ['status', EVIL], ['signal', EVIL, 'web'], ['-o', EVIL]]) {
      const { stderr } = await svctl.run([...args, '--socket', api.path]);
      expect(stderr).toMatch(HARMLESS);
      expect(stderr).not.toBe('');
    }
  });

  test('of a process name never come out raw', async () => {
    const process = { parentPid: 0, session: 1, state: 'S', service: '', role: 'other' } as const;
    api.system.processList = [
      { ...process, pid: 1, name: EVIL, startedAtMs: 0, residentBytes: 1, cpuSeconds: 0, threads: 1 },
    ];
    expect((await svctl.run(['ps', '--socket', api.path])).stdout).toMatch(HARMLESS);
  });
});

describe('a reader that goes away', () => {
  test.each(['', '-o json', '--help'])('is no error (svctl %s | head -0)', async (args) => {
    const { stderr, stdout } = await svctl.shell(
      `set -o pipefail; for i in 1 2 3; do $svctl ${args} --socket ${api.path} | head -0 || exit; done; echo $?`,
    );
    expect({ stderr, stdout }).toEqual({ stderr: '', stdout: '0\n' });
  });

  test('does not change the exit code of an order', async () => {
    const { stdout } = await svctl.shell(
      `$svctl stop nobody --socket ${api.path} 2>/dev/null | head -0; echo \${PIPESTATUS[0]}`,
    );
    expect(stdout).toBe('4\n');
  });

  test('ends a watch', async () => {
    const { process, ended } = svctl.start(['watch', '--socket', api.path]);
    process.stdout.destroy();
    let paused = false;
    const change = setInterval(() => {
      paused = !paused;
      api.services.set('web', { paused });
    }, 20);
    const { code, stderr } = await ended;
    clearInterval(change);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});
