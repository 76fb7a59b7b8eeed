import { type SpawnSyncOptions, spawnSync } from 'node:child_process';
import { chmodSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { built } from '../../helpers/init-harness.js';

const { ENOENT, EACCES, ENOEXEC, ENOTDIR, EBADF, EINVAL } = constants.errno;
const LAUNCH = built('launch');
const directory = mkdtempSync(join(tmpdir(), 'my_init-launch-'));
afterAll(() => rmSync(directory, { recursive: true }));

function file(name: string, text: string, mode = 0o755): string {
  const path = join(directory, name);
  writeFileSync(path, text, 'latin1');
  chmodSync(path, mode);
  return path;
}

function launch(words: readonly string[], options: SpawnSyncOptions = {}) {
  const { status, signal, stdout, stderr, pid } = spawnSync(LAUNCH, words, options);
  return { status, signal, pid, output: stdout.toString('latin1'), error: stderr.toString('latin1') };
}

/** With a shell before it, which sets the stage. */
function prepared(preparation: string, ...words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync('sh', ['-c', `${preparation}; exec "$0" "$@"`, LAUNCH, ...words]);
  return { status, output: stdout.toString('latin1'), error: stderr.toString('latin1') };
}

/** What it reports at descriptor 3. */
function failure(words: readonly string[], options: SpawnSyncOptions = {}) {
  const report = join(directory, 'report');
  const fd = openSync(report, 'w+');
  const { status, pid, error } = launch(['-r', `3:64:${process.pid}`, ...words], {
    ...options,
    stdio: ['ignore', 'pipe', 'pipe', fd],
  });
  closeSync(fd);
  expect(error).toBe('');
  return { status, report: readFileSync(report, 'latin1').slice(64).replace(`${pid} `, '').replace(/\0+$/, '') };
}

describe('launch becomes the program', () => {
  test('in the same process, with its arguments and its exit code', () => {
    const { status, output, pid } = launch(['--', '/bin/sh', '-c', 'echo $$ "$0" "$@"; exit 7', 'a b', '', '-s', '--']);
    expect([status, output]).toEqual([7, `${pid} a b  -s --\n`]);
  });

  test('options end at the first word that is not one', () => {
    expect(launch(['/bin/echo', '-s', '-x']).output).toBe('-s -x\n');
  });

  test('with all signals at their default and none blocked', () => {
    const program = "trap '' HUP INT PIPE USR1 CHLD; exec";
    const { status, stdout } = spawnSync('sh', [
      '-c',
      `${program} "$0" -- /bin/grep -E "Sig(Blk|Ign)" /proc/self/status`,
      LAUNCH,
    ]);
    expect(status).toBe(0);
    expect(stdout.toString()).toBe('SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n');
  });

  test('in a new session with -s, in the old one without', () => {
    const read = [
      '/bin/sh',
      '-c',
      'read -r pid name state parent group session rest < /proc/self/stat; echo $$ $group $session',
    ];
    const [pid, group, session] = launch(['-s', '--', ...read])
      .output.trim()
      .split(' ');
    expect([group, session]).toEqual([pid, pid]);
    const [other, , old] = launch(['--', ...read])
      .output.trim()
      .split(' ');
    expect(old).not.toBe(other);
  });

  test('-s is content with a session that it leads already', () => {
    expect(spawnSync('sh', ['-c', 'exec setsid -w "$0" -s -- /bin/true', LAUNCH]).status).toBe(0);
  });

  test('in the directory of -d', () => {
    expect(launch(['-d', directory, '--', '/bin/pwd']).output).toBe(`${directory}\n`);
  });

  test('with the environment of -E, byte for byte, and only that', () => {
    const path = file('environment', 'A=1\0ODD=x\n\xff =y\0EMPTY=\0=nothing\0no-equals\0', 0o600);
    const fd = openSync(path, 'r');
    const { output } = launch(['-E', '3', '--', '/usr/bin/env', '-0'], { stdio: ['ignore', 'pipe', 'pipe', fd] });
    closeSync(fd);
    expect(output).toBe('A=1\0ODD=x\n\xff =y\0EMPTY=\0=nothing\0no-equals\0');
  });

  test('the environment of -E is read from the start, wherever the descriptor is, and may be empty', () => {
    const path = file('environment', 'A=1\0B=2', 0o600);
    expect(prepared(`exec 5<${path}; read -r x <&5`, '-E', '5', '--', '/usr/bin/env').output).toBe('A=1\nB=2\n');
    file('environment', '', 0o600);
    expect(prepared(`exec 5<${path}`, '-E', '5', '--', '/usr/bin/env').output).toBe('');
  });

  test('with no descriptor above 2 but those of -k', () => {
    const shown = ['/bin/sh', '-c', 'for fd in /proc/$$/fd/*; do readlink $fd; done'];
    const open = 'exec 5</dev/zero 7</dev/full 9</dev/random';
    expect(prepared(open, '--', ...shown).output).not.toMatch(/zero|full|random/);
    const { output } = prepared(open, '-k', '5', '-k', '9', '--', ...shown);
    expect(output).toMatch(/zero[\s\S]*random/);
    expect(output).not.toMatch(/full/);
  });

  test('with the limits of open files of -n', () => {
    const shown = ['/bin/sh', '-c', 'echo $(ulimit -Sn) $(ulimit -Hn)'];
    expect(launch(['-n', '100:200', '--', ...shown]).output).toBe('100 200\n');
  });

  test('-p looks in PATH of the new environment, and passes over what cannot be executed', () => {
    file('program', '#!/bin/sh\necho found\n');
    const not = mkdtempSync(join(directory, 'not-'));
    writeFileSync(join(not, 'program'), '', { mode: 0o644 });
    const fd = openSync(file('environment', `PATH=/none:/etc/passwd:${not}:${directory}\0`, 0o600), 'r');
    const { output } = launch(['-p', '-E', '3', '--', 'program'], { stdio: ['ignore', 'pipe', 'pipe', fd] });
    closeSync(fd);
    expect(output).toBe('found\n');
  });

  test('-f puts it in the foreground of the terminal, in a process group of its own', () => {
    const shown = file(
      'shown',
      '#!/bin/sh\nread -r pid name state parent group session tty foreground rest < /proc/$$/stat\necho $$ $group $foreground\n',
    );
    const inTerminal = `exec script -qec "sh -c '${LAUNCH} -f -- ${shown}; exit'" /dev/null`;
    const { status, stdout } = spawnSync('sh', ['-c', inTerminal], { input: '' });
    expect(status).toBe(0);
    expect(stdout.toString().trim()).toMatch(/^(\d+) \1 \1$/);
  });

  test('-f without a terminal is a process group of its own', () => {
    const read = ['/bin/sh', '-c', 'read -r pid name state parent group rest < /proc/$$/stat; echo $$ $group'];
    expect(launch(['-f', '--', ...read]).output).toMatch(/^(\d+) \1\n$/);
  });
});

describe('launch says why it could not', () => {
  test.each([
    ['a program that is missing', ['/none/at/all'], `exec ${ENOENT}`, 111],
    ['a file without permission', [file('plain', '#!/bin/sh\n', 0o644)], `exec ${EACCES}`, 111],
    [
      'a script without #!, which no shell is tried for',
      [file('no-hash-bang', 'echo hello\n')],
      `exec ${ENOEXEC}`,
      111,
    ],
    ['a missing interpreter', [file('bad-interpreter', '#!/none\n')], `exec ${ENOENT}`, 111],
    ['a directory that is missing', ['-d', '/none', '--', '/bin/true'], `chdir ${ENOENT}`, 111],
    ['a directory that is a file', ['-d', '/etc/passwd', '--', '/bin/true'], `chdir ${ENOTDIR}`, 111],
    ['a descriptor to keep that is not open', ['-k', '77', '--', '/bin/true'], `descriptors ${EBADF}`, 111],
    ['an environment that is not open', ['-E', '77', '--', '/bin/true'], `environment ${EBADF}`, 111],
    ['a soft limit above the hard one', ['-n', '20:10', '--', '/bin/true'], `limits ${EINVAL}`, 111],
    ['-p and a program that is nowhere', ['-p', '--', 'no-such-program'], `exec ${ENOENT}`, 127],
    ['-p and a path that leads nowhere', ['-p', '--', '/none/at/all'], `exec ${ENOENT}`, 127],
    ['-p and no name', ['-p', '--', ''], `exec ${ENOENT}`, 127],
    ['-p and a file without permission', ['-p', '--', join(directory, 'plain')], `exec ${EACCES}`, 126],
    ['-p and a script without #!', ['-p', '--', join(directory, 'no-hash-bang')], `exec ${ENOEXEC}`, 126],
    ['-p and a missing interpreter', ['-p', '--', join(directory, 'bad-interpreter')], `exec ${ENOENT}`, 126],
  ] as const)('%s', (_, words, report, code) => {
    expect(failure(words)).toEqual({ status: code, report });
  });

  test('an environment that has no start to read from', () => {
    const { status, stderr } = spawnSync('sh', ['-c', 'echo A=1 | "$0" -E 0 -- /usr/bin/env', LAUNCH]);
    expect(status).toBe(111);
    expect(stderr.toString()).toMatch(/^launch: environment: descriptor: .* seek\n$/);
  });

  test('on standard error without -r', () => {
    const { status, error } = launch(['--', '/none/at/all']);
    expect([status, error]).toEqual([111, 'launch: exec: /none/at/all: No such file or directory\n']);
  });

  test.each([
    [[]],
    [['-s']],
    [['-x', '--', '/bin/true']],
    [['-d']],
    [['-k', 'x', '--', '/bin/true']],
    [['-E', '-1', '--', '/bin/true']],
    [['-n', '10', '--', '/bin/true']],
    [['-n', '10:', '--', '/bin/true']],
    [['-n', '10:20x', '--', '/bin/true']],
  ])('usage %j', (words) => {
    const { status, error } = launch(words);
    expect(status).toBe(100);
    expect(error).toMatch(/^launch: .+\nusage: launch /);
  });
});
