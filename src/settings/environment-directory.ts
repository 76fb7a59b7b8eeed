import { readdirSync, readFileSync, statSync } from 'node:fs';
import { printable } from '../text/printable.js';
import type { WarnOnce } from './warn-once.js';

/** `NAME=VALUE` and its NUL: the kernel executes nothing with a longer one, execve(2). */
const MAX_VARIABLE_BYTES = 32 * 4096;

/** The path of a variable's file. */
export const variablePath = (directory: string, name: string): Buffer =>
  Buffer.concat([Buffer.from(`${directory}/`), Buffer.from(name, 'latin1')]);

/**
 * The variables of a directory with a file for each: its name, and its bytes less one line end.
 * Directories and names with a dot in front (the links of a mounted Secret, half-written files) are
 * passed over; a warning names each file that cannot be a variable. undefined when there is no such
 * directory, or it cannot be read.
 */
export function readEnvironmentDirectory(directory: string, warn: WarnOnce): Map<string, string> | undefined {
  let names: readonly string[];
  try {
    names = readdirSync(directory, { encoding: 'latin1' });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT') warn.say(`${directory} cannot be read (${code}): its variables are left out`);
    return undefined;
  }
  const variables = new Map<string, string>();
  for (const name of [...names].sort()) {
    if (name.startsWith('.')) continue;
    const path = variablePath(directory, name);
    try {
      const stat = statSync(path);
      if (!stat.isFile()) continue;
      const why = stat.size > MAX_VARIABLE_BYTES ? TOO_LONG : readVariable(variables, name, readFileSync(path));
      if (why !== undefined) warn.say(`${printable(path.toString('utf8'))} is left out: ${why}`);
    } catch (error) {
      warn.say(
        `${printable(path.toString('utf8'))} is left out: it cannot be read (${(error as NodeJS.ErrnoException).code})`,
      );
    }
  }
  return variables;
}

const TOO_LONG = `it is longer than a variable can be (${MAX_VARIABLE_BYTES} bytes)`;

/** Why it is no variable. */
function readVariable(variables: Map<string, string>, name: string, bytes: Buffer): string | undefined {
  if (name.includes('=')) return 'no variable can have = in its name';
  const content = bytes.toString('latin1');
  if (content.includes('\0')) return 'no variable can have a NUL in its value';
  const value = content.endsWith('\n') ? content.slice(0, -1) : content;
  if (name.length + value.length + 2 > MAX_VARIABLE_BYTES) return TOO_LONG;
  variables.set(name, value);
  return undefined;
}
