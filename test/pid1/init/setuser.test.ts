import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

const BUILT = fileURLToPath(new URL('../../../dist/setuser', import.meta.url));

let directory: string;
let setuserPath: string;
/** The same program under the names of s6-overlay. */
let s6Path: string;
let contenvPath: string;
beforeAll(() => {
  directory = mkdtempSync('/tmp/my_init-setuser-');
  spawnSync('chmod', ['755', directory]);
  // In a directory that every user can enter.
  setuserPath = join(directory, 'setuser');
  copyFileSync(BUILT, setuserPath);
  s6Path = join(directory, 's6-setuidgid');
  contenvPath = join(directory, 'with-contenv');
  for (const path of [s6Path, contenvPath]) symlinkSync('setuser', path);
  const passwd = [
    'root:x:0:0:root:/root:/bin/bash',
    'alice:x:1001:2001::/home/alice:/bin/zsh',
    'bare:x:1002:2002:::',
    // A name that looks like the number of another user.
    '1004:x:1003:2003::/home/digits:/bin/sh',
    'carol:x:1004:2004::/home/carol:/bin/sh',
    'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin',
  ];
  const group = ['root:x:0:', 'alice:x:2001:', 'staff:x:50:alice', 'audio:x:29:bare,alice,nobody', 'none:x:60:'];
  writeFileSync(join(directory, 'passwd'), `${passwd.join('\n')}\n`);
  writeFileSync(join(directory, 'group'), `${group.join('\n')}\n`);
});
afterAll(() => rmSync(directory, { recursive: true }));

/** Runs setuser where /etc/passwd and /etc/group are the ones above. */
function setuser(words: readonly string[], before: readonly string[] = [], program = setuserPath) {
  const mounts = `mount --bind ${directory}/passwd /etc/passwd; mount --bind ${directory}/group /etc/group; exec "$@"`;
  const { status, stdout, stderr } = spawnSync(
    'unshare',
    ['--mount', 'sh', '-c', mounts, 'sh', ...before, program, ...words],
    { env: { PATH: '/usr/bin:/bin', HOME: '/before', USER: 'before', KEPT: 'yes' } },
  );
  return { status, stdout: stdout.toString(), stderr: stderr.toString() };
}

/** uid, gid, all groups. */
const IDS = ['sh', '-c', 'echo $(id -u) $(id -g) $(id -G)'];
const ids = (user: string, before: readonly string[] = []) => setuser([user, ...IDS], before).stdout.trim();

describe('setuser becomes', () => {
  test.each([
    ['a user by name, with all groups', 'alice', '1001 2001 2001 29 50'],
    ['a user without further groups', 'root', '0 0 0'],
    ['a user with a disabled shell', 'nobody', '65534 65534 65534 29'],
    ['a user by number', '1002', '1002 2002 2002 29'],
    ['a user whose name is a number, before that number', '1004', '1003 2003 2003'],
    ['a number that nobody has, in group 0 as with docker run --user', '4242', '4242 0 0'],
    ['a number and a group by number', '4242:777', '4242 777 777'],
    ['a user and another group, in this one alone', 'alice:audio', '1001 29 29'],
    ['a user by name and a group by number', 'alice:60', '1001 60 60'],
    ['a number and a group by name', '4242:staff', '4242 50 50'],
  ])('%s', (_, user, expected) => {
    expect(ids(user)).toBe(expected);
  });

  test.each([
    ['alice', ['/home/alice', 'alice', 'alice', '/bin/zsh', '1001']],
    ['bare', ['/', 'bare', 'bare', '/bin/sh', '1002']],
    ['4242', ['/', '4242', '4242', '/bin/sh', '4242']],
  ])('%s, with HOME, USER, LOGNAME, SHELL and UID, and the rest of the environment', (user, expected) => {
    const { stdout } = setuser([user, 'env']);
    const variables = Object.fromEntries(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split('=')),
    );
    expect(['HOME', 'USER', 'LOGNAME', 'SHELL', 'UID'].map((name) => variables[name])).toEqual(expected);
    expect(variables.KEPT).toBe('yes');
  });

  test('the present user again, without the right to become another one', () => {
    const alice = ['setpriv', '--reuid=1001', '--regid=2001', '--groups=2001,7'];
    expect(ids('alice', alice)).toBe('1001 2001 2001 7');
    const { status, stderr } = setuser(['nobody', 'true'], alice);
    expect([status, stderr]).toEqual([
      1,
      'setuser: cannot become nobody: Operation not permitted (it takes root, or the capabilities SETUID and SETGID)\n',
    ]);
  });

  test('the command itself: the process is the same, with default signals', () => {
    const { stdout } = setuser(
      ['alice', 'sh', '-c', 'echo $$; grep ^SigIgn /proc/$$/status'],
      ['sh', '-c', 'echo $$; exec "$@"', 'sh'],
    );
    expect(stdout).toMatch(/^(\d+)\n\1\nSigIgn:\t0000000000000000\n$/);
  });
});

