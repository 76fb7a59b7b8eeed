import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { danglingLink } from '../process/dangling-link.js';
import type { Environment } from '../process/environment.js';
import { printable } from '../text/printable.js';
import type { ServiceName } from '../types/service.js';
import type { WatchedPaths } from './path-watch.js';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$/;

/** Whether a directory of this name can be a service. A logger has a name of another form. */
export const isServiceName = (name: string): name is ServiceName => NAME.test(name);

/** Whether a name on record is that of a service or of a logger. */
export const isKnownName = (name: string): name is ServiceName => isServiceName(loggedBy(name) ?? name);

/**
 * The logger of a service is a service of its own: `NAME/log`, in the directory `log`, runsv(8).
 */
export const loggerOf = (name: string): ServiceName => `${name}/log` as ServiceName;

/** The service whose logger this is; undefined when it is no logger. */
export const loggedBy = (name: string): string | undefined => (name.endsWith('/log') ? name.slice(0, -4) : undefined);

export const isLogger = (name: string): boolean => loggedBy(name) !== undefined;

/** Why a name cannot be a service's. */
export function explainBadName(name: string): string {
  if (name.length > 128) return 'its name is longer than 128 characters';
  if (!/^[A-Za-z0-9]/.test(name)) return 'its name does not begin with a letter or digit';
  return 'its name may have letters, digits and . _ @ - only';
}

/**
 * The environment of a service: the container's, changed by the directory `env` as chpst(8) `-e`
 * does it: a file is a variable, its first line the value without trailing blanks, NUL stands for a
 * line end; an empty file unsets it. Throws when the directory or a file of it cannot be read: the
 * message names it.
 */
export function serviceEnvironment(directory: string, base: Environment): Environment {
  const path = join(directory, 'env');
  let names: string[];
  try {
    names = readdirSync(path, { encoding: 'latin1' });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return base;
    throw new Error(`${path}: cannot be read (${code})`);
  }
  const environment = new Map(base);
  for (const name of names) {
    if (name.startsWith('.') || name.includes('=')) continue;
    const file = Buffer.concat([Buffer.from(`${path}/`), Buffer.from(name, 'latin1')]);
    const content = readVariable(file);
    if (content === undefined) continue;
    if (content === '') environment.delete(name);
    else environment.set(name, (content.split('\n', 1)[0] ?? '').replace(/[ \t]+$/, '').replaceAll('\0', '\n'));
  }
  return environment;
}

/** The content of a file; undefined for anything else, and when there is nothing any more. */
function readVariable(file: Buffer): string | undefined {
  try {
    return statSync(file).isFile() ? readFileSync(file).toString('latin1') : undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const dangling = danglingLink(file);
    // The entry was removed after its name was read.
    if (code === 'ENOENT' && dangling === undefined) return undefined;
    throw new Error(`${printable(file.toString('utf8'))}: ${dangling ?? `cannot be read (${code})`}`);
  }
}

/**
 * The files of a service that are watched. Other files in its directory are its own affair: the
 * service may well write there at each start.
 */
const PARTS = ['run', 'setup', 'finish', 'check', 'down', 'conf', 'log', 'log/run', 'service.yaml'];

/** The paths of a service that are watched. */
export function watchedPathsOf(name: ServiceName, directory: string): WatchedPaths {
  const parts = loggedBy(name) === undefined ? PARTS : ['run', 'down'];
  return { files: parts.map((part) => join(directory, part)), directories: [join(directory, 'env')] };
}
