import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { basename, dirname, join } from 'node:path';

/** `sun_path` of unix(7), less the NUL at its end. */
const MAX_PATH_BYTES = 107;

/**
 * The shortest name under which a socket is bound before it gets its own: long enough not to meet
 * another.
 */
const MIN_TEMPORARY_NAME = 6;

export interface UnixListenOptions {
  readonly path: string;
  /** The socket's permission bits: 0o660. */
  readonly mode: number;
  /** The group of the socket; when undefined, that of the process. */
  readonly groupId?: number;
  /** A socket that already listens at `path`, kept by init from an earlier controller. */
  readonly inheritedFd?: number;
}

export type ListenReason = 'PATH_TOO_LONG' | 'NOT_A_SOCKET' | 'IN_USE' | 'SYSTEM';

/** The socket cannot be opened. `reason` is stable, the message is for people. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  constructor(
    readonly reason: ListenReason,
    path: string,
    why: string,
  ) {
    super(`cannot listen on ${path}: ${why}`);
  }
}

/**
 * Listens on a Unix socket. A stale socket (nobody answers) is replaced, a live one is not; the
 * name appears only when the socket has its mode and group. Connections are accepted from then on:
 * attach the `connection` listener in the same turn.
 *
 * Closing the server leaves the name in place, so that its descriptor can go to the next
 * controller.
 *
 * @throws ListenError
 */
export async function listenUnix(options: UnixListenOptions): Promise<Server> {
  const { path, inheritedFd } = options;
  const bytes = Buffer.byteLength(path);
  if (bytes > MAX_PATH_BYTES)
    throw new ListenError('PATH_TOO_LONG', path, `its path has ${bytes} bytes, a socket's may have ${MAX_PATH_BYTES}`);
  const present = kindOf(path);
  if (present === 'other')
    throw new ListenError('NOT_A_SOCKET', path, 'something that is not a socket has this name (remove it)');
  if (inheritedFd !== undefined && present === 'socket') return adopt(inheritedFd, path);
  if (present === 'socket' && (await answers(path)))
    throw new ListenError('IN_USE', path, 'another my_init answers there (choose another --socket)');
  return await bindAndName(options);
}

async function bindAndName({ path, mode, groupId }: UnixListenOptions): Promise<Server> {
  const temporary = join(dirname(path), temporaryName(basename(path)));
  if (Buffer.byteLength(temporary) > MAX_PATH_BYTES)
    throw new ListenError('PATH_TOO_LONG', path, 'its directory is too long to make a socket in');
  try {
    makeDirectory(dirname(path));
    const server = await bind(temporary);
    try {
      if (groupId !== undefined) chownSync(temporary, -1, groupId);
      chmodSync(temporary, mode);
      renameSync(temporary, path);
      return server;
    } catch (error) {
      server.close();
      throw error;
    }
  } catch (error) {
    rmSync(temporary, { force: true });
    // The temporary name is another at each attempt, and nobody knows it.
    throw new ListenError('SYSTEM', path, (error as Error).message.replaceAll(temporary, path));
  }
}

async function adopt(fd: number, path: string): Promise<Server> {
  try {
    return await listening({ fd });
  } catch (error) {
    throw new ListenError('SYSTEM', path, (error as Error).message);
  }
}

/** Node makes the socket in this very turn, so that the umask applies to nothing else. */
function bind(path: string): Promise<Server> {
  const umask = process.umask(0o177);
  try {
    return listening({ path });
  } finally {
    process.umask(umask);
  }
}

function listening(where: { readonly path: string } | { readonly fd: number }): Promise<Server> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, () => resolve(server.removeAllListeners('error')));
  });
}

/**
 * Not `recursive: true`: Node never returns where mkdir(2) says ENOENT for an existing directory,
 * as in /proc.
 */
function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  if (dirname(path) !== path) makeDirectory(dirname(path));
  mkdirSync(path, 0o755);
}

/** As long as the name itself, so that it fits wherever that does. */
function temporaryName(name: string): string {
  const length = Math.max(Buffer.byteLength(name), MIN_TEMPORARY_NAME);
  return `.${randomBytes(length).toString('hex')}`.slice(0, length);
}

function kindOf(path: string): 'socket' | 'other' | 'none' {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return 'none';
  return found.isSocket() ? 'socket' : 'other';
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(false);
      // A full backlog: somebody listens and does not come to accept.
      else if (error.code === 'EAGAIN') resolve(true);
      else reject(new ListenError('SYSTEM', path, error.message));
    });
  });
}
