import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { configure, helpText, parseCommandLine } from '../../../src/settings/options.js';
import { UsageError } from '../../../src/settings/usage-error.js';

const options = (...words: string[]) => parseCommandLine(words);
const config = (words: string[], variables: Record<string, string> = {}) =>
  configure(parseCommandLine(words), new Map(Object.entries(variables)));

function refusal(action: () => unknown): UsageError {
  try {
    action();
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('where options end', () => {
  test.each([
    [
      ['ls', '-la'],
      ['ls', '-la'],
    ],
    [
      ['--', 'echo', '--', 'foo'],
      ['echo', '--', 'foo'],
    ],
    [
      ['echo', '--quiet'],
      ['echo', '--quiet'],
    ],
    [['--quiet', '--', '--version'], ['--version']],
    [
      ['--log-level', 'debug', '-', 'x'],
      ['-', 'x'],
    ],
    [['--log-level=debug', ''], ['']],
    [['--'], []],
    [[], []],
  ])('%j has the command %j', (words, command) => {
    expect(options(...words).command).toEqual(command);
  });

  test('an option of the command is not an option of my_init', () => {
    expect(options('echo', '--quiet', '--skip-runit')).toMatchObject({ quiet: false, skipServices: false });
  });
});

describe('options', () => {
  test('each flag is read', () => {
    const words = ['--skip-startup-files', '--skip-runit', '--no-kill-all-on-exit', '--quiet', '--enable-insecure-key'];
    expect(options(...words, 'true')).toMatchObject({
      skipStartupFiles: true,
      skipServices: true,
      killAllOnExit: false,
      quiet: true,
      enableInsecureKey: true,
    });
  });

  test('a value is the next word or comes after an equals sign', () => {
    expect(config(['--service-dir', '/a']).serviceDirectory).toBe('/a');
    expect(config(['--service-dir=/a=b']).serviceDirectory).toBe('/a=b');
  });

  test('the last one wins if an option is repeated', () => {
    expect(config(['--service-dir', '/a', '--service-dir', '/b']).serviceDirectory).toBe('/b');
  });

  test.each([
    ['--skip-runnit', '--skip-runit'],
    ['--sevice-dir', '--service-dir'],
    ['--sockets', '--socket'],
    ['--skip-r', '--skip-runit'],
    ['-quiet', '--quiet'],
    ['--log-levle', '--log-level'],
  ])('%s is unknown, and the nearest option is named', (word, nearest) => {
    const { message, exitCode } = refusal(() => options(word));
    expect(exitCode).toBe(2);
    expect(message).toContain(`there is no option ${word}; did you mean ${nearest}?`);
  });

  test('an option unlike any other points to the help', () => {
    expect(refusal(() => options('-x')).message).toContain('see my_init --help');
  });

  test.each([[['--socket']], [['--quiet=yes', 'x']], [['--skip-runit']]])('%j is refused with 2', (words) => {
    expect(refusal(() => options(...words)).exitCode).toBe(2);
  });

  test('help needs no command even with --skip-runit', () => {
    expect(options('--skip-runit', '--help').help).toBe(true);
  });
});

describe('values', () => {
  const LONG = `/${'s'.repeat(107)}`;
  const BAD: [option: string, variable: string, value: string][] = [
    ['--service-dir', 'MY_INIT_SERVICE_DIR', 'relative'],
    ['--socket', 'MY_INIT_SOCKET', 'relative'],
    ['--socket', 'MY_INIT_SOCKET', LONG],
    ['--socket-mode', 'MY_INIT_SOCKET_MODE', '888'],
    ['--socket-mode', 'MY_INIT_SOCKET_MODE', '04660'],
    ['--http-listen', 'MY_INIT_HTTP_LISTEN', '9180'],
    ['--http-listen', 'MY_INIT_HTTP_LISTEN', ':65536'],
    ['--http-listen', 'MY_INIT_HTTP_LISTEN', '::1:80'],
    ['--http-listen', 'MY_INIT_HTTP_LISTEN', '[:80'],
    ['--http-listen', 'MY_INIT_HTTP_LISTEN', 'a/b:80'],
    ['--http-listen', 'MY_INIT_HTTP_LISTEN', 'x]:80'],
    ['--log-level', 'MY_INIT_LOG_LEVEL', 'loud'],
    ['--script-timeout', 'MY_INIT_SCRIPT_TIMEOUT', '-1'],
    ['--script-timeout', 'MY_INIT_SCRIPT_TIMEOUT', '1m'],
    ['--shutdown-timeout', 'MY_INIT_SHUTDOWN_TIMEOUT', '0'],
    ['--shutdown-timeout', 'MY_INIT_SHUTDOWN_TIMEOUT', '1e9'],
  ];

  test.each(BAD)('an invalid %s is refused with 2 and named', (option, _variable, value) => {
    const { message, exitCode } = refusal(() => config([`${option}=${value}`]));
    expect(exitCode).toBe(2);
    expect(message).toContain(`${option}: must `);
  });

  test.each(BAD)('instead of %s, an invalid %s is refused with 78 and named', (_option, variable, value) => {
    const { message, exitCode } = refusal(() => config([], { [variable]: value }));
    expect(exitCode).toBe(78);
    expect(message).toContain(`${variable}: must `);
    expect(message).toContain(`not "${value}"`);
  });

  test.each(['KILL_PROCESS_TIMEOUT', 'KILL_ALL_PROCESSES_TIMEOUT'])('an invalid %s is refused with 78', (variable) => {
    expect(refusal(() => config([], { [variable]: 'soon' })).exitCode).toBe(78);
  });

  test('the option wins over the variable, even over an invalid one', () => {
    expect(config(['--log-level', 'warn'], { MY_INIT_LOG_LEVEL: 'loud' }).logLevel).toBe('warn');
  });

  test('an empty variable counts as unset', () => {
    expect(config([], { MY_INIT_SERVICE_DIR: '' }).serviceDirectory).toBe('/etc/service');
  });

  test('--quiet is a log level unless there is another one', () => {
    expect(config(['--quiet']).logLevel).toBe('warn');
    expect(config(['--quiet', '--log-level', 'debug']).logLevel).toBe('debug');
  });

  test('seconds become milliseconds', () => {
    const { scriptTimeoutMs, finishTimeoutMs, shutdownTimeoutMs, killProcessTimeoutMs } = config(
      ['--script-timeout', '1.5', '--finish-timeout', '60'],
      {
        MY_INIT_SHUTDOWN_TIMEOUT: '25',
        KILL_PROCESS_TIMEOUT: '30',
      },
    );
    expect([scriptTimeoutMs, finishTimeoutMs, shutdownTimeoutMs, killProcessTimeoutMs]).toEqual([
      1500, 60_000, 25_000, 30_000,
    ]);
  });

  test('0 seconds are no limit', () => {
    const args = ['--script-timeout', '0', '--finish-timeout', '0'];
    const none = config(args, { KILL_PROCESS_TIMEOUT: '0', KILL_ALL_PROCESSES_TIMEOUT: '0' });
    const { scriptTimeoutMs, finishTimeoutMs, killProcessTimeoutMs, killAllTimeoutMs } = none;
    const limits = [scriptTimeoutMs, finishTimeoutMs, killProcessTimeoutMs, killAllTimeoutMs];
    expect(limits).toEqual(limits.map(() => Number.POSITIVE_INFINITY));
  });

  test('http can be switched off', () => {
    expect(config(['--http-listen', 'none']).httpListen).toBeUndefined();
  });

  test.each([
    [':0', undefined, 0],
    ['127.0.0.1:80', '127.0.0.1', 80],
    ['[::1]:80', '::1', 80],
    ['[fe80::1%eth0]:80', 'fe80::1%eth0', 80],
    ['localhost:80', 'localhost', 80],
  ])('http can listen on %s', (address, host, port) => {
    expect(config(['--http-listen', address]).httpListen).toEqual({ host, port });
  });

  test('a socket path of 107 bytes is accepted', () => {
    expect(config(['--socket', LONG.slice(0, 107)]).socket).toHaveLength(107);
  });

  test('the startup scripts can be elsewhere', () => {
    expect(config([], { ENV_INIT_DIRECTORY: '/srv/init' }).startupDirectory).toBe('/srv/init');
  });
});

describe('docs/options.md', () => {
  const docs = readFileSync(new URL('../../../docs/options.md', import.meta.url), 'utf8');
  const help = helpText();
  const words = (text: string, pattern: RegExp) => [...new Set(text.match(pattern))].sort();
  const OPTION = /(?<=[\s`])--[a-z][a-z-]+\b/g;
  const VARIABLE = /\b(?:MY_INIT|KILL|ENV)_[A-Z_]+[A-Z]\b/g;

  test('has every option of --help and no other', () => {
    expect(words(docs.replaceAll('--option', ''), OPTION)).toEqual(words(help, OPTION));
  });

  test('has every variable of --help and no other', () => {
    expect(words(docs, VARIABLE)).toEqual(words(help, VARIABLE));
  });

  test('has the defaults of --help', () => {
    for (const [, option = '', value = ''] of help.matchAll(/^ {2}(--\S+ [A-Z]+) .*\(([^ )]+)/gm)) {
      const row = docs.split('\n').find((line) => line.startsWith(`| \`${option}\``)) ?? '';
      expect(row.split('|')[3]).toContain(value);
    }
  });
});
