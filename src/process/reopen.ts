import { constants, openSync } from 'node:fs';

/**
 * A descriptor on a description of our own, non-blocking: O_NONBLOCK on the inherited description
 * would affect every process that shares it. The same descriptor if it cannot be opened again:
 * without /proc.
 */
export function reopenForWriting(fd: number): number {
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return fd;
  }
}
