import { join } from 'node:path';
import type { Sources } from '../logs/capture/sources.js';
import { awaitLine } from '../logs/read/await-line.js';
import type { Handover, InitLink } from '../process/init-link.js';
import type { ProcessHost, ProcessOutput } from '../process/process-host.js';
import { runDirectory } from '../process/run-directory.js';
import type { SessionSweeper } from '../process/session-sweeper.js';
import type { StartRegister } from '../process/start-register.js';
import { MemoryGroups } from '../resources/memory-groups.js';
import type { Settings } from '../settings/settings.js';
import { numberOf } from '../state/fields.js';
import type { RecordKind, Records } from '../state/records.js';
import { HeldDescriptors } from '../supervisor/checks/held-descriptors.js';
import type { Definition } from '../supervisor/definition/definition.js';
import { DefinitionFiles } from '../supervisor/definition/definition-files.js';
import { DEFINITION_RECORD, KeptDefinitions } from '../supervisor/definition/kept-definitions.js';
import type { DefinitionPlaces } from '../supervisor/definition/yaml-files.js';
import { DirectoryWatch } from '../supervisor/directory-watch.js';
import { pidOf } from '../supervisor/machine.js';
import { SCALE_RECORD, Scales } from '../supervisor/replicas.js';
import { RunitProtocol } from '../supervisor/runit-protocol.js';
import { loggedBy } from '../supervisor/service-directory.js';
import { SERVICE_RECORD } from '../supervisor/service-record.js';
import { ServiceSet } from '../supervisor/service-set.js';
import type { ServiceName } from '../types/service.js';
import { DescriptorBudget } from './descriptor-budget.js';
import { reportChanges } from './report-changes.js';
import { findUnrecorded, type Unrecorded } from './unrecorded.js';

/** As in baseimage-docker. */
const STOP_TIMEOUT_MS = 30_000;

/** The revision up to which changes are published, with their effects on other services. */
const REVISION: RecordKind<number> = { key: 'revision', decode: numberOf };

export const definitionPlaces = ({ config }: Settings): DefinitionPlaces => ({
  servicesFile: config.servicesFile,
  serviceDirectory: config.serviceDirectory,
  ownDirectory: join(runDirectory(), 'services'),
});

export interface ServicesDependencies {
  readonly link: InitLink;
  readonly handover: Handover;
  readonly settings: Settings;
  readonly records: Records;
  readonly bootId: string;
  readonly starts: StartRegister;
  /** On record, 0 where there is none. */
  readonly commandPid: number;
  readonly scriptPid: number;
  readonly host: ProcessHost;
  readonly sweeper: SessionSweeper;
  /** A service has ended for good, and the container with it. */
  endContainer(code: number, reason: string): void;
  readonly logs: Sources;
}

export interface OpenServices {
  readonly set: ServiceSet;
  readonly definitions: DefinitionFiles;
  readonly scales: Scales;
  readonly watch: DirectoryWatch;
  readonly groups: MemoryGroups;
  /** The descriptors that services report their readiness to. */
  readonly notifications: HeldDescriptors;
  /** Processes of earlier controllers that are on no record. */
  readonly unrecorded: Unrecorded;
  /** Services whose last change may have had no effect on others: see {@link Conditions.resume}. */
  readonly unfollowed: readonly ServiceName[];
  /**
   * From now on no event of a service is acted on: the next controller hears of all of them. The
   * returned function takes that back.
   */
  standStill(): () => void;
}

