import { chmodSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { startApi, type TestApi } from '../../helpers/api-server.js';
import { bundledSvctl, type Svctl } from '../../helpers/svctl.js';

const ROOT = process.getuid?.() === 0;

let svctl: Svctl;
beforeAll(() => {
  svctl = bundledSvctl();
});
afterAll(() => svctl.remove());

let directory: string;
const closing: (() => void)[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'svctl-'));
  chmodSync(directory, 0o755);
});
afterEach(() => {
  for (const close of closing.splice(0)) close();
  rmSync(directory, { recursive: true, maxRetries: 20 });
});

async function listening<S extends net.Server>(server: S, path: string): Promise<S> {
  await new Promise<void>((resolve) => server.listen(path, resolve));
  closing.push(() => server.close());
  return server;
}

describe('my_init that cannot be reached', () => {
  test('no socket: says where it looked and how to name another', async () => {
    const { stdout, stderr, code } = await svctl.run(['--socket', '/nowhere/my_init.sock']);
    expect(stderr).toBe(
      'svctl: cannot reach my_init: there is no socket at /nowhere/my_init.sock (ENOENT)\n' +
        '       Is my_init running in this container? If my_init uses another socket, pass --socket PATH or set MY_INIT_SOCKET.\n',
    );
    expect(stdout).toBe('');
    expect(code).toBe(7);
  });

  test('a stale socket: says that nobody listens', async () => {
    const living = join(directory, 'living.sock');
    const path = join(directory, 'stale.sock');
    const server = await listening(net.createServer(), living);
    renameSync(living, path);
    await new Promise((resolve) => server.close(resolve));
    const { stderr, code } = await svctl.run(['--socket', path]);
    expect(stderr).toContain(`nobody listens on ${path} (ECONNREFUSED)`);
    expect(code).toBe(7);
  });

  test('a file or a directory in place of the socket: says that it is none', async () => {
    writeFileSync(join(directory, 'file'), '');
    for (const path of [join(directory, 'file'), directory]) {
      const { stderr, code } = await svctl.run(['--socket', path]);
      expect(stderr).toContain(`svctl: cannot reach my_init: ${path} is not a socket\n`);
      expect(code).toBe(7);
    }
  });

  test('a my_init that accepts connections and stays silent: no command waits for ever', async () => {
    const path = join(directory, 'silent.sock');
    await listening(
      net.createServer((socket) => closing.push(() => socket.destroy())),
      path,
    );
    const commands = ['logs web', 'watch', 'restart web'];
    // All commands run at once, for each waits 10 s.
    const ends = await Promise.all(
      commands.map(async (command) => ({ command, ...(await svctl.call(['--socket', path, ...command.split(' ')])) })),
    );
    const stderr = expect.stringContaining(`my_init did not answer on ${path}: no answer within 10 s`);
    expect(ends).toMatchObject(commands.map((command) => ({ command, stderr, code: 6 })));
  });

  (ROOT ? test : test.skip)('a socket that lets nobody else in: says who may', async () => {
    const path = join(directory, 'closed.sock');
    await listening(net.createServer(), path);
    chmodSync(path, 0o600);
    // Another user may read the directory of the bundle, and what it is run with.
    chmodSync(join(svctl.path, '..'), 0o755);
    const { stderr, code } = await svctl.shell(
      `setpriv --reuid=65534 --regid=65534 --clear-groups "$svctl" --socket ${path}`,
    );
    expect(stderr).toContain(`no permission to use ${path} (EACCES)`);
    expect(stderr).toContain('Run svctl as root');
    expect(code).toBe(5);
  });

  test('another server on the socket: says that it is not my_init', async () => {
    const path = join(directory, 'http.sock');
    await listening(http.createServer(), path);
    const { stderr, code } = await svctl.run(['--socket', path]);
    expect(stderr).toContain('is not my_init');
    expect(code).toBe(7);
  });

  test('an impossible socket path is refused with the reason', async () => {
    const { stderr, code } = await svctl.run(['--socket', `/${'x'.repeat(107)}`]);
    expect(stderr).toContain('at most 107 bytes');
    expect(code).toBe(2);
  });

  test('no answer: gives up at the timeout', async () => {
    const path = join(directory, 'silent.sock');
    await listening(
      net.createServer((socket) => {
        closing.push(() => socket.destroy());
      }),
      path,
    );
    const { stderr, code } = await svctl.run(['--socket', path, '--timeout', '200ms']);
    expect(stderr).toContain('no answer within 200 ms');
    expect(code).toBe(6);
  });
});

