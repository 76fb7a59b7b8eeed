import { readlinkSync, realpathSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import type { Settings } from '../../settings/settings.js';
import type { DefinitionFiles } from '../../supervisor/definition/definition-files.js';
import { replicaName, replicaNumber } from '../../supervisor/definition/replicas.js';
import type { Listing } from '../../supervisor/directory-listing.js';
import { isServiceName, loggerOf } from '../../supervisor/service-directory.js';
import type { ServiceSet } from '../../supervisor/service-set.js';
import type { ServiceName, State } from '../../types/service.js';
import type { ShutdownSwitch } from '../container-end.js';
import { entriesOf } from '../scripts.js';

/**
 * A service that does not get ready must not hold up the container for ever. syslog-ng takes 50 ms.
 */
const READY_WITHIN_MS = 5_000;

/** The service that an entry of the startup directory is a link to; undefined when it is none. */
export function earlyServiceAt(path: string, serviceDirectory: string): ServiceName | undefined {
  try {
    const target = resolve(dirname(path), readlinkSync(path));
    const name = basename(target);
    const inside = realpathSync(dirname(target)) === realpathSync(serviceDirectory);
    return inside && isServiceName(name) ? name : undefined;
  } catch {
    return undefined;
  }
}

/** The services that come before the others, in the order of their start. */
export function earlyServices({ config, messages }: Settings): readonly ServiceName[] {
  return entriesOf(config.startupDirectory, messages).flatMap(
    (path) => earlyServiceAt(path, config.serviceDirectory) ?? [],
  );
}

export interface EarlyDependencies {
  readonly settings: Settings;
  readonly set: ServiceSet;
  readonly definitions: DefinitionFiles;
  readonly shutdown: ShutdownSwitch;
}

/**
 * Starts a service before its time and waits for its readiness. The boot continues even if the
 * service does not get ready.
 */
export async function startEarly(name: ServiceName, dependencies: EarlyDependencies): Promise<void> {
  const { set, settings, definitions, shutdown } = dependencies;
  settings.messages.info(`Starting ${name}...`);
  // A startup script may have written definitions.
  await definitions.prepare();
  if (shutdown.begun) return;
  addWithDependencies(name, definitions.list().found, set);
  if (!(await becomesReady(name, dependencies))) settings.messages.warn(`${name} is not ready; going on without it`);
}

/**
 * Adds the service, its logger, and what both depend on: the graph starts each when its conditions
 * are met.
 */
function addWithDependencies(name: ServiceName, found: Listing['found'], set: ServiceSet): void {
  const listed = found.get(name);
  if (listed === undefined || set.get(name) !== undefined) return;
  const logger = loggerOf(name);
  if (found.has(logger)) addWithDependencies(logger, found, set);
  set.add(name, listed.directory, { kind: 'boot' });
  for (const { on } of set.service(name)?.definition.dependsOn ?? [])
    for (const each of servicesOf(on, found)) addWithDependencies(each, found, set);
}

/** The service of this name, or the replicas that have it in common. */
const servicesOf = (name: ServiceName, found: Listing['found']): readonly ServiceName[] =>
  found.has(name) ? [name] : [...found.keys()].filter((each) => isReplica(each, name));

const isReplica = (name: ServiceName, of: ServiceName): boolean => name === replicaName(of, replicaNumber(name));

/**
 * A service that is not to be started is as ready as it gets. A service whose first run fails is
 * not waited for.
 */
function becomesReady(name: ServiceName, { set, shutdown }: EarlyDependencies): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (ready: boolean): void => {
      clearTimeout(timer);
      unsubscribe();
      shutdown.signal.removeEventListener('abort', look);
      resolve(ready);
    };
    const look = (): void => {
      const status = set.get(name);
      if (status === undefined || shutdown.begun) end(false);
      else if (status.ready || status.desired === 'down' || status.state === 'completed') end(true);
      else if (!COMING.includes(status.state)) end(false);
    };
    const timer = setTimeout(() => end(false), READY_WITHIN_MS);
    const unsubscribe = set.subscribe(({ status }) => status.name === name && look());
    shutdown.signal.addEventListener('abort', look);
    look();
  });
}

/** States on the way to being ready. */
const COMING: readonly State[] = ['down', 'waiting', 'starting', 'up'];
