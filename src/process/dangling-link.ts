import { existsSync, readlinkSync } from 'node:fs';
import { printable } from '../text/printable.js';

/**
 * Why a path does not exist although a directory lists it: `is a link to /x, which does not exist`.
 * undefined for any other path, also for one that was removed meanwhile.
 */
export function danglingLink(path: string | Buffer): string | undefined {
  try {
    const target = readlinkSync(path);
    return existsSync(path) ? undefined : `is a link to ${printable(target)}, which does not exist`;
  } catch {
    return undefined;
  }
}
