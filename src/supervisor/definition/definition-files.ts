import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Environment, toText } from '../../process/environment.js';
import { numberOf } from '../../state/fields.js';
import type { ServiceName } from '../../types/service.js';
import { identityOf, type Listing, listServices } from '../directory-listing.js';
import type { ServiceSource } from '../directory-watch.js';
import type { WatchedPaths } from '../path-watch.js';
import type { Scales } from '../replicas.js';
import { isServiceName } from '../service-directory.js';
import { defaultDefinition } from './default-definition.js';
import type { DefaultTimes, Definition, DefinitionRead, Problem } from './definition.js';
import type { KeptDefinitions } from './kept-definitions.js';
import { describeProblem, readDirectory } from './read-directory.js';
import type { YamlFile, YamlService, YamlServices } from './read-yaml.js';
import { isBundle, withS6Files } from './s6-files.js';
import { changedKeys } from './show-definition.js';
import { TransientFiles } from './transient-files.js';
import {
  type DefinitionPlaces,
  hasYaml,
  loadYamlReader,
  placesOf,
  readFiles,
  serviceFile,
  servicesFiles,
  yamlReader,
} from './yaml-files.js';

export interface DefinitionFilesContext extends DefinitionPlaces {
  readonly times: DefaultTimes;
  /** The numbers of replicas that orders have asked for. */
  readonly scales: Pick<Scales, 'counts' | 'hasRemoved'>;
  /** The definitions that running services were started with. */
  readonly kept: KeptDefinitions;
  environment(): Environment;
  error(text: string): void;
  /** Whether it has a process. */
  isRunning(name: ServiceName): boolean;
  /** The reader of YAML is there: the service can be read now. */
  readable(name: ServiceName): void;
}

const NONE: YamlServices = { services: new Map(), problems: [] };

/**
 * The definitions of services: from directories, from `service.yaml` in them, and from the files
 * for many services. A running service keeps the definition it was started with until it has ended
 * or {@link accept} takes over the files as they are by now.
 */
export class DefinitionFiles implements ServiceSource {
  readonly #context: DefinitionFilesContext;
  readonly transient: TransientFiles;
  /** The files for many services as they are. */
  #onDisk = NONE;
  /** The source that the files were read from. */
  #parsed: { readonly source: object; readonly read: YamlServices } | undefined;
  /** Their services as they are in force. */
  readonly #inForce = new Map<ServiceName, YamlService>();
  /** The text of `service.yaml` that is in force. */
  readonly #texts = new Map<ServiceName, string>();
  /** Services that were removed from the files, and are stopped. */
  readonly #dropped = new Set<ServiceName>();
  #reported = new Set<string>();

  constructor(context: DefinitionFilesContext) {
    this.#context = context;
    this.transient = new TransientFiles(context.ownDirectory);
    this.#reload(() => false);
  }

