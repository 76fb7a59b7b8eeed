import { isDeepStrictEqual } from 'node:util';
import type { Environment } from '../../process/environment.js';
import type { ServiceName } from '../../types/service.js';
import type { WatchedPaths } from '../path-watch.js';
import type { Scales } from '../replicas.js';
import type { DefaultTimes } from './definition.js';
import type { Variables } from './expand-variables.js';
import { describeWithPlace } from './problems.js';
import type { YamlFile, YamlService, YamlServices } from './read-yaml.js';
import { placesOf, readFiles, servicesFiles, yamlReader } from './yaml-files.js';

export interface ServicesFilesContext {
  /** `/etc/my_init/services.yaml`. */
  readonly servicesFile: string;
  readonly times: DefaultTimes;
  /** The numbers of replicas that orders have asked for. */
  readonly scales: Pick<Scales, 'counts'>;
  environment(): Environment;
  error(text: string): void;
}

const NONE: YamlServices = { services: new Map(), problems: [] };

/** The files for many services, as they are on disk. */
export class ServicesFiles {
  readonly #context: ServicesFilesContext;
  readonly #variable: Variables;
  #services: ReadonlyMap<ServiceName, YamlService> = NONE.services;
  /** The source that the files were read from. */
  #parsed: { readonly source: object; readonly read: YamlServices } | undefined;
  #reported = new Set<string>();

  constructor(context: ServicesFilesContext, variable: Variables) {
    this.#context = context;
    this.#variable = variable;
  }

  get paths(): WatchedPaths {
    const { file, directory } = placesOf(this.#context.servicesFile);
    return { files: [file], directories: [directory] };
  }

  get(name: ServiceName): YamlService | undefined {
    return this.#services.get(name);
  }

  /**
   * Reads the files again. The services of a file that is no valid YAML are unknown: those in force
   * are not stopped for a missing quote. Returns the names of the services in the files.
   */
  read(inForce: ReadonlyMap<ServiceName, YamlService>): Iterable<ServiceName> {
    const { servicesFile, error } = this.#context;
    const files = readFiles(servicesFiles(servicesFile), (path, code) =>
      error(`cannot read ${path} (${code}): the services in it are ignored`),
    );
    const read = this.#parse(files);
    this.#services = isBroken(read) ? new Map([...inForce, ...read.services]) : read.services;
    this.#report(read);
    return read.services.keys();
  }

  /** Files that say what they said before are not parsed again. */
  #parse(files: readonly YamlFile[]): YamlServices {
    const reader = yamlReader();
    if (reader === undefined || files.length === 0) return NONE;
    const { environment, scales, times } = this.#context;
    const source = { files, environment: environment(), scales: scales.counts };
    if (!isDeepStrictEqual(source, this.#parsed?.source)) {
      const replicas = (name: ServiceName, defined: number): number => scales.counts.get(name) ?? defined;
      this.#parsed = { source, read: reader.readServicesYaml(files, this.#variable, times, replicas) };
    }
    return this.#parsed?.read ?? NONE;
  }

  /** Reports what is wrong with a file as a whole, once. */
  #report({ problems }: YamlServices): void {
    const texts = problems.map(describeWithPlace);
    for (const text of texts) if (!this.#reported.has(text)) this.#context.error(text);
    this.#reported = new Set(texts);
  }
}

const isBroken = ({ services, problems }: YamlServices): boolean =>
  [...problems, ...[...services.values()].flatMap((service) => service.problems)].some(
    ({ id }) => id === 'yaml-syntax',
  );
