import { existsSync, readdirSync, rmSync } from 'node:fs';
import { toText } from '../../process/environment.js';
import { fieldsOf, numberOf, textOf } from '../../state/fields.js';
import type { ServiceName } from '../../types/service.js';
import type { Listing } from '../directory-listing.js';
import type { ServiceSource } from '../directory-watch.js';
import type { WatchedPaths } from '../path-watch.js';
import type { Scales } from '../replicas.js';
import { isServiceName } from '../service-directory.js';
import { defaultDefinition } from './default-definition.js';
import type { Definition, DefinitionRead, Problem } from './definition.js';
import { DirectoryDefinitions, readServiceYaml, type ServiceYaml } from './directory-definitions.js';
import type { EnvironmentFile } from './environment.js';
import type { KeptDefinitions } from './kept-definitions.js';
import { listDefined } from './list-defined.js';
import { LogFiles, logFileTwice } from './own-log-files.js';
import { firstError, problemOf } from './problems.js';
import type { YamlService } from './read-yaml.js';
import { ServicesFiles, type ServicesFilesContext } from './services-files.js';
import { changedKeys } from './show-definition.js';
import { TransientFiles } from './transient-files.js';
import { type DefinitionPlaces, hasYaml, loadYamlReader, yamlReader } from './yaml-files.js';

export interface DefinitionFilesContext extends DefinitionPlaces, ServicesFilesContext {
  readonly scales: Pick<Scales, 'counts' | 'hasRemoved'>;
  /** The definitions that running services were started with. */
  readonly kept: KeptDefinitions;
  /** Whether it has a process. */
  isRunning(name: ServiceName): boolean;
}

/**
 * The definitions of services: from directories, from `service.yaml` in them, and from the files
 * for many services. A running service keeps the definition it was started with until it has ended
 * or {@link accept} takes over the files as they are by now.
 */
export class DefinitionFiles implements ServiceSource {
  readonly #context: DefinitionFilesContext;
  readonly transient: TransientFiles;
  readonly #files: ServicesFiles;
  readonly #directories: DirectoryDefinitions;
  readonly #logFiles = new LogFiles();
  /** The services of files for many, as they are in force. */
  readonly #inForce = new Map<ServiceName, YamlService>();
  /** The `service.yaml` of directories that is in force. */
  readonly #yamlInForce = new Map<ServiceName, ServiceYaml>();
  /** Services whose definition is in YAML, or was when they were started. */
  readonly #inYaml = new Set<ServiceName>();
  /** Services that were removed from the files, and are stopped. */
  readonly #dropped = new Set<ServiceName>();
  #readable = (_name: ServiceName): void => {};

  constructor(context: DefinitionFilesContext) {
    this.#context = context;
    const { times } = context;
    const variable = (name: string): string | undefined => {
      const value = context.environment().get(name);
      return value === undefined ? undefined : toText(value);
    };
    this.transient = new TransientFiles(context.ownDirectory);
    this.#files = new ServicesFiles(context, variable);
    const readable = (name: ServiceName): void => this.#readable(name);
    this.#directories = new DirectoryDefinitions({ times, transient: this.transient, variable, readable });
    this.#reload(() => false);
    for (const { name, values, origins } of context.kept.running(context.isRunning))
      this.#logFiles.keep({ name, origins }, textOf(fieldsOf(values.log).file));
  }

  /** Calls the listener when a service can be read that could not: the reader of YAML is there. */
  observe(readable: (name: ServiceName) => void): void {
    this.#readable = readable;
  }

  get files(): WatchedPaths {
    return this.#files.paths;
  }

