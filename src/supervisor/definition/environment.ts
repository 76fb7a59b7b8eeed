import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Environment } from '../../process/environment.js';
import { matchesGlob } from '../../text/glob.js';
import { serviceEnvironment as directoryEnvironment } from '../service-directory.js';
import type { Definition } from './definition.js';
import { parseEnvironmentFile } from './environment-file.js';

/**
 * Variables that `user` sets, unless the definition does: those of the container are another
 * user's.
 */
const OF_THE_USER = ['HOME', 'USER', 'LOGNAME', 'SHELL'];

/**
 * The environment of a service. Each layer goes over the ones before: what `pass_env` lets through
 * of the container's, the directory `env`, `env_file` in its order, `environment`. Read anew for
 * each start.
 *
 * @throws Error when a file cannot be read or understood: the message names it
 */
export function serviceEnvironment(
  { directory, environment: rule, execution }: Pick<Definition, 'directory' | 'environment' | 'execution'>,
  container: Environment,
): Environment {
  const passed = new Map(passedBy(rule.pass, container));
  if (execution.user !== undefined) for (const name of OF_THE_USER) passed.delete(name);
  const environment = new Map(directory === undefined ? passed : directoryEnvironment(directory, passed));
  for (const { path, required } of rule.files) {
    const file = resolve(directory ?? '/', path);
    for (const [name, value] of readFile(file, required)) set(environment, name, value ?? container.get(name));
  }
  for (const [name, value] of rule.variables) set(environment, toBytes(name), value && toBytes(value));
  return environment;
}

function set(environment: Map<string, string>, name: string, value: string | undefined): void {
  if (value === undefined) environment.delete(name);
  else environment.set(name, value);
}

function passedBy(patterns: readonly string[] | undefined, container: Environment): Iterable<[string, string]> {
  if (patterns === undefined) return container;
  const wanted = patterns.map(toBytes);
  return [...container].filter(([name]) => wanted.some((pattern) => matchesGlob(pattern, name)));
}

function readFile(path: string, required: boolean): ReadonlyMap<string, string | undefined> {
  let text: string;
  try {
    text = readFileSync(path, 'latin1');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && !required) return new Map();
    throw new Error(
      code === 'ENOENT'
        ? `env_file: ${path}: does not exist (create it, or say required: false)`
        : `env_file: ${path}: cannot be read (${code})`,
    );
  }
  return parseEnvironmentFile(text, path);
}

/** As an {@link Environment} has it: one character a byte. */
const toBytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
