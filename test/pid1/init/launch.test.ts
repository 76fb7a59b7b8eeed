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

/** Runs launch from a shell that prepares its surroundings. */
function prepared(preparation: string, ...words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync('sh', ['-c', `${preparation}; exec "$0" "$@"`, LAUNCH, ...words]);
  return { status, output: stdout.toString('latin1'), error: stderr.toString('latin1') };
}

/** Runs launch with a report at descriptor 3. Returns the report. */
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

  test('also with -s in a session that it leads already', () => {
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

  test('with an environment of -E that is read from the start, wherever the descriptor is, and may be empty', () => {
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

  test('with the descriptor of -k at another number, also at the number of the report', () => {
    const shown = ['/bin/sh', '-c', 'readlink /proc/$$/fd/3; readlink /proc/$$/fd/9; echo'];
    expect(prepared('exec 5</dev/zero', '-k', '5:3', '--', ...shown).output).toBe('/dev/zero\n\n');
    const report = join(directory, 'moved');
    const record = `exec 4>${report} 5</dev/zero`;
    const seen = prepared(record, '-r', `4:0:${process.pid}`, '-k', '5:4', '--', '/bin/readlink', '/proc/self/fd/4');
    expect(seen.output).toBe('/dev/zero\n');
    expect(prepared(record, '-r', `4:0:${process.pid}`, '-k', '5:4', '--', '/none').error).toBe('');
    expect(readFileSync(report, 'latin1')).toMatch(new RegExp(`^\\d+ exec ${ENOENT}\\0`));
  });

  test('with the limits of -l', () => {
    const shown = ['/bin/sh', '-c', 'echo $(ulimit -Sn) $(ulimit -Hn) $(ulimit -Sc) $(ulimit -Ht)'];
    expect(launch(['-l', '7:100:200', '-l', '4:0:0', '-l', '0:-1:-1', '--', ...shown]).output).toBe(
      '100 200 0 unlimited\n',
    );
  });

  test('with the niceness, OOM score and umask that are asked for', () => {
    const shown = ['/bin/sh', '-c', 'nice; cat /proc/self/oom_score_adj; umask'];
    expect(launch(['-n', '5', '-o', '321', '-m', '027', '--', ...shown]).output).toBe('5\n321\n0027\n');
  });

  test('in the cgroup of -c, or outside where the cgroup cannot be entered', () => {
    const group = file('cgroup.procs', '', 0o600);
    expect(launch(['-c', group, '-c', '/none/cgroup.procs', '--', '/bin/cat', group]).output).toBe('0');
  });

  test('from PATH of the new environment with -p, skipping files that cannot be executed', () => {
    file('program', '#!/bin/sh\necho found\n');
    const not = mkdtempSync(join(directory, 'not-'));
    writeFileSync(join(not, 'program'), '', { mode: 0o644 });
    const fd = openSync(file('environment', `PATH=/none:/etc/passwd:${not}:${directory}\0`, 0o600), 'r');
    const { output } = launch(['-p', '-E', '3', '--', 'program'], { stdio: ['ignore', 'pipe', 'pipe', fd] });
    closeSync(fd);
    expect(output).toBe('found\n');
  });

  test('in the foreground of the terminal with -f, in a process group of its own', () => {
    const shown = file(
      'shown',
      '#!/bin/sh\nread -r pid name state parent group session tty foreground rest < /proc/$$/stat\necho $$ $group $foreground\n',
    );
    const inTerminal = `exec script -qec "sh -c '${LAUNCH} -f -- ${shown}; exit'" /dev/null`;
    const { status, stdout } = spawnSync('sh', ['-c', inTerminal], { input: '' });
    expect(status).toBe(0);
    expect(stdout.toString().trim()).toMatch(/^(\d+) \1 \1$/);
  });

  test('in a process group of its own with -f without a terminal', () => {
    const read = ['/bin/sh', '-c', 'read -r pid name state parent group rest < /proc/$$/stat; echo $$ $group'];
    expect(launch(['-f', '--', ...read]).output).toMatch(/^(\d+) \1\n$/);
  });
});

describe('launch becomes the user of -u', () => {
  const shown = ['/bin/sh', '-c', 'id -u; id -g; id -G; echo $HOME $USER $LOGNAME $SHELL'];
  const bare = (...words: readonly string[]) => launch(words, { env: { PATH: process.env.PATH } }).output;

  test('by name, with its group, its home and its shell', () => {
    expect(bare('-u', 'nobody', '--', ...shown)).toBe(
      '65534\n65534\n65534\n/nonexistent nobody nobody /usr/sbin/nologin\n',
    );
  });

  test('with the groups that /etc/group lists it in, and those of -g', () => {
    const inNamespace = (...words: readonly string[]) =>
      spawnSync('unshare', [
        '--mount',
        ...['sh', '-c', 'printf "extra:x:4711:nobody\n" >> "$0"; mount --bind "$0" /etc/group; exec "$@"'],
        file('group', readFileSync('/etc/group', 'latin1'), 0o644),
        ...[LAUNCH, ...words, '--', '/usr/bin/id', '-G'],
      ]).stdout.toString();
    expect(inNamespace('-u', 'nobody')).toBe('65534 4711\n');
    expect(inNamespace('-u', 'nobody:daemon')).toBe('1\n');
    expect(inNamespace('-u', 'nobody', '-g', 'tty', '-g', '77')).toBe('65534 5 77 4711\n');
    expect(inNamespace('-g', 'extra')).toMatch(/^0 .*\b4711\b/);
  });

  test('by number, without an entry in /etc/passwd', () => {
    expect(bare('-u', '4711:4712', '--', ...shown)).toBe('4711\n4712\n4712\n/ 4711 4711 /bin/sh\n');
  });

  test('and keeps HOME and its kin if the environment has them', () => {
    const fd = openSync(file('own-home', 'HOME=/data\0USER=me\0', 0o600), 'r');
    const { output } = launch(['-E', '3', '-u', 'nobody', '--', '/usr/bin/env'], {
      stdio: ['ignore', 'pipe', 'pipe', fd],
    });
    closeSync(fd);
    expect(output.split('\n').sort().join(' ')).toBe(' HOME=/data LOGNAME=nobody SHELL=/usr/sbin/nologin USER=me');
  });

  test('last: launch first enters a directory that only root may enter', () => {
    const secret = mkdtempSync(join(directory, 'secret-'));
    const { output, error } = launch([
      '-u',
      'nobody',
      '-d',
      secret,
      '-m',
      '077',
      '--',
      '/bin/sh',
      '-c',
      'id -u; umask',
    ]);
    expect([output, error]).toEqual(['65534\n0077\n', '']);
  });

  test('without any right if it is that user already', () => {
    const own = ['-u', 'nobody', '--', LAUNCH, '-u', '65534', '--', '/usr/bin/id', '-u'];
    expect(launch(own).output).toBe('65534\n');
    const other = launch(['-u', 'nobody', '--', LAUNCH, '-u', 'daemon', '--', '/usr/bin/id']);
    expect([other.status, other.error]).toEqual([111, 'launch: user: daemon: Operation not permitted\n']);
  });
});

describe('launch says why it failed', () => {
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
    ['a soft limit above the hard one', ['-l', '7:20:10', '--', '/bin/true'], `ulimits.7 ${EINVAL}`, 111],
    ['an OOM score out of range', ['-o', '1001', '--', '/bin/true'], `oom_score_adj ${EINVAL}`, 111],
    ['a user that is nobody', ['-u', 'no-such-user', '--', '/bin/true'], `user ${ENOENT}`, 111],
    ['a group that is none', ['-u', 'nobody:no-such-group', '--', '/bin/true'], `group ${ENOENT}`, 111],
    ['a further group that is none', ['-g', 'tty', '-g', 'no-such', '--', '/bin/true'], `group_add.1 ${ENOENT}`, 111],
    ['-p and a program that is nowhere', ['-p', '--', 'no-such-program'], `exec ${ENOENT}`, 127],
    ['-p and a path that leads nowhere', ['-p', '--', '/none/at/all'], `exec ${ENOENT}`, 127],
    ['-p and no name', ['-p', '--', ''], `exec ${ENOENT}`, 127],
    ['-p and a file without permission', ['-p', '--', join(directory, 'plain')], `exec ${EACCES}`, 126],
    ['-p and a script without #!', ['-p', '--', join(directory, 'no-hash-bang')], `exec ${ENOEXEC}`, 126],
    ['-p and a missing interpreter', ['-p', '--', join(directory, 'bad-interpreter')], `exec ${ENOENT}`, 126],
  ] as const)('%s', (_, words, report, code) => {
    expect(failure(words)).toEqual({ status: code, report });
  });

  test('an environment descriptor that cannot be read from the start', () => {
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
    [['-k', '1:x', '--', '/bin/true']],
    [['-l', '7:10', '--', '/bin/true']],
    [['-l', '10:20x', '--', '/bin/true']],
    [['-l', '7:10:20x', '--', '/bin/true']],
    [['-n', '20', '--', '/bin/true']],
    [['-m', '8', '--', '/bin/true']],
  ])('usage %j', (words) => {
    const { status, error } = launch(words);
    expect(status).toBe(100);
    expect(error).toMatch(/^launch: .+\nusage: launch /);
  });
});