  get files(): WatchedPaths {
    const { file, directory } = placesOf(this.#context.servicesFile);
    return { files: [file], directories: [directory] };
  }

  /** Loads what is needed to read YAML, where there is any; startup scripts may have written it. */
  async prepare(): Promise<void> {
    if (yamlReader() === undefined && hasYaml(this.#context)) await loadYamlReader();
    this.reload();
  }

  /** Reads the files for many services. Those that run keep their definition. */
  reload(): void {
    this.#reload(this.#context.isRunning);
  }

  #reload(isRunning: (name: ServiceName) => boolean): void {
    const { servicesFile, error } = this.#context;
    const files = readFiles(servicesFiles(servicesFile), (path, code) =>
      error(`cannot read ${path} (${code}): the services in it are ignored`),
    );
    const read = this.#parse(files);
    this.#onDisk = isBroken(read) ? { ...read, services: new Map([...this.#inForce, ...read.services]) } : read;
    for (const name of new Set([...this.#inForce.keys(), ...read.services.keys()]))
      if (!isRunning(name)) this.#take(name);
    this.#report(read.problems);
  }

  /**
   * Reading takes a millisecond for each service: files that say what they said before are not read
   * again.
   */
  #parse(files: readonly YamlFile[]): YamlServices {
    const reader = yamlReader();
    if (reader === undefined || files.length === 0) return NONE;
    const source = { files, environment: this.#context.environment(), scales: this.#context.scales.counts };
    if (!isDeepStrictEqual(source, this.#parsed?.source)) {
      const read = reader.readServicesYaml(files, this.#variable, this.#context.times, this.#replicas);
      this.#parsed = { source, read };
    }
    return this.#parsed?.read ?? NONE;
  }

  /** From now on what the files say by now is in force. {@link read} has it. */
  accept(name: ServiceName): void {
    this.#take(name);
    if (!this.#inForce.has(name)) this.#dropped.add(name);
    this.#texts.delete(name);
    this.#context.kept.drop(name);
  }

  /**
   * The service starts with this definition, or takes it over while it runs: so does the next
   * controller.
   */
  keep(definition: Definition, directory: string, isStart: boolean): void {
    if (this.#isYaml(definition.name, directory)) this.#context.kept.put(definition, { isStart });
  }

  /**
   * Keys in which what the files say by now differs from what a running service was started with.
   */
  changedKeys(running: Definition, latest: Definition): readonly string[] {
    const keys = changedKeys(running, latest);
    const isOther = !keys.includes('env_file') && this.#context.kept.hasOtherEnvironment(running);
    return isOther ? [...keys, 'env_file'] : keys;
  }

  /** The definition that the files now contain for a service; undefined: none any more. */
  latest(name: ServiceName, directory: string): DefinitionRead | undefined {
    if (this.#isDefinedIn(directory, name)) return this.#ofDirectory(name, directory, undefined);
    const service = this.#onDisk.services.get(name);
    return service && { definition: service.definition, problem: firstError(service.problems) };
  }

  #take(name: ServiceName): void {
    const service = this.#onDisk.services.get(name);
    this.#dropped.delete(name);
    if (service) this.#inForce.set(name, service);
    else this.#inForce.delete(name);
  }

  /**
   * The service directories, and the services that are defined in files for many. Throws as
   * {@link listServices}.
   */
  list(): Listing {
    const { serviceDirectory } = this.#context;
    const names = new Set([...this.#defined(), ...this.transient.names()]);
    if (names.size === 0) return withoutBundles(listServices(serviceDirectory));
    // Without a directory of services there may still be a file of them.
    const listing = existsSync(serviceDirectory)
      ? withoutBundles(listServices(serviceDirectory))
      : { found: new Map(), skipped: [] };
    const found = new Map(listing.found);
    for (const name of names) {
      if (found.has(name)) continue;
      const directory = this.#directoryOf(name);
      mkdirSync(directory, { recursive: true });
      found.set(name, { directory, identity: identityOf(directory) ?? '' });
    }
    return { ...listing, found };
  }

  /** The services of files for many, without replicas that an order has removed. */
  #defined(): readonly ServiceName[] {
    const { scales } = this.#context;
    return [...this.#inForce.keys(), ...this.#stillRunning()].filter((name) => !scales.hasRemoved(name));
  }

  /**
   * Services that were in a file, and run although they are in none any more: `svctl apply` stops
   * them.
   */
  #stillRunning(): readonly ServiceName[] {
    const { ownDirectory, isRunning } = this.#context;
    if (!existsSync(ownDirectory)) return [];
    return readdirSync(ownDirectory)
      .filter(isServiceName)
      .filter((name) => isRunning(name) && !this.#dropped.has(name));
  }

  /** The service is gone: so is the directory that it had from us. */
  forget(name: ServiceName, directory: string): void {
    this.#context.kept.erase(name);
    this.#texts.delete(name);
    this.#dropped.delete(name);
    if (directory.startsWith(`${this.#context.ownDirectory}/`)) rmSync(directory, { recursive: true, force: true });
  }

  /** Reads the definition of a service. */
  readonly read = (name: ServiceName, directory: string): DefinitionRead => {
    const isRunning = this.#context.isRunning(name);
    const read = this.#readInForce(name, directory, isRunning);
    return isRunning && this.#isChanged(name, directory, read) ? { ...read, isChanged: true } : read;
  };

  /** Its directory says what it is, not a file for many services. */
  #isDefinedIn(directory: string, name: ServiceName): boolean {
    return directory !== this.#directoryOf(name) || this.transient.has(name);
  }

  #isChanged(name: ServiceName, directory: string, { definition }: DefinitionRead): boolean {
    if (!this.#isYaml(name, directory)) return false;
    const latest = this.latest(name, directory);
    return (
      latest === undefined || latest.problem !== undefined || this.changedKeys(definition, latest.definition).length > 0
    );
  }

  #isYaml(name: ServiceName, directory: string): boolean {
    const isKnown = this.#inForce.has(name) || this.#texts.has(name) || this.#context.kept.leftBy(name) !== undefined;
    return isKnown || directory === this.#directoryOf(name);
  }

  #readInForce(name: ServiceName, directory: string, isRunning: boolean): DefinitionRead {
    if (!isRunning) this.#context.kept.drop(name);
    const left = this.#leftBefore(name, directory);
    if (left !== undefined) return { definition: left, problem: undefined };
    if (this.#isDefinedIn(directory, name)) {
      if (!isRunning) this.#texts.delete(name);
      return this.#ofDirectory(name, directory, this.#texts.get(name), (text) => this.#texts.set(name, text));
    }
    if (!isRunning) this.#take(name);
    const service = this.#inForce.get(name);
    if (service) return { definition: service.definition, problem: firstError(service.problems) };
    const { servicesFile, times } = this.#context;
    const message = `${name} is in no file of services any more (${servicesFile})`;
    const problem = problemOf(name, servicesFile, 'not-defined', message, 'svctl rescan removes it');
    // The files may not have been read yet: a replica is known as such.
    const replicas = numberOf(this.#context.kept.leftBy(name)?.values.replicas);
    return { definition: { ...defaultDefinition(name, undefined, times), replicas }, problem };
  }

  /**
   * The definition that a running service was started with, if the files have changed since an
   * earlier controller.
   */
  #leftBefore(name: ServiceName, directory: string): Definition | undefined {
    const { kept, times } = this.#context;
    const left = kept.leftBy(name);
    const reader = yamlReader();
    if (left === undefined || reader === undefined) return undefined;
    const isOwn = directory === this.#directoryOf(name);
    const base = isOwn ? this.#ownBase(name) : readDirectory(name, directory, times).definition;
    const definition = reader.readKept(left, base);
    const latest = this.latest(name, directory);
    if (latest?.problem !== undefined || latest === undefined || changedKeys(definition, latest.definition).length > 0)
      return definition;
    kept.drop(name);
    return undefined;
  }

  #ownBase(name: ServiceName): Definition {
    return this.transient.has(name)
      ? this.#plainTransient(name).definition
      : defaultDefinition(name, undefined, this.#context.times);
  }

  /** `inForce`: the text of service.yaml that is in force, instead of that on disk. */
  #ofDirectory(
    name: ServiceName,
    directory: string,
    inForce: string | undefined,
    took: (text: string) => void = () => {},
  ): DefinitionRead {
    const isTransient = directory === this.#directoryOf(name);
    const plain = isTransient ? this.#plainTransient(name) : readDirectory(name, directory, this.#context.times);
    const hasYaml = inForce !== undefined || existsSync(serviceFile(directory));
    const read = hasYaml ? this.#readYaml(plain, directory, inForce, took) : withS6Files(plain, directory);
    const inFile = this.#onDisk.services.get(name);
    if (inFile === undefined) return read;
    const other = [...inFile.definition.origins.values()][0]?.file ?? this.#context.servicesFile;
    const message = `${name} is defined in two places, ${directory} and ${other}`;
    return { ...read, problem: problemOf(name, directory, 'defined-twice', message, 'remove one of the two') };
  }

  /**
   * A transient service as far as its definition says nothing: nobody else is to suffer when it
   * fails.
   */
  #plainTransient(name: ServiceName): DefinitionRead {
    const definition = { ...defaultDefinition(name, undefined, this.#context.times), transient: true };
    const policy = { ...definition.policy, restart: 'no', optional: true } as const;
    return { definition: { ...definition, policy }, problem: undefined };
  }

  /**
   * The problem of this text as the definition of a transient service; undefined when there is
   * none.
   */
  async judgeTransient(name: ServiceName, text: string): Promise<Problem | undefined> {
    const { readServiceYaml } = await loadYamlReader();
    const { definition } = this.#plainTransient(name);
    const { problems } = readServiceYaml({ file: '', text }, definition, false, this.#variable);
    return problems.find(({ severity }) => severity === 'error');
  }

  #readYaml(
    plain: DefinitionRead,
    directory: string,
    inForce: string | undefined,
    took: (text: string) => void,
  ): DefinitionRead {
    const { name } = plain.definition;
    const file = serviceFile(directory);
    const reader = yamlReader();
    if (reader === undefined) {
      void loadYamlReader().then(() => this.#context.readable(name));
      return { ...plain, problem: problemOf(name, file, 'being-read', `${file} is being read`, '') };
    }
    let text = inForce;
    try {
      text ??= readFileSync(file, 'utf8');
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return { ...plain, problem: problemOf(name, file, 'unreadable', `${file}: cannot be read (${code})`, '') };
    }
    took(text);
    const hasRun = existsSync(join(directory, 'run'));
    const { definition, problems } = reader.readServiceYaml({ file, text }, plain.definition, hasRun, this.#variable);
    const ofRun = definition.command.kind === 'run' ? plain.problem : undefined;
    return { definition, problem: firstError(problems) ?? ofRun };
  }

  readonly #replicas = (name: ServiceName, defined: number): number => this.#context.scales.counts.get(name) ?? defined;

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

/** A bundle of s6-rc is a name for several services. */
function withoutBundles(listing: Listing): Listing {
  const found = [...listing.found].filter(([, { directory }]) => !isBundle(directory));
  return found.length === listing.found.size ? listing : { ...listing, found: new Map(found) };
}

/**
 * Nobody can say which services a file has that is not YAML: those that it had are not stopped for
 * a missing quote.
 */
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