  /** Loads the reader of YAML, where there is any: startup scripts may have written it. */
  async load(): Promise<void> {
    if (yamlReader() === undefined && hasYaml(this.#context)) await loadYamlReader();
  }

  /** Reads the files for many services. Running services keep their definition. */
  async prepare(): Promise<void> {
    await this.load();
    this.#reload(this.#context.isRunning);
  }

  #reload(isRunning: (name: ServiceName) => boolean): void {
    for (const name of new Set([...this.#inForce.keys(), ...this.#files.read(this.#inForce)]))
      if (!isRunning(name)) this.#putInForce(name);
  }

  #putInForce(name: ServiceName): void {
    const service = this.#files.get(name);
    this.#dropped.delete(name);
    if (service) this.#inForce.set(name, service);
    else this.#inForce.delete(name);
  }

  /** From now on what the files say by now is in force. {@link read} has it. */
  accept(name: ServiceName): void {
    this.#putInForce(name);
    if (!this.#inForce.has(name)) this.#dropped.add(name);
    this.#yamlInForce.delete(name);
    this.#context.kept.drop(name);
  }

  /**
   * The service starts with this definition, or takes it over while it runs: so does the next
   * controller. `files`: the files of variables that it starts with.
   */
  keep(definition: Definition, files?: readonly EnvironmentFile[]): void {
    const { kept } = this.#context;
    if (this.#inYaml.has(definition.name)) kept.put(definition, files);
    else kept.erase(definition.name);
  }

  /**
   * Keys in which what the files say by now differs from what a running service was started with.
   */
  changedKeys(running: Definition, latest: Definition): readonly string[] {
    const keys = running === latest ? [] : changedKeys(running, latest);
    const isOther = !keys.includes('env_file') && this.#context.kept.hasOtherEnvironment(running);
    return isOther ? [...keys, 'env_file'] : keys;
  }

  /** The service is gone: so is the directory that it had from us. */
  forget(name: ServiceName, directory: string): void {
    this.#context.kept.erase(name);
    this.#yamlInForce.delete(name);
    this.#inYaml.delete(name);
    this.#dropped.delete(name);
    this.#logFiles.forget(name);
    if (!directory.startsWith(`${this.#context.ownDirectory}/`)) return;
    this.transient.erase(name);
    rmSync(directory, { recursive: true, force: true });
  }

  /**
   * The service directories, and the services that are defined in files for many. Throws as
   * {@link listDefined}.
   */
  list(): Listing {
    const { serviceDirectory } = this.#context;
    const names = new Set([...this.#defined(), ...this.transient.names()]);
    return listDefined(serviceDirectory, names, (name) => this.transient.directoryOf(name));
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

  /** Reads the definition of a service. */
  readonly read = (name: ServiceName, directory: string): DefinitionRead => {
    const isRunning = this.#context.isRunning(name);
    const read = isRunning ? this.#readRunning(name, directory) : this.#readAnew(name, directory);
    if (read.problem === undefined) this.#logFiles.keep(read.definition, read.definition.log?.file);
    return read;
  };

  /** The definition that the files now contain for a service; undefined: none any more. */
  latest(name: ServiceName, directory: string): DefinitionRead | undefined {
    return this.#isDefinedIn(directory, name)
      ? this.#ofDirectory(name, directory, readServiceYaml(directory))
      : this.#ofFiles(this.#files.get(name));
  }

  /** The files are read again, and what they say is in force. */
  #readAnew(name: ServiceName, directory: string): DefinitionRead {
    this.#context.kept.drop(name);
    this.#putInForce(name);
    if (!this.#isDefinedIn(directory, name)) {
      this.#inYaml.add(name);
      return this.#ofFiles(this.#inForce.get(name)) ?? this.#undefined(name);
    }
    const yaml = readServiceYaml(directory);
    this.#yamlInForce.set(name, yaml);
    this.#note(name, yaml.kind !== 'none' || this.transient.has(name));
    return this.#ofDirectory(name, directory, yaml);
  }

  #readRunning(name: ServiceName, directory: string): DefinitionRead {
    const isOwn = !this.#isDefinedIn(directory, name);
    const yaml = isOwn ? NO_YAML : readServiceYaml(directory);
    const latest = isOwn ? this.#ofFiles(this.#files.get(name)) : this.#ofDirectory(name, directory, yaml);
    const left = this.#leftBefore(name, directory, latest);
    if (left !== undefined) {
      this.#inYaml.add(name);
      return { definition: left, problem: undefined, isChanged: true };
    }
    const before = this.#yamlInForce.get(name) ?? yaml;
    if (!isOwn) this.#yamlInForce.set(name, before);
    this.#note(name, isOwn || before.kind !== 'none' || yaml.kind !== 'none');
    const read = isOwn
      ? (this.#ofFiles(this.#inForce.get(name)) ?? this.#undefined(name))
      : isSame(before, yaml) && latest
        ? latest
        : this.#ofDirectory(name, directory, before);
    return this.#isChanged(read, latest) ? { ...read, isChanged: true } : read;
  }

  #note(name: ServiceName, inYaml: boolean): void {
    if (inYaml) this.#inYaml.add(name);
    else this.#inYaml.delete(name);
  }

  /** Whether the service's own directory defines it, not a file for many services. */
  #isDefinedIn(directory: string, name: ServiceName): boolean {
    return directory !== this.transient.directoryOf(name) || this.transient.has(name);
  }

  #isChanged({ definition }: DefinitionRead, latest: DefinitionRead | undefined): boolean {
    if (!this.#inYaml.has(definition.name)) return false;
    return (
      latest === undefined || latest.problem !== undefined || this.changedKeys(definition, latest.definition).length > 0
    );
  }

  #ofDirectory(name: ServiceName, directory: string, yaml: ServiceYaml): DefinitionRead {
    const read = this.#directories.read(name, directory, yaml);
    const inFile = this.#files.get(name);
    if (inFile === undefined) return this.#withOwnLog(read);
    const other = [...inFile.definition.origins.values()][0]?.file ?? this.#context.servicesFile;
    const message = `${name} is defined in two places, ${directory} and ${other}`;
    return {
      ...read,
      problem: problemOf(name, directory, { id: 'defined-twice', message, remedy: 'remove one of the two' }),
    };
  }

  #ofFiles(service: YamlService | undefined): DefinitionRead | undefined {
    return service && this.#withOwnLog({ definition: service.definition, problem: firstError(service.problems) });
  }

  #withOwnLog(read: DefinitionRead): DefinitionRead {
    if (read.problem) return read;
    const problem = this.#logProblem(read.definition);
    return problem ? { ...read, problem: firstError([problem]) } : read;
  }

  #logProblem(definition: Definition): Problem | undefined {
    const other = this.#logFiles.otherWith(definition);
    // Services of files for many have been judged together, as they are by now.
    const isJudged = other && this.#files.get(definition.name) && this.#files.get(other.name);
    return other && !isJudged ? logFileTwice(definition, other) : undefined;
  }

  /** A service of files for many that is in none of them. */
  #undefined(name: ServiceName): DefinitionRead {
    const { servicesFile, times, kept } = this.#context;
    const message = `${name} is in no file of services any more (${servicesFile})`;
    const problem = problemOf(name, servicesFile, { id: 'not-defined', message, remedy: 'svctl rescan removes it' });
    // The files may not have been read yet: a replica is known as such.
    const replicas = numberOf(kept.leftBy(name)?.values.replicas);
    return { definition: { ...defaultDefinition(name, undefined, times), replicas }, problem };
  }

