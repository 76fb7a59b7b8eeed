/** Reads service definitions from YAML. Loaded only where there is a YAML file. */

import type { ServiceName } from '../../types/service.js';
import { isServiceName } from '../service-directory.js';
import { defaultDefinition } from './default-definition.js';
import type { DefaultTimes, Definition, Problem } from './definition.js';
import type { Variables } from './expand-variables.js';
import { DEFAULTS, FILE, SERVICE } from './keys.js';
import type { Entry, Node, Place } from './node.js';
import { withOwnLogFiles } from './own-log-files.js';
import { parseYaml, type YamlProblem } from './parse-yaml.js';
import { Reading } from './reading.js';
import { REPLICA_VARIABLE, replicaName } from './replicas.js';
import { type Given, withValues } from './with-values.js';

/** No file of definitions is near this size; a larger one is something else. */
const MAX_BYTES = 1 << 20;

export interface YamlFile {
  readonly file: string;
  readonly text: string;
}

export { readKept } from './read-kept.js';

/** A definition, as far as it can be read, and everything that is wrong with it. */
export interface YamlService {
  readonly definition: Definition;
  readonly problems: readonly Problem[];
}

/**
 * Reads `service.yaml`: the keys of one service, over what its directory says. `hasRun`: `run` is
 * in the directory.
 */
export function readServiceYaml(
  { file, text }: YamlFile,
  base: Definition,
  hasRun: boolean,
  variables: Variables,
): YamlService {
  const reading = new Reading(file, variables, base.name);
  if (tooLarge(text, reading)) return { definition: base, problems: reading.problems };
  const { root, problems } = parseYaml(text);
  for (const problem of problems) report(problem, reading);
  if (problems.length > 0) return { definition: base, problems: reading.problems };
  // An empty file says nothing: the directory says all.
  const given = isEmpty(root) ? {} : SERVICE.readGiven(root, '', reading);
  if (given) checkTogether(given, base.type, root.at, reading);
  if (given?.replicas !== undefined)
    failAt(
      'replicas',
      reading,
      root.at,
      'conflict',
      'replicas is for a service in a file for many services: a directory is one service',
      'move the definition to services.yaml',
    );
  if (given?.command !== undefined && hasRun)
    failAt(
      'command',
      reading,
      root.at,
      'conflict',
      'the directory has run, and service.yaml has command',
      'keep one of the two',
    );
  if (given && given.command === undefined && !hasRun)
    reading.fail(
      'missing-key',
      'command',
      root.at,
      'there is neither command nor run',
      'add command: to service.yaml, or a script run beside it',
    );
  return { definition: withValues(base, given ?? {}, reading.origins), problems: reading.problems };
}

/** The services of several files together. */
export interface YamlServices {
  readonly services: ReadonlyMap<ServiceName, YamlService>;
  /** Problems of a file that belong to no service in it. */
  readonly problems: readonly Problem[];
}

interface Named {
  readonly entry: Entry;
  readonly reading: Reading;
}

/**
 * Reads files of the form `services: {NAME: …}, defaults: {…}` together: a name in two of them is
 * an error that names both, and of `defaults` the last file wins, key by key.
 */
export function readServicesYaml(
  files: readonly YamlFile[],
  variables: Variables,
  times: DefaultTimes,
  replicas: ReplicaCount = (_, defined) => defined,
): YamlServices {
  const parsed = files.map((file) => parseServicesFile(file, variables));
  const defaults = mergeDefaults(parsed);
  const services = new Map<ServiceName, YamlService>();
  const first = new Map<ServiceName, Named>();
  for (const { named } of parsed) {
    for (const { entry, reading } of named) {
      const name = entry.key as ServiceName;
      const other = first.get(name);
      if (other) {
        const { definition, problems } = services.get(name) ?? {
          definition: defaultDefinition(name, undefined, times),
          problems: [],
        };
        reading.fail(
          'defined-twice',
          '',
          entry.at,
          `${name} is defined in two places, first in ${placeOf(other)}`,
          'remove one of the two, or give it another name',
        );
        services.set(name, { definition, problems: [...problems, ...reading.problems] });
        continue;
      }
      first.set(name, { entry, reading });
      reading.problems.push(...defaults.problems.map((problem) => ({ ...problem, service: name })));
      for (const [each, service] of readReplicas(entry, reading, defaults, times, replicas)) {
        const isTaken = services.has(each);
        services.set(each, isTaken ? { ...service, problems: [...service.problems, takenBy(service)] } : service);
      }
    }
  }
  return { services: withOwnLogFiles(services), problems: parsed.flatMap(({ reading }) => reading.problems) };
}