describe('my_init that can be reached', () => {
  let api: TestApi;
  beforeEach(async () => {
    api = await startApi();
  });
  afterEach(() => api.stop());

  test('through MY_INIT_SOCKET', async () => {
    expect(await svctl.run(['-o', 'name'], { MY_INIT_SOCKET: api.path })).toMatchObject({
      stdout: 'cron\nmemcached\nweb\n',
      code: 0,
    });
  });

  test('a question whose connection broke is asked again', async () => {
    const path = join(directory, 'flaky.sock');
    let connections = 0;
    await listening(
      net.createServer((socket) => {
        connections++;
        if (connections === 1) {
          socket.once('data', () => socket.destroy());
          return;
        }
        const behind = net.connect(api.path);
        for (const end of [socket, behind]) end.on('error', () => undefined);
        socket.pipe(behind).pipe(socket);
      }),
      path,
    );
    expect(await svctl.run(['-o', 'name', '--socket', path])).toMatchObject({ stderr: '', code: 0 });
    expect(connections).toBe(2);
  });

  test('an order whose connection broke is repeated with the same id, also a signal', async () => {
    const path = join(directory, 'flaky.sock');
    let connections = 0;
    await listening(
      net.createServer((socket) => {
        const isFirst = ++connections === 1;
        const behind = net.connect(api.path);
        for (const end of [socket, behind]) end.on('error', () => undefined);
        socket.pipe(behind).pipe(socket);
        // The order arrives, but its answer does not.
        api.services.answer = isFirst
          ? () => {
              socket.destroy();
              return new Promise(() => undefined);
            }
          : undefined;
      }),
      path,
    );
    const { stdout, code } = await svctl.run(['signal', 'HUP', 'web', '--socket', path]);
    expect({ stdout, code }).toMatchObject({ stdout: expect.stringContaining('web: HUP sent'), code: 0 });
    const ids = api.services.calls.map(({ options }) => options.requestId);
    expect(ids).toEqual([ids[0], ids[0]]);
    expect(ids[0]).toMatch(/^[0-9a-f-]{36}$/);
  });

  (ROOT ? test : test.skip)('but only to read from: says so and gives 5', async () => {
    chmodSync(api.path, 0o666);
    chmodSync(join(svctl.path, '..'), 0o755);
    const other = 'setpriv --reuid=65534 --regid=65534 --clear-groups "$svctl"';
    const { stderr, code } = await svctl.shell(`${other} stop web --socket ${api.path}`);
    expect(stderr).toMatch(/^svctl: not permitted: uid 65534, pid \d+ may read, not change anything/);
    expect(code).toBe(5);
    expect(await svctl.shell(`${other} status web --socket ${api.path}`)).toMatchObject({ code: 0 });
  });

  test('by a link to svctl, from anywhere, whatever NODE_OPTIONS holds', async () => {
    const link = join(directory, 'svctl');
    symlinkSync(svctl.path, link);
    const environment = {
      PATH: `${directory}:${process.env.PATH}`,
      MY_INIT_SOCKET: api.path,
      NODE_OPTIONS: '--require /nowhere.js --no-such-option',
      NODE_DEBUG: 'http2,net',
      NODE_V8_COVERAGE: join(directory, 'coverage'),
    };
    const { stdout, stderr, code } = await svctl.shell('cd / && svctl -o name', environment);
    expect({ stdout, stderr, code }).toEqual({ stdout: 'cron\nmemcached\nweb\n', stderr: '', code: 0 });
  });
});

describe('wrong usage', () => {
  const cases: [string, readonly string[], string][] = [
    ['a command that does not exist', ['stauts'], 'no command "stauts". Did you mean status?'],
    ['help, misspelled', ['hlep'], 'no command "hlep". Did you mean help?'],
    ['a command nothing like any', ['frobnicate'], 'no command "frobnicate"\n       svctl --help lists the commands.'],
    ['a command to be helped with', ['help', 'statsu'], 'no command "statsu". Did you mean status?'],
    ['a signal that does not exist', ['signal', 'sigterf', 'web'], 'there is no signal "sigterf". Did you mean TERM?'],
    ['an option that does not exist', ['status', '--outptu=json'], 'no option --outptu. Did you mean --output?'],
    ['a letter that is no option', ['-q'], 'no option -q'],
    ['an option of another command', ['status', '--all'], 'status takes no --all'],
    ['an option without its value', ['status', '-o'], '--output needs a value: table, wide, json, jsonl or name'],
    [
      'a value that does not exist',
      ['status', '-o', 'jsn'],
      '--output cannot be "jsn": use table, wide, json, jsonl or name. Did you mean json?',
    ],
    ['a value for a flag', ['stop', '--all=yes'], '--all takes no value'],
    [
      'a time that is none',
      ['start', 'web', '--timeout', 'soon'],
      '--timeout cannot be "soon": use a time like 10, 500ms or 2m',
    ],
    [
      'a level that the command has not',
      ['stop', 'web', '--wait', 'ready'],
      '--wait cannot be "ready": use none or stopped',
    ],
    ['names and all', ['stop', 'web', '--all'], 'stop: names or --all, not both'],
    ['a name for a command without', ['info', 'web'], 'info takes no names'],
    ['two ways to wait', ['stop', 'web', '--no-wait', '--wait', 'stopped'], '--no-wait or --wait, not both'],
    ['an exit code that is none', ['shutdown', '--exit-code', '256'], '--exit-code cannot be "256"'],
  ];
  test.each(cases)('%s gives 2 and says what is meant', async (_what, args, message) => {
    const { stdout, stderr, code } = await svctl.call(args);
    expect(stderr).toContain(`svctl: ${message}`);
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });
});

describe('help', () => {
  test('lists every command and every exit code', async () => {
    const { stdout, stderr, code } = await svctl.call(['--help']);
    for (const word of ['status', 'restart', 'completion', 'shutdown', '--socket', 'Exit codes', '130']) {
      expect(stdout).toContain(word);
    }
    expect(stderr).toBe('');
    expect(code).toBe(0);
  });

  test('of a command shows its options and an example', async () => {
    const { stdout, code } = await svctl.call(['restart', '--help']);
    expect(stdout).toContain('Usage: svctl restart [OPTIONS] NAME… | --all');
    expect(stdout).toContain('--stop-timeout TIME');
    expect(stdout).toContain('svctl restart memcached');
    expect(code).toBe(0);
    expect((await svctl.call(['help', 'restart'])).stdout).toBe(stdout);
  });

  test('no line is wider than 100 columns', async () => {
    const commands = (await svctl.call(['--help'])).stdout.match(/(?<=^ {2})[a-z]+(?= {2})/gm) ?? [];
    expect(commands.length).toBeGreaterThan(20);
    for (const command of commands) {
      const { stdout } = await svctl.call([command, '--help']);
      expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
    }
  });
});
