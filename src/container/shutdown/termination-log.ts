import { closeSync, constants, openSync, writeSync } from 'node:fs';

/**
 * Where a kubelet looks for why a container ended: `terminationMessagePath` of Kubernetes, 4096
 * bytes at most.
 */
const TERMINATION_LOG = '/dev/termination-log';
const LIMIT_BYTES = 4_096;

/** Leaves the reason of the end there, in one line, where the file exists. */
export function writeTerminationLog(reason: string): void {
  try {
    const fd = openSync(TERMINATION_LOG, constants.O_WRONLY | constants.O_TRUNC | constants.O_NONBLOCK);
    writeSync(fd, Buffer.from(`${reason}\n`).subarray(0, LIMIT_BYTES));
    closeSync(fd);
  } catch {
    // No kubelet, nobody to tell.
  }
}
