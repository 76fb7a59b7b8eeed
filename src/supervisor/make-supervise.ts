import { mkdirSync, readlinkSync, statSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';

const MODE = 0o700;

/**
 * Where the files are by which runit's programs reach a service: `supervise` in its directory, made
 * where it is missing. As with runsv(8) it may be a link to a place that does not exist yet. Throws
 * where it cannot be made.
 */
export function makeSuperviseIn(serviceDirectory: string): string {
  const path = join(serviceDirectory, 'supervise');
  if (makeDirectory(path) || statSync(path, { throwIfNoEntry: false }) !== undefined) return path;
  mkdirSync(resolve(serviceDirectory, readlinkSync(path)), { mode: MODE, recursive: true });
  return path;
}

/**
 * The same for a service whose directory cannot be written: below `root`, so that `SVDIR=root sv`
 * finds it. Other files that sv(8) looks for in a service directory are there as symlinks. Throws
 * if the directory cannot be made.
 */
export function makeSuperviseBelow(root: string, name: string, serviceDirectory: string): string {
  const path = join(root, name);
  mkdirSync(path, { mode: MODE, recursive: true });
  link('.', join(path, 'supervise'));
  for (const file of ['down', 'check']) link(join(serviceDirectory, file), join(path, file));
  return path;
}

/** Makes a link, unless there is something of the name already. */
export function link(target: string, path: string): void {
  unlessThere(() => symlinkSync(target, path));
}

const makeDirectory = (path: string): boolean => unlessThere(() => mkdirSync(path, MODE));

/** Makes something. Returns false where there is something of the name already. */
export function unlessThere(make: () => void): boolean {
  try {
    make();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  }
}
