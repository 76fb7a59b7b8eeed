import { isUtf8 } from 'node:buffer';
import { lstatSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { danglingLink } from '../process/dangling-link.js';
import type { Messages } from '../settings/messages.js';

/**
 * The scripts of a directory, in the order of their bytes: regular files, or links to them, that
 * may be executed. Other files are named in a warning, directories are passed over. A missing
 * directory has none.
 */
export const scriptsOf = (directory: string, messages: Messages): readonly string[] =>
  entriesOf(directory, messages).filter((path) => isScript(path, messages));

/** Everything in a directory, in the order of its bytes. */
export function entriesOf(directory: string, messages: Messages): readonly string[] {
  let names: Buffer[];
  try {
    names = readdirSync(directory, { encoding: 'buffer' }).sort(Buffer.compare);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT') messages.warn(`${directory} cannot be read (${code}): its scripts are left out`);
    return [];
  }
  const paths: string[] = [];
  for (const name of names) {
    const path = join(directory, name.toString('utf8'));
    if (!isUtf8(name)) messages.warn(`${path} is left out: its name is not UTF-8`);
    else paths.push(path);
  }
  return paths;
}

/** The script at this path, as a list; an absent script is no problem. */
export function scriptAt(path: string, messages: Messages): readonly string[] {
  const there = lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  return there && isScript(path, messages) ? [path] : [];
}

/** Whether it can be run; where somebody may think so, a warning says why not. */
export function isScript(path: string, messages: Messages): boolean {
  try {
    const stat = statSync(path);
    if (!stat.isFile()) return false;
    if ((stat.mode & 0o111) !== 0) return true;
    messages.warn(`${path} is left out: it is not executable (chmod +x ${path})`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const dangling = danglingLink(path);
    messages.warn(`${path} is left out: ${dangling === undefined ? code : `it ${dangling}`}`);
  }
  return false;
}
