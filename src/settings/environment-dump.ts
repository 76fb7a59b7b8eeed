import { type Environment, toText } from '../process/environment.js';
import { groupId } from './group-id.js';
import { replaceFile } from './replace-file.js';
import type { WarnOnce } from './warn-once.js';

/** The group that may read the dumps, if it exists: that of baseimage-docker. */
const DUMP_GROUP = 'docker_env';

/**
 * Writes an environment for shells (`PATH.sh`) and for programs (`PATH.json`, whose strings are
 * UTF-8).
 */
export function dumpEnvironment(path: string, variables: Environment, warn: WarnOnce): void {
  const group = groupId(DUMP_GROUP);
  const fresh = { mode: 0o640, ...(group !== undefined && { groupId: group }) };
  const dumps = { sh: Buffer.from(shellText(variables), 'latin1'), json: Buffer.from(jsonText(variables)) };
  for (const [extension, content] of Object.entries(dumps)) {
    try {
      replaceFile(Buffer.from(`${path}.${extension}`), content, fresh);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      warn.say(code === 'EROFS' ? readOnly(path) : `${path}.${extension} cannot be written (${code})`);
    }
  }
}

/**
 * One message for directory and dumps: a read-only file system is a recommended way to run a
 * container.
 */
export const readOnly = (path: string): string =>
  `${path} is on a read-only file system: neither it nor ${path}.sh and .json are written, and startup scripts cannot unset variables`;

/** A name that no shell knows as a variable's would end the shell that reads it. */
function shellText(variables: Environment): string {
  return [...variables]
    .filter(([name]) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
    .map(([name, value]) => `export ${name}='${value.replaceAll("'", `'"'"'`)}'\n`)
    .join('');
}

const jsonText = (variables: Environment): string =>
  `${JSON.stringify(Object.fromEntries([...variables].map(([name, value]) => [toText(name), toText(value)])))}\n`;
