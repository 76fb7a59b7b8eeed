import fs from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { ExitCode } from './exit-code.js';
import { Problem } from './problem.js';

const USUAL = '/run/my_init/my_init.sock';

/** How long a booting my_init may take until it listens, and how often that is looked for. */
const BOOT_MS = 5_000;
const LOOK_AGAIN_MS = 20;

/** `sun_path` of unix(7) has 108 bytes, the last one is NUL. */
const MAX_PATH_BYTES = 107;

/**
 * Where my_init listens: `--socket`, MY_INIT_SOCKET, the usual place, or where a my_init without root listens, if that
 * belongs to this user (anyone may make files in /tmp). Throws {@link Problem} for a path that no socket can have.
 */
export function socketPath(option: string | undefined): string {
  const path = option ?? (process.env.MY_INIT_SOCKET || undefined) ?? found();
  if (path === '') throw new Problem(ExitCode.usage, '--socket needs a path');
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
    throw new Problem(ExitCode.usage, `the path of a socket has at most ${MAX_PATH_BYTES} bytes: ${path}`);
  }
  return path;
}

/**
 * Waits until there is a socket, where my_init is PID 1 and there is none yet: it boots, and a startup script or main command that
 * asks in its first instant is to get an answer.
 */
export async function socketMade(option: string | undefined): Promise<void> {
  const endMs = performance.now() + BOOT_MS;
  while (!fs.existsSync(socketPath(option)) && isMyInit() && performance.now() < endMs) await delay(LOOK_AGAIN_MS);
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
