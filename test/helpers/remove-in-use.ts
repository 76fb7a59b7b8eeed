import { lstatSync, rmSync } from 'node:fs';

/**
 * Removes a service directory while my_init writes to its `supervise/`, which may be made anew
 * meanwhile. Node takes a file that goes during a removal for the end of all of it, so this looks.
 */
export function removeInUse(path: string): void {
  do rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });
  while (lstatSync(path, { throwIfNoEntry: false }) !== undefined);
}
