import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Environment } from '../../process/environment.js';
import { matchesGlob } from '../../text/glob.js';
import { serviceEnvironment as directoryEnvironment } from '../service-directory.js';
import type { Definition } from './definition.js';
import { parseEnvironmentFile } from './environment-file.js';

/**
 * Variables that `user` sets, unless the definition does: the container's values belong to another
 * user.
 */
const OF_THE_USER = ['HOME', 'USER', 'LOGNAME', 'SHELL'];

/** An `env_file` as it is now: its bytes, or why it cannot be read. */
export interface EnvironmentFile {
  readonly path: string;
  readonly required: boolean;
  readonly content: Buffer | string;
}

type WithEnvironment = Pick<Definition, 'directory' | 'environment' | 'execution'>;

/** Reads the files of variables of a definition. */
export const readEnvironmentFiles = ({
  directory,
  environment: { files },
}: Pick<Definition, 'directory' | 'environment'>): readonly EnvironmentFile[] =>
  files.map((file) => {
    const path = resolve(directory ?? '/', file.path);
    return { path, required: file.required, content: contentOf(path) };
  });

function contentOf(path: string): Buffer | string {
  try {
    // The controller must not wait for whoever writes to it.
    return statSync(path).isFIFO() ? 'it is a FIFO' : readFileSync(path);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

/**
 * The environment of a service. Each layer overrides the layers before it: the container's
 * variables that `pass_env` names, the directory `env`, `env_file` in its order, `environment`.
 * All layers are read again for each start.
 *
 * @throws Error when a file cannot be read or understood; the message names the file
 */
export function serviceEnvironment(
  definition: WithEnvironment,
  container: Environment,
  files = readEnvironmentFiles(definition),
): Environment {
  const { directory, environment: rule, execution } = definition;
  const passed = new Map(passedBy(rule.pass, container));
  if (execution.user !== undefined) for (const name of OF_THE_USER) passed.delete(name);
  const environment = new Map(directory === undefined ? passed : directoryEnvironment(directory, passed));
  for (const file of files)
    for (const [name, value] of variablesOf(file)) set(environment, name, value ?? container.get(name));
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

function variablesOf({ path, required, content }: EnvironmentFile): ReadonlyMap<string, string | undefined> {
  if (typeof content !== 'string') return parseEnvironmentFile(content.toString('latin1'), path);
  if (content === 'ENOENT' && !required) return new Map();
  throw new Error(
    content === 'ENOENT'
      ? `env_file: ${path}: does not exist (create it, or say required: false)`
      : `env_file: ${path}: cannot be read (${content})`,
  );
}

/** Encodes text as in an {@link Environment}: one character for each byte. */
const toBytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
