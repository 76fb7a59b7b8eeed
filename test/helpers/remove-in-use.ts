import { lstatSync, rmSync } from 'node:fs';

/**
 * Removes a service directory while my_init writes to its `supervise/`, which may be made again
 * meanwhile. Node ends a removal at the first file that has gone, so this looks again.
 */
export function removeInUse(path: string): void {
  do rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });
  while (lstatSync(path, { throwIfNoEntry: false }) !== undefined);
}
