import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { defaultDefinition } from '../supervisor/definition/default-definition.js';
import type { DefaultTimes, Definition, Problem } from '../supervisor/definition/definition.js';
import { readServicesYaml, readServiceYaml, type YamlFile } from '../supervisor/definition/read-yaml.js';
import { replicaName, replicaOf } from '../supervisor/definition/replicas.js';
import { isBundle, withS6Files } from '../supervisor/definition/s6-files.js';
import { dropIns, placesOf, serviceFile } from '../supervisor/definition/yaml-files.js';
import { explainBadName, isServiceName } from '../supervisor/service-directory.js';
import type { ServiceName } from '../types/service.js';
import type { Root } from './root.js';

/** Where my_init looks for services. */
export interface Places {
  readonly serviceDirectory: string;
  readonly servicesFile: string;
}

/** A service as it would be read at boot. */
export interface Judged {
  readonly definition: Definition;
  readonly problems: readonly Problem[];
}

export interface Collected {
  readonly services: ReadonlyMap<ServiceName, Judged>;
  /** Of a file or a directory, and no service. */
  readonly problems: readonly Problem[];
}

/** Nobody knows the environment of the container that will be. */
const NOBODY_KNOWS = (): 'unknown' => 'unknown';

export class UnusablePath extends Error {
  override readonly name = 'UnusablePath';
}

/** A file of services and the drop-ins beside it, as far as they exist. */
export const filesAt = (servicesFile: string, root: Root): readonly string[] =>
  [servicesFile, ...dropInsOf(placesOf(servicesFile).directory, root)].filter((file) => existsSync(root.locate(file)));

/** Everything at the places where my_init looks. A missing place is no problem. */
export function collectPlaces({ serviceDirectory, servicesFile }: Places, root: Root, times: DefaultTimes): Collected {
  const inFiles = readFiles(filesAt(servicesFile, root), root, times);
  const inDirectory = collectDirectory(serviceDirectory, root, times);
  return together(inFiles, inDirectory);
}

/**
 * A path that a person names: a service directory, a directory of them, `service.yaml`, or a file
 * of services.
 */
export function collectPath(path: string, root: Root, times: DefaultTimes): Collected {
  const here = root.locate(path);
  if (!existsSync(here)) throw new UnusablePath(`${path} does not exist`);
  if (statSync(here).isDirectory()) {
    if (isServiceDirectory(here)) return ofDirectory(path, root, times);
    return basename(path) === 'services.d'
      ? readFiles(dropInsOf(path, root), root, times)
      : collectDirectory(path, root, times);
  }
  return basename(path) === 'service.yaml' ? ofDirectory(dirname(path), root, times) : readFiles([path], root, times);
}

export function together(a: Collected, b: Collected): Collected {
  const services = new Map(a.services);
  for (const [name, judged] of b.services) {
    const other = services.get(name);
    services.set(
      name,
      other === undefined
        ? judged
        : { ...judged, problems: [...judged.problems, ...other.problems, twice(judged.definition, other.definition)] },
    );
  }
  return { services, problems: [...a.problems, ...b.problems] };
}

function twice({ name, directory }: Definition, other: Definition): Problem {
  const first = [...other.origins.values()][0]?.file ?? other.directory ?? '';
  const file = directory ?? '';
  return {
    id: 'defined-twice',
    severity: 'error',
    service: name,
    key: '',
    origin: { file, line: 0, column: 0 },
    message: `${name} is defined in two places: ${first} and ${file}`,
    remedy: 'remove one of the two, or give it another name',
  };
}

const FILES_OF_A_SERVICE = ['run', 'service.yaml', 'up', 'type'];
const isServiceDirectory = (path: string): boolean => FILES_OF_A_SERVICE.some((name) => existsSync(join(path, name)));

/** Where they are in the other root. */
const dropInsOf = (directory: string, root: Root): readonly string[] =>
  dropIns(root.locate(directory)).map((path) => join(directory, basename(path)));

function readFiles(paths: readonly string[], root: Root, times: DefaultTimes): Collected {
  const files = paths.map((file): YamlFile => ({ file, text: readFileSync(root.locate(file), 'utf8') }));
  const { services, problems } = readServicesYaml(files, NOBODY_KNOWS, times, (_, defined) => Math.min(defined, 2));
  return { services: new Map([...services].flatMap(([name, judged]) => asOne(name, judged, services))), problems };
}

/** Problems that only another service, or another replica, makes. */
const OF_SEVERAL = new Set(['log-file-twice', 'defined-twice']);

/** The first replica stands for all: a fault in one is a fault in each. */
function asOne(
  name: ServiceName,
  judged: Judged,
  services: ReadonlyMap<ServiceName, Judged>,
): readonly (readonly [ServiceName, Judged])[] {
  const of = replicaOf(judged.definition);
  if (of === undefined) return [[name, judged]];
  if (name !== replicaName(of, 1)) return [];
  const second = services.get(replicaName(of, 2) as ServiceName)?.problems ?? [];
  return [[name, { ...judged, problems: [...judged.problems, ...second.filter(({ id }) => OF_SEVERAL.has(id))] }]];
}

function collectDirectory(parent: string, root: Root, times: DefaultTimes): Collected {
  let all: Collected = { services: new Map(), problems: [] };
  let names: readonly string[];
  try {
    names = readdirSync(root.locate(parent)).sort();
  } catch {
    return all;
  }
  for (const name of names) {
    const directory = join(parent, name);
    if (name.startsWith('.') || !isDirectory(root.locate(directory))) continue;
    all = together(all, ofDirectory(directory, root, times));
  }
  return all;
}

function ofDirectory(directory: string, root: Root, times: DefaultTimes): Collected {
  const name = basename(directory);
  if (!isServiceName(name)) {
    const problem: Problem = {
      id: 'bad-name',
      severity: 'error',
      service: undefined,
      key: '',
      origin: { file: directory, line: 0, column: 0 },
      message: `${directory} cannot be a service: ${explainBadName(name)}`,
      remedy: 'rename it',
    };
    return { services: new Map(), problems: [problem] };
  }
  const plain: Definition = {
    ...defaultDefinition(name, directory, times),
    enabled: !existsSync(root.locate(join(directory, 'down'))),
  };
  const file = serviceFile(directory);
  const hasRun = existsSync(root.locate(join(directory, 'run')));
  if (!existsSync(root.locate(file))) return ofPlainFiles(plain, root);
  const text = readFileSync(root.locate(file), 'utf8');
  return {
    services: new Map([[name, readServiceYaml({ file, text }, plain, hasRun, NOBODY_KNOWS)]]),
    problems: [],
  };
}

/** Without YAML, s6's files may say more. The judge reports faults of `run`. */
function ofPlainFiles(plain: Definition, root: Root): Collected {
  const here = root.locate(plain.directory ?? '/');
  if (isBundle(here)) return { services: new Map(), problems: [] };
  const { definition, problem } = withS6Files({ definition: plain, problem: undefined }, here);
  const problems = problem
    ? [{ ...problem, origin: { ...problem.origin, file: root.inside(problem.origin.file) } }]
    : [];
  return { services: new Map([[plain.name, { definition, problems }]]), problems: [] };
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
