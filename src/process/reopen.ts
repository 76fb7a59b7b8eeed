import { constants, openSync } from 'node:fs';

/**
 * A descriptor on a description of our own, non-blocking: O_NONBLOCK on the one that was inherited
 * would hit everybody who shares it. The same descriptor where it cannot be opened again: without
 * /proc.
 */
export function reopenForWriting(fd: number): number {
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return fd;
  }
}
