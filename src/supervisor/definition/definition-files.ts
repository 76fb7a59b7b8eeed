import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Environment, toText } from '../../process/environment.js';
import type { ServiceName } from '../../types/service.js';
import { identityOf, type Listing, listServices } from '../directory-listing.js';
import type { WatchedPaths } from '../path-watch.js';
import { defaultDefinition } from './default-definition.js';
import type { DefaultTimes, DefinitionRead, Problem } from './definition.js';
import { describeProblem, readDirectory } from './read-directory.js';
import type { YamlServices } from './read-yaml.js';
import { hasYaml, loadYamlReader, placesOf, readFiles, serviceFile, servicesFiles, yamlReader } from './yaml-files.js';

export interface DefinitionFilesContext {
  /** `/etc/my_init/services.yaml`. */
  readonly servicesFile: string;
  readonly serviceDirectory: string;
  /** Services that have no directory get one here, for their `supervise`: sv(8) finds it. */
  readonly ownDirectory: string;
  readonly times: DefaultTimes;
  environment(): Environment;
  error(text: string): void;
  /** The reader of YAML is there: the service can be read now. */
  readable(name: ServiceName): void;
}

const NONE: YamlServices = { services: new Map(), problems: [] };

/** What the services are: of directories, of `service.yaml` in them, and of the files for many services. */
export class DefinitionFiles {
  readonly #context: DefinitionFilesContext;
  #inFiles = NONE;
  #reported = new Set<string>();

  constructor(context: DefinitionFilesContext) {
    this.#context = context;
    this.reload();
  }

  get files(): WatchedPaths {
    const { file, directory } = placesOf(this.#context.servicesFile);
    return { files: [file], directories: [directory] };
  }

  /** Loads what is needed to read YAML, where there is any; startup scripts may have written it. */
  async prepare(): Promise<void> {
    const { servicesFile, serviceDirectory } = this.#context;
    if (yamlReader() === undefined && hasYaml(servicesFile, serviceDirectory)) await loadYamlReader();
    this.reload();
  }

  /** Reads the files for many services. */
  reload(): void {
    const { servicesFile, times, error } = this.#context;
    const files = readFiles(servicesFiles(servicesFile), (path, code) =>
      error(`${path} cannot be read (${code}): its services are not there`),
    );
    const reader = yamlReader();
    const read = reader && files.length > 0 ? reader.readServicesYaml(files, this.#variable, times) : NONE;
    this.#inFiles = isBroken(read)
      ? { ...read, services: new Map([...this.#inFiles.services, ...read.services]) }
      : read;
    this.#report(read.problems);
  }

  /** The service directories, and the services that are defined in files for many. Throws as {@link listServices}. */
  list(): Listing {
    const { serviceDirectory } = this.#context;
    const { services } = this.#inFiles;
    // Without a directory of services there may still be a file of them.
    if (services.size > 0 && !existsSync(serviceDirectory)) return { found: this.#own(new Map()), skipped: [] };
    const listing = listServices(serviceDirectory);
    return services.size === 0 ? listing : { ...listing, found: this.#own(new Map(listing.found)) };
  }

  #own(found: Map<ServiceName, { readonly directory: string; readonly identity: string }>): Listing['found'] {
    for (const name of this.#inFiles.services.keys()) {
      if (found.has(name)) continue;
      const directory = this.#directoryOf(name);
      mkdirSync(directory, { recursive: true });
      found.set(name, { directory, identity: identityOf(directory) ?? '' });
    }
    return found;
  }

  /** The service is gone: so is the directory that it had from us. */
  forget(directory: string): void {
    if (directory.startsWith(`${this.#context.ownDirectory}/`)) rmSync(directory, { recursive: true, force: true });
  }

  /** What a service is. */
  readonly read = (name: ServiceName, directory: string): DefinitionRead => {
    const { times } = this.#context;
    const inFile = this.#inFiles.services.get(name);
    if (directory === this.#directoryOf(name))
      return inFile
        ? { definition: inFile.definition, problem: firstError(inFile.problems) }
        : { definition: defaultDefinition(name, undefined, times), problem: undefined };
    const plain = readDirectory(name, directory, times);
    const read = existsSync(serviceFile(directory)) ? this.#readYaml(name, directory, plain) : plain;
    if (inFile === undefined) return read;
    const other = [...inFile.definition.origins.values()][0]?.file ?? this.#context.servicesFile;
    const message = `${name} is defined in two places, ${directory} and ${other}`;
    return { ...read, problem: problemOf(name, directory, 'defined-twice', message, 'remove one of the two') };
  };

  #readYaml(name: ServiceName, directory: string, plain: DefinitionRead): DefinitionRead {
    const file = serviceFile(directory);
    const reader = yamlReader();
    if (reader === undefined) {
      void loadYamlReader().then(() => this.#context.readable(name));
      return { ...plain, problem: problemOf(name, file, 'being-read', `${file} is being read`, '') };
    }
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return { ...plain, problem: problemOf(name, file, 'unreadable', `${file}: cannot be read (${code})`, '') };
    }
    const hasRun = existsSync(join(directory, 'run'));
    const { definition, problems } = reader.readServiceYaml({ file, text }, plain.definition, hasRun, this.#variable);
    const ofRun = definition.command.kind === 'run' ? plain.problem : undefined;
    return { definition, problem: firstError(problems) ?? ofRun };
  }

  readonly #variable = (name: string): string | undefined => {
    const value = this.#context.environment().get(name);
    return value === undefined ? undefined : toText(value);
  };

  #directoryOf(name: ServiceName): string {
    return join(this.#context.ownDirectory, name);
  }

  #report(problems: readonly Problem[]): void {
    const texts = problems.map((problem) => `${placeOf(problem)}: ${describeProblem(problem)}`);
    for (const text of texts) if (!this.#reported.has(text)) this.#context.error(text);
    this.#reported = new Set(texts);
  }
}

/** Nobody can say which services a file has that is not YAML: those that it had are not stopped for a missing quote. */
const isBroken = ({ services, problems }: YamlServices): boolean =>
  [...problems, ...[...services.values()].flatMap((service) => service.problems)].some(
    ({ id }) => id === 'yaml-syntax',
  );

/** With the place in front: it is all that a person sees of it. */
function firstError(problems: readonly Problem[]): Problem | undefined {
  const problem = problems.find(({ severity }) => severity === 'error');
  return problem && { ...problem, message: `${placeOf(problem)}: ${problem.message}` };
}

const placeOf = ({ origin: { file, line, column } }: Problem): string =>
  line === 0 ? file : `${file}:${line}:${column}`;

function problemOf(service: ServiceName, file: string, id: string, message: string, remedy: string): Problem {
  return { id, severity: 'error', service, key: '', origin: { file, line: 0, column: 0 }, message, remedy };
}
