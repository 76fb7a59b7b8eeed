import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { buildSync } from 'esbuild';
import { ListenError, listenUnix, type UnixListenOptions } from '../../../src/listen/unix.js';
import { descriptorOf } from '../../../src/process/node-handle.js';
import { temporaryDirectory } from '../../helpers/api-server.js';

let directory: string;
let path: string;
let servers: Server[];
beforeEach(() => {
  directory = temporaryDirectory();
  path = join(directory, 'my_init.sock');
  servers = [];
});
afterEach(() => {
  for (const server of servers) server.close();
  rmSync(directory, { recursive: true });
});

async function listen(options: Partial<UnixListenOptions> = {}): Promise<Server> {
  const server = await listenUnix({ path, mode: 0o660, ...options });
  servers.push(server);
  server.on('connection', (socket) => socket.destroy());
  return server;
}

async function refusal(options: Partial<UnixListenOptions> = {}): Promise<ListenError> {
  const error = await listen(options).catch((error: unknown) => error);
  if (error instanceof ListenError) return error;
  throw new Error(`not refused: ${error}`);
}

async function expectAnswer(where = path): Promise<void> {
  const socket = connect(where);
  await once(socket, 'connect');
  socket.destroy();
}

describe('the socket', () => {
  test('has its mode, and leaves the umask unchanged', async () => {
    const umask = process.umask();
    await listen({ mode: 0o662 });
    expect(lstatSync(path).mode & 0o777).toBe(0o662);
    expect(process.umask()).toBe(umask);
    await expectAnswer();
  });

  (process.getuid?.() === 0 ? test : test.skip)('has its group', async () => {
    await listen({ groupId: 4444 });
    expect(lstatSync(path).gid).toBe(4444);
  });

  test('leaves no temporary name behind', async () => {
    await listen();
    expect(readdirSync(directory)).toEqual(['my_init.sock']);
  });

  test('is made with its directory', async () => {
    path = join(directory, 'run', 'my_init', 's');
    await listen();
    expect(statSync(join(directory, 'run', 'my_init')).mode & 0o777).toBe(0o755);
    await expectAnswer();
  });

  test('may have a path of 107 bytes', async () => {
    path = join(directory, 'x'.repeat(106 - directory.length));
    expect(path).toHaveLength(107);
    await listen();
    await expectAnswer();
  });

  test('may not have a path of 108 bytes', async () => {
    path = join(directory, 'ä'.repeat(54 - directory.length / 2));
    const error = await refusal({ path: `${path}${'x'.repeat(108 - Buffer.byteLength(path))}` });
    expect(error.reason).toBe('PATH_TOO_LONG');
    expect(error.message).toMatch(/108 bytes.*107/);
  });

  test('reports that it cannot be made in an unwritable directory', async () => {
    const error = await refusal({ path: '/proc/my_init/my_init.sock' });
    expect(error.reason).toBe('SYSTEM');
    expect(error.message).toMatch(/^cannot listen on \/proc\/my_init\/my_init.sock: ENOENT/);
  });
});

test('a refusal has the same text at each attempt, and names no temporary file', async () => {
  const options = { path: '/proc/my_init.sock' };
  const { message } = await refusal(options);
  expect(message).toBe('cannot listen on /proc/my_init.sock: listen EACCES: permission denied /proc/my_init.sock');
  expect((await refusal(options)).message).toBe(message);
});

describe('a name that is in use', () => {
  test('by a stale socket is taken over', async () => {
    const program = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    await once(spawn(process.execPath, ['-e', program]), 'exit');
    expect(lstatSync(path).isSocket()).toBe(true);
    await listen();
    await expectAnswer();
  });

  test('by a living my_init is left alone', async () => {
    await listen();
    const error = await refusal();
    expect(error.reason).toBe('IN_USE');
    expect(error.message).toBe(`cannot listen on ${path}: another my_init answers there (choose another --socket)`);
    await expectAnswer();
    expect(readdirSync(directory)).toEqual(['my_init.sock']);
  });

  test.each([
    ['a file', () => writeFileSync(path, 'precious')],
    ['a directory', () => mkdirSync(path)],
    ['a symbolic link', () => symlinkSync('/etc/passwd', path)],
    ['a FIFO', () => execFileSync('mkfifo', [path])],
  ])('by %s is left alone', async (_, make) => {
    make();
    const before = lstatSync(path);
    expect((await refusal()).reason).toBe('NOT_A_SOCKET');
    expect(lstatSync(path).ino).toBe(before.ino);
  });
});

describe('a socket that init held', () => {
  test('goes on listening under the next controller', async () => {
    const first = await listen();
    const inode = lstatSync(path).ino;
    const second = nextController(descriptorOf(first) ?? -1);
    await once(second, 'message');
    await new Promise((resolve) => first.close(resolve));
    await expectAnswer();
    expect(lstatSync(path).ino).toBe(inode);
    second.kill();
    await once(second, 'exit');
  });

  test('is made again when its name is gone', async () => {
    const first = await listen();
    rmSync(path);
    await listen({ inheritedFd: descriptorOf(first) });
    await expectAnswer();
  });

  test('keeps its name when a server is closed', async () => {
    const server = await listen();
    await new Promise((resolve) => server.close(resolve));
    expect(existsSync(path)).toBe(true);
    expect(descriptorOf(server)).toBeUndefined();
  });
});

/** Another process that listens on the descriptor; it sends a message once it does. */
function nextController(fd: number): ChildProcess {
  const bundle = join(directory, 'listen.mjs');
  buildSync({ entryPoints: ['src/listen/unix.ts'], outfile: bundle, bundle: true, platform: 'node', format: 'esm' });
  const program = `
    import { listenUnix } from ${JSON.stringify(bundle)};
    await listenUnix({ path: ${JSON.stringify(path)}, mode: 0o660, inheritedFd: 3 });
    process.send('listening');`;
  const words = ['--input-type=module', '--eval', program];
  return spawn(process.execPath, words, { stdio: ['ignore', 'inherit', 'inherit', fd, 'ipc'] });
}

test('a socket to which nobody may connect counts as living', async () => {
  if (process.getuid?.() === 0) return;
  await listen();
  chmodSync(path, 0);
  expect((await refusal()).reason).toBe('SYSTEM');
});