describe('setuser ends with', () => {
  test.each([
    [127, 'a command that is nowhere', ['alice', 'no-such-command'], 'cannot execute no-such-command: No such file'],
    [127, 'a path that leads nowhere', ['alice', '/no/such'], 'cannot execute /no/such: No such file'],
    [126, 'a file that is no program', ['alice', '/etc/passwd'], 'cannot execute /etc/passwd: Permission denied'],
    [1, 'an unknown user', ['mallory', 'true'], 'user mallory not found'],
    [1, 'an unknown group', ['alice:wheel', 'true'], 'group wheel not found'],
    [1, 'a number that is none', ['4294967295', 'true'], 'user 4294967295 not found'],
    [1, 'no name', ['', 'true'], 'user  not found'],
    [1, 'no command', ['alice'], 'Usage: setuser USER[:GROUP] COMMAND'],
    [1, 'nothing', [], 'Usage: setuser USER[:GROUP] COMMAND'],
  ] as const)('%i for %s', (code, _, words, message) => {
    const { status, stderr } = setuser(words);
    expect(stderr).toContain(message);
    expect(status).toBe(code);
  });

  test('the exit code of the command', () => {
    expect(setuser(['alice', 'sh', '-c', 'exit 42']).status).toBe(42);
  });
});

describe('s6-setuidgid', () => {
  const s6 = (...words: readonly string[]) => setuser(words, [], s6Path);

  test.each([
    ['alice', '1001 2001 2001 29 50'],
    ['1002:29', '1002 29 29'],
    // The user that calls it.
    ['', '0 0 0'],
  ])('becomes "%s"', (account, expected) => {
    expect(s6(account, ...IDS).stdout.trim()).toBe(expected);
  });

  test('leaves the environment as it is', () => {
    const { stdout } = s6('alice', 'env');
    expect(stdout).toContain('HOME=/before\n');
    expect(stdout).toBe(s6('', 'env').stdout);
  });

  test.each([
    [100, 'no command', ['alice'], 'Usage: s6-setuidgid USER[:GROUP] COMMAND'],
    [1, 'an unknown user', ['mallory', 'true'], 's6-setuidgid: user mallory not found'],
    [1, 'an unknown group', ['alice:wheel', 'true'], 's6-setuidgid: group wheel not found'],
    [127, 'a command that is nowhere', ['alice', '/no/such'], 's6-setuidgid: cannot execute /no/such: No such file'],
    [126, 'a file that is no program', ['', '/etc/passwd'], 's6-setuidgid: cannot execute /etc/passwd: Permission den'],
  ] as const)('ends with %i for %s, as that of s6', (code, _, words, message) => {
    const { status, stderr } = s6(...words);
    expect(stderr).toContain(message);
    expect(status).toBe(code);
  });

  test('ends with 111 without the right to become the user, as that of s6', () => {
    const { status, stderr } = setuser(['nobody', 'true'], ['setpriv', '--reuid=1001', '--clear-groups'], s6Path);
    expect(stderr).toContain('s6-setuidgid: cannot become nobody: Operation not permitted');
    expect(status).toBe(111);
  });
});

test('with-contenv: runs the program of the line, in the present environment', () => {
  const script = join(directory, 'run');
  writeFileSync(script, `#!${contenvPath} sh\necho $0 $1 $KEPT $HOME; id -u\n`, { mode: 0o755 });
  expect(setuser(['word'], [], script).stdout).toBe(`${script} word yes /before\n0\n`);
});