  /**
   * The definition that a running service was started with, if the files have changed since an
   * earlier controller.
   */
  #leftBefore(name: ServiceName, directory: string, latest: DefinitionRead | undefined): Definition | undefined {
    const { kept, times } = this.#context;
    const left = kept.leftBy(name);
    const reader = yamlReader();
    if (left === undefined || reader === undefined) return undefined;
    const base = this.#isDefinedIn(directory, name)
      ? this.#directories.plain(name, directory).definition
      : defaultDefinition(name, undefined, times);
    const definition = reader.readKept(left, base);
    if (latest?.problem !== undefined || latest === undefined || changedKeys(definition, latest.definition).length > 0)
      return definition;
    kept.drop(name);
    return undefined;
  }

  /**
   * The problem of this text as the definition of a transient service; undefined when there is
   * none.
   */
  async judgeTransient(name: ServiceName, text: string): Promise<Problem | undefined> {
    const { definition, problems } = await this.#directories.readTransient(name, text);
    return problems.find(({ severity }) => severity === 'error') ?? this.#logProblem(definition);
  }
}

const NO_YAML: ServiceYaml = { kind: 'none' };

const isSame = (one: ServiceYaml, other: ServiceYaml): boolean =>
  one.kind === other.kind && (one.kind !== 'text' || other.kind !== 'text' || one.text === other.text);
