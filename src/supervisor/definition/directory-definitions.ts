import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServiceName } from '../../types/service.js';
import { defaultDefinition } from './default-definition.js';
import type { DefaultTimes, Definition, DefinitionRead } from './definition.js';
import type { Variables } from './expand-variables.js';
import { firstError, problemOf } from './problems.js';
import { readDirectory } from './read-directory.js';
import type { YamlService } from './read-yaml.js';
import { withS6Files } from './s6-files.js';
import type { TransientFiles } from './transient-files.js';
import { loadYamlReader, serviceFile, yamlReader } from './yaml-files.js';

/** `service.yaml` of a directory, as it is or as it was. */
export type ServiceYaml =
  | { readonly kind: 'none' }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'unreadable'; readonly code: string };

export interface DirectoryContext {
  readonly times: DefaultTimes;
  readonly transient: TransientFiles;
  readonly variable: Variables;
  /** The reader of YAML is there: the service can be read now. */
  readable(name: ServiceName): void;
}

/** Reads services that are defined by a directory: by its files, and by `service.yaml` in it. */
export class DirectoryDefinitions {
  readonly #context: DirectoryContext;

  constructor(context: DirectoryContext) {
    this.#context = context;
  }

  read(name: ServiceName, directory: string, yaml: ServiceYaml): DefinitionRead {
    const plain = this.plain(name, directory);
    return yaml.kind === 'none' ? withS6Files(plain, directory) : this.#withYaml(plain, directory, yaml);
  }

  /** The definition as far as `service.yaml` says nothing. */
  plain(name: ServiceName, directory: string): DefinitionRead {
    const { times, transient } = this.#context;
    return directory === transient.directoryOf(name)
      ? plainTransient(name, times)
      : readDirectory(name, directory, times);
  }

  /** Reads this text as the definition of a transient service. */
  async readTransient(name: ServiceName, text: string): Promise<YamlService> {
    const { readServiceYaml } = await loadYamlReader();
    const { times, variable } = this.#context;
    return readServiceYaml({ file: '', text }, plainTransient(name, times).definition, false, variable);
  }

  #withYaml(plain: DefinitionRead, directory: string, yaml: Exclude<ServiceYaml, { kind: 'none' }>): DefinitionRead {
    const { name } = plain.definition;
    const file = serviceFile(directory);
    const failed = (id: string, message: string): DefinitionRead => ({
      ...plain,
      problem: problemOf(name, file, { id, message }),
    });
    if (yaml.kind === 'unreadable') return failed('unreadable', `${file}: cannot be read (${yaml.code})`);
    const reader = yamlReader();
    if (reader === undefined) {
      void loadYamlReader().then(() => this.#context.readable(name));
      return failed('being-read', `${file} is being read`);
    }
    const hasRun = existsSync(join(directory, 'run'));
    const { text } = yaml;
    const read = reader.readServiceYaml({ file, text }, plain.definition, hasRun, this.#context.variable);
    const ofRun = read.definition.command.kind === 'run' ? plain.problem : undefined;
    return { definition: read.definition, problem: firstError(read.problems) ?? ofRun };
  }
}

/** `service.yaml` as it is on disk. */
export function readServiceYaml(directory: string): ServiceYaml {
  try {
    return { kind: 'text', text: readFileSync(serviceFile(directory), 'utf8') };
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR' ? { kind: 'none' } : { kind: 'unreadable', code };
  }
}

/** Nobody else is to suffer when a transient service fails, unless its definition says so. */
function plainTransient(
  name: ServiceName,
  times: DefaultTimes,
): { readonly definition: Definition; problem: undefined } {
  const definition = { ...defaultDefinition(name, undefined, times), transient: true };
  const policy = { ...definition.policy, restart: 'no', optional: true } as const;
  return { definition: { ...definition, policy }, problem: undefined };
}
