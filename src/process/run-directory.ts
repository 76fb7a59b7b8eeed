import { accessSync, constants, lstatSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

const USUAL = '/run/my_init';

/**
 * Where sockets and FIFOs are: without the right to write to /run, a directory that is this user's
 * alone.
 */
export function runDirectory(): string {
  if (mayMake(USUAL)) return USUAL;
  const uid = process.getuid?.() ?? 0;
  const own = `/tmp/my_init-${uid}`;
  return isOurs(own, uid) ? own : USUAL;
}

/** Whether the directory, or the nearest one above it that exists, may be written. */
function mayMake(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK | constants.X_OK);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' && directory !== '/' && mayMake(dirname(directory));
  }
}

/** Anybody may make something of this name in /tmp. */
function isOurs(directory: string, uid: number): boolean {
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch {
    // The directory exists, or cannot be made: both show below.
  }
  const stat = lstatSync(directory, { throwIfNoEntry: false });
  return stat?.isDirectory() === true && stat.uid === uid && (stat.mode & 0o022) === 0;
}
