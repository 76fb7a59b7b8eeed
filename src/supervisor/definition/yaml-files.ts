import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { YamlFile } from './read-yaml.js';

/** Beside the file of services: further files of the same form, in the order of their names. */
const DROP_INS = 'services.d';
/** In a service directory. */
const OF_A_SERVICE = 'service.yaml';

type YamlReader = typeof import('./read-yaml.js');

let reader: YamlReader | undefined;

/** The reader of YAML, where it is loaded. */
export const yamlReader = (): YamlReader | undefined => reader;

/** Loads the reader of YAML: a container without YAML never pays for it. */
export async function loadYamlReader(): Promise<YamlReader> {
  reader ??= await import('./read-yaml.js');
  return reader;
}

/** Paths at which files of services may lie. None of them needs to exist. */
export const placesOf = (servicesFile: string): { readonly file: string; readonly directory: string } => ({
  file: servicesFile,
  directory: join(dirname(servicesFile), DROP_INS),
});

/** The file of services and what lies in `services.d`, as far as they exist. */
export function servicesFiles(servicesFile: string): readonly string[] {
  const { file, directory } = placesOf(servicesFile);
  return [file, ...dropIns(directory)].filter((path) => existsSync(path));
}

/** Files of `services.d`. Names that begin with a dot are how Kubernetes mounts a ConfigMap. */
export function dropIns(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
      .filter((name) => name.endsWith('.yaml') && !name.startsWith('.'))
      .sort()
      .map((name) => join(directory, name));
  } catch {
    return [];
  }
}

export const serviceFile = (directory: string): string => join(directory, OF_A_SERVICE);

/** The places where services are defined. */
export interface DefinitionPlaces {
  /** `/etc/my_init/services.yaml`. */
  readonly servicesFile: string;
  readonly serviceDirectory: string;
  /** Services that have no directory get one here, for their `supervise`: sv(8) finds it. */
  readonly ownDirectory: string;
}

/**
 * Whether anything is defined in YAML by now, transient services among them. A directory of ours
 * without a definition is left from an earlier boot.
 */
export const hasYaml = ({ servicesFile, serviceDirectory, ownDirectory }: DefinitionPlaces): boolean =>
  servicesFiles(servicesFile).length > 0 || [serviceDirectory, ownDirectory].some(hasServiceYaml);

function hasServiceYaml(directory: string): boolean {
  try {
    return readdirSync(directory).some(
      (name) => !name.startsWith('.') && existsSync(serviceFile(join(directory, name))),
    );
  } catch {
    return false;
  }
}

/** Reads files. An unreadable file is reported and left out. */
export function readFiles(
  paths: readonly string[],
  unreadable: (path: string, code: string) => void,
): readonly YamlFile[] {
  return paths.flatMap((file) => {
    try {
      return [{ file, text: readFileSync(file, 'utf8') }];
    } catch (error) {
      unreadable(file, (error as NodeJS.ErrnoException).code ?? String(error));
      return [];
    }
  });
}