/** How many replicas there are of a service whose definition says so many. */
export type ReplicaCount = (name: ServiceName, defined: number) => number;

/**
 * One service, or its replicas. Each replica is read with its own number, so that
 * `${MY_INIT_REPLICA}` may stand anywhere.
 */
function readReplicas(
  entry: Entry,
  reading: Reading,
  defaults: Defaults,
  times: DefaultTimes,
  count: ReplicaCount,
): readonly (readonly [ServiceName, YamlService])[] {
  const name = entry.key as ServiceName;
  if (entry.value.kind !== 'map' || !entry.value.entries.some(({ key }) => key === 'replicas'))
    return [[name, readEntry(entry, reading, defaults, times)]];
  const read = (number: number): readonly [ServiceName, YamlService] => {
    const replica = replicaName(name, number) as ServiceName;
    const own = new Reading(reading.file, withNumber(reading.variables, number), replica);
    own.problems.push(...reading.problems.map((problem) => ({ ...problem, service: replica })));
    if (!isServiceName(replica))
      own.fail('bad-name', 'replicas', entry.at, `${replica} cannot be the name of a service`, 'shorten the name');
    const { definition, problems } = readEntry({ ...entry, key: replica }, own, defaults, times);
    const variables = new Map([...definition.environment.variables, [REPLICA_VARIABLE, String(number)]]);
    const environment = { ...definition.environment, variables };
    return [replica, { definition: { ...definition, environment, replicas: definition.replicas ?? 1 }, problems }];
  };
  const first = read(1);
  const replicas = count(name, first[1].definition.replicas ?? 1);
  return [first, ...Array.from({ length: replicas - 1 }, (_, index) => read(index + 2))];
}

const withNumber =
  (variables: Variables, number: number): Variables =>
  (name) =>
    name === REPLICA_VARIABLE ? String(number) : variables(name);

/** A service that is called like a replica of another. */
function takenBy({ definition: { name, origins } }: YamlService): Problem {
  const origin = [...origins.values()][0] ?? { file: '', line: 0, column: 0 };
  const message = `${name} is defined in two places: by this name, and as a replica of ${name.slice(0, name.lastIndexOf('@'))}`;
  return {
    id: 'defined-twice',
    severity: 'error',
    service: name,
    key: '',
    origin,
    message,
    remedy: 'give one of the two another name',
  };
}

function readEntry(entry: Entry, reading: Reading, defaults: Defaults, times: DefaultTimes): YamlService {
  const own = SERVICE.readGiven(entry.value, '', reading) ?? {};
  const type = own.type ?? 'longrun';
  // A oneshot is ready when it has ended: a default for services that stay does not concern it.
  const { ready, ...others } = defaults.given;
  const given: Given = { ...others, ...(type === 'oneshot' || ready === undefined ? {} : { ready }), ...own };
  checkTogether(own, 'longrun', entry.at, reading);
  if (own.command === undefined && reading.problems.length === 0)
    reading.fail(
      'missing-key',
      'command',
      entry.at,
      `${entry.key} has no command`,
      'add command: with the program and its arguments',
    );
  const base = defaultDefinition(entry.key as ServiceName, undefined, times);
  const origins = new Map([...defaults.origins, ...reading.origins]);
  return { definition: withValues(base, given, origins), problems: reading.problems };
}

