import fs from 'node:fs';
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { cancelled, MyInitError } from './errors.js';

const USUAL = '/run/my_init/my_init.sock';

/** How long a booting my_init may take until it listens, and the time between two attempts. */
const BOOT_MS = 5_000;
const RETRY_MS = 20;

/** `sun_path` of unix(7) has 108 bytes; the last one is NUL. */
export const MAX_SOCKET_PATH_BYTES = 107;

/**
 * Where my_init listens: MY_INIT_SOCKET, the usual path, or the path that a my_init without root
 * uses, if it belongs to this user (anyone may make files in /tmp).
 */
export function defaultSocket(): string {
  return (process.env.MY_INIT_SOCKET || undefined) ?? found();
}

/**
 * Connects to a Unix socket. While my_init boots as PID 1 of this container, a socket that does not
 * exist yet, or is left over from a container that was killed, is tried again for {@link BOOT_MS}.
 *
 * @throws MyInitError UNREACHABLE; metadata: address, errno
 */
export async function openSocket(path: string, signal?: AbortSignal): Promise<net.Socket> {
  const bytes = Buffer.byteLength(path);
  if (bytes > MAX_SOCKET_PATH_BYTES) {
    throw unreachable(path, 'ENAMETOOLONG', `the path has ${bytes} bytes, ${MAX_SOCKET_PATH_BYTES} is the limit`);
  }
  const endMs = performance.now() + BOOT_MS;
  for (;;) {
    try {
      return await connected(path, signal);
    } catch (error) {
      const { code = '', message } = error as NodeJS.ErrnoException;
      if (signal?.aborted) throw cancelled(signal);
      const mayCome = (code === 'ENOENT' || code === 'ECONNREFUSED') && performance.now() < endMs && isMyInit();
      if (!mayCome) throw unreachable(path, code, message);
      await delay(RETRY_MS);
    }
  }
}

function connected(path: string, signal: AbortSignal | undefined): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ path, signal });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

function unreachable(address: string, errno: string, why: string): MyInitError {
  return new MyInitError('UNREACHABLE', `cannot reach my_init on ${address}: ${why}`, { metadata: { address, errno } });
}

function isMyInit(): boolean {
  try {
    return fs.readFileSync('/proc/1/comm', 'latin1') === 'my_init\n';
  } catch {
    return false;
  }
}

function found(): string {
  const uid = process.geteuid?.() ?? 0;
  const own = `/tmp/my_init-${uid}/my_init.sock`;
  return !fs.existsSync(USUAL) && belongsTo(`/tmp/my_init-${uid}`, uid) && belongsTo(own, uid) ? own : USUAL;
}

function belongsTo(path: string, uid: number): boolean {
  return fs.lstatSync(path, { throwIfNoEntry: false })?.uid === uid;
}