/** Takes over the services that are on record. Nothing is started yet. */
export function openServices(dependencies: ServicesDependencies): OpenServices {
  const { link, handover, settings, records, bootId, starts, commandPid, scriptPid, host, sweeper, logs } =
    dependencies;
  const { messages, config, containerEnvironment } = settings;
  const warn = (text: string): void => messages.warn(text);
  const environment = () => containerEnvironment.current;
  const stopMs = config.killProcessTimeoutMs ?? STOP_TIMEOUT_MS;
  const budget = new DescriptorBudget(handover.openFilesLimit, warn);
  const runit = new RunitProtocol({
    holder: link,
    held: handover.held,
    generation: handover.generation,
    root: () => join(runDirectory(), 'supervise'),
    mayLock: () => budget.mayLock(),
    mayControl: () => budget.mayControl(),
    warn: (name, { message }) => warn(`sv cannot follow ${name}: ${message}`),
    repaired: (name, directory) =>
      warn(`${name}: control or ok was deleted or replaced in ${directory}: made anew, sv works again`),
  });
  const table = records.table(SERVICE_RECORD);
  /** The process of each service, 0 for none: known before the services themselves are. */
  const pids = new Map<string, number>([...table.saved].map(([name, { service }]) => [name, pidOf(service.machine)]));
  const scales = new Scales(records.table(SCALE_RECORD));
  const definitions = new DefinitionFiles({
    ...definitionPlaces(settings),
    scales,
    kept: new KeptDefinitions(records.table(DEFINITION_RECORD)),
    times: { stopMs, finishMs: config.finishTimeoutMs, scriptMs: stopMs },
    environment,
    error: (text) => messages.error(text),
    isRunning: (name) => (pids.get(name) ?? 0) !== 0,
  });
  if (handover.generation === 1) definitions.transient.clear();
  const groups = new MemoryGroups(bootId);
  const notifications = new HeldDescriptors(link, handover.held, handover.generation);
  const revision = records.entry(REVISION);
  const set = new ServiceSet(
    {
      output: (name, log, isLogged) => outputOf(name, log, isLogged, logs, budget),
      input: (name) => inputOf(name, logs, budget),
      endInput: (name) => logs.get(loggedBy(name) ?? '')?.endLogger(),
      drain: (name, done) => logs.drain(name, done),
      host,
      bootId,
      environment,
      checks: {
        descriptors: notifications,
        initPid: handover.initPid,
        socketDirectory: () => join(runDirectory(), 'notify'),
        awaitLine: (name, pattern, found) => awaitLine(logs, name, pattern, found),
      },
      groups,
      sweep: (session) => sweeper.sweep(session),
      terminateSession: (session, isOver) => sweeper.terminate(session, isOver),
      shutdown: dependencies.endContainer,
      claim: (service) => runit.claim(service),
      open: (status) => runit.open(status),
      read: definitions.read,
      keep: (definition, files) => {
        definitions.keep(definition, files);
        if (logs.get(definition.name) !== undefined) logs.open(definition.name, definition.log);
      },
      record: (record) => table.put(record.name, record),
      erase: table.erase,
      warn,
    },
    // Above every recorded revision: the last change may never have been published.
    Math.max(revision.saved ?? 0, ...[...table.saved.values()].map((record) => record.revision)),
  );
  const unfollowed = [...table.saved.values()].flatMap((record) =>
    record.revision > (revision.saved ?? 0) ? record.service.name : [],
  );
  const list = () => definitions.list();
  const services = [...table.saved.values()].map(({ service }) => service);
  const unrecorded = findUnrecorded({
    watching: handover.watching,
    commandPid,
    scriptPid,
    services,
    latest: starts.latest,
    list,
  });
  for (const record of [...services, ...unrecorded.services]) {
    set.restore(record);
    pids.set(record.name, pidOf(record.machine));
  }
  definitions.observe((name) => set.service(name)?.refresh());
  set.subscribe((change) => {
    const { name, directory } = change.status;
    pids.set(name, set.get(name)?.pid ?? 0);
    // A service that is gone has no record of its own.
    if (change.removed || !set.conditions.busy) revision.put(set.revision);
    if (!change.removed) logs.mark(change);
    else {
      logs.remove(name);
      pids.delete(name);
      definitions.forget(name, directory);
    }
  });
  reportChanges(set, messages);
  const watch = new DirectoryWatch(config.serviceDirectory, set, definitions, warn);
  budget.observe(() => ({
    sources: logs.size,
    loggers: set.loggers,
    services: Math.max(set.size, watch.listed),
    supervise: runit.used,
  }));
  runit.begin(set);
  const standStill = (): (() => void) => {
    runit.pause(true);
    notifications.pause(true);
    for (const service of set.services()) service.standStill();
    return () => {
      for (const service of set.services()) service.goOn();
      notifications.pause(false);
      runit.pause(false);
    };
  };
  return { set, definitions, scales, watch, groups, notifications, unrecorded, unfollowed, standStill };
}

/** The descriptors that a service writes to; undefined: those of my_init. */
function outputOf(
  name: ServiceName,
  log: Definition['log'],
  isLogged: boolean,
  logs: Sources,
  budget: DescriptorBudget,
): ProcessOutput | undefined {
  if (!mayCapture(name, logs, budget)) return undefined;
  const source = logs.open(name, log);
  if (source === undefined || !isLogged) return source?.output;
  return { stdout: source.loggerPipe[1], stderr: source.output.stderr };
}

/** The descriptor that a logger reads; undefined for all other services. */
function inputOf(name: ServiceName, logs: Sources, budget: DescriptorBudget): number | undefined {
  const service = loggedBy(name);
  return service !== undefined && mayCapture(service, logs, budget) ? logs.open(service)?.loggerPipe[0] : undefined;
}

const mayCapture = (name: string, logs: Sources, budget: DescriptorBudget): boolean =>
  logs.get(name) !== undefined || budget.mayCapture();