/** Keys that do not go together. */
function checkTogether(given: Given, typeBefore: Definition['type'], at: Place, reading: Reading): void {
  if ((given.type ?? typeBefore) !== 'oneshot') return;
  if (given.ready !== undefined)
    failAt(
      'ready',
      reading,
      at,
      'conflict',
      'a oneshot is ready when it has ended successfully, and has no ready',
      'remove ready',
    );
  if (given.live !== undefined)
    failAt('live', reading, at, 'conflict', 'a oneshot has no live', 'remove live, or use start_timeout');
}

function failAt(key: string, reading: Reading, at: Place, id: string, message: string, remedy: string): void {
  reading.fail(id, key, reading.origins.get(key) ?? at, message, remedy);
}

interface ParsedFile {
  readonly reading: Reading;
  readonly named: readonly Named[];
  readonly defaults: Node | undefined;
}

function parseServicesFile({ file, text }: YamlFile, variables: Variables): ParsedFile {
  const reading = new Reading(file, variables);
  if (tooLarge(text, reading)) return { reading, named: [], defaults: undefined };
  const { root, problems } = parseYaml(text);
  const content = isEmpty(root) ? {} : (FILE.readGiven(root, '', reading) ?? {});
  const entries = content.services?.kind === 'map' ? content.services.entries : [];
  const named = entries.flatMap((entry): readonly Named[] => {
    if (isServiceName(entry.key)) return [{ entry, reading: new Reading(file, variables, entry.key) }];
    if (!entry.key.startsWith('x-'))
      reading.fail(
        'bad-name',
        `services.${entry.key}`,
        entry.at,
        `${JSON.stringify(entry.key)} cannot be the name of a service`,
        'use letters, digits and . _ @ -, and begin with a letter or digit',
      );
    return [];
  });
  for (const problem of problems) {
    const hurt = hurtBy(problem, named);
    if (hurt.length === 0) report(problem, reading);
    for (const { reading: service } of hurt) report(problem, service);
  }
  return { reading, named, defaults: content.defaults };
}

/**
 * A mistake in the syntax hurts the service in whose lines it stands and everything after it: where
 * it ends nobody knows.
 */
function hurtBy({ path, at }: YamlProblem, named: readonly Named[]): readonly Named[] {
  if (path !== undefined) return path[0] === 'services' ? named.filter(({ entry }) => entry.key === path[1]) : [];
  const index = named.findLastIndex(({ entry }) => entry.at.line <= at.line);
  return named.slice(Math.max(index, 0));
}

interface Defaults {
  readonly given: Given;
  readonly origins: Reading['origins'];
  /** Problems of all services: without the user that they were to run as, none may run. */
  readonly problems: readonly Problem[];
}

function mergeDefaults(files: readonly ParsedFile[]): Defaults {
  const merged: Defaults & { problems: Problem[]; origins: Reading['origins'] } = {
    given: {},
    origins: new Map(),
    problems: [],
  };
  let given: Given = {};
  for (const {
    defaults,
    reading: { file, variables },
  } of files) {
    if (defaults === undefined) continue;
    const reading = new Reading(file, variables);
    given = { ...given, ...DEFAULTS.readGiven(defaults, '', reading) };
    for (const [key, origin] of reading.origins) merged.origins.set(key, origin);
    merged.problems.push(...reading.problems.map((problem) => ({ ...problem, key: `defaults.${problem.key}` })));
  }
  return { ...merged, given };
}

function report({ id, at, message, remedy, path }: YamlProblem, reading: Reading): void {
  reading.fail(id, (path ?? []).join('.'), at, message, remedy);
}

function tooLarge(text: string, reading: Reading): boolean {
  if (text.length <= MAX_BYTES) return false;
  reading.fail(
    'too-large',
    '',
    { line: 0, column: 0 },
    `the file is larger than ${MAX_BYTES >> 20} MiB`,
    'split it into files of services.d',
  );
  return true;
}

const placeOf = ({ entry, reading }: Named): string => `${reading.file}:${entry.at.line}`;
const isEmpty = (node: Node): boolean => node.kind === 'scalar' && node.value === null;
