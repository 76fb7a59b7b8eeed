import { join } from 'node:path';
import type { SourceRecord } from '../logs/capture/source.js';
import { OWN_SOURCE, Sources } from '../logs/capture/sources.js';
import { ContainerOutput } from '../logs/forward/container-output.js';
import { awaitLine } from '../logs/read/await-line.js';
import { ForbiddenSignals } from '../process/forbidden-signals.js';
import type { Handover, InitLink } from '../process/init-link.js';
import { LinuxProcessHost } from '../process/linux-process-host.js';
import type { ProcessHost } from '../process/process-host.js';
import { runDirectory } from '../process/run-directory.js';
import { SessionSweeper } from '../process/session-sweeper.js';
import type { StartRegister } from '../process/start-register.js';
import type { Settings } from '../settings/settings.js';
import { VERSION } from '../settings/version.js';
import type { Slots } from '../state/slots.js';
import { HeldDescriptors } from '../supervisor/checks/held-descriptors.js';
import { DefinitionFiles } from '../supervisor/definition/definition-files.js';
import { DirectoryWatch } from '../supervisor/directory-watch.js';
import { RunitProtocol } from '../supervisor/runit-protocol.js';
import { loggedBy, loggerOf } from '../supervisor/service-directory.js';
import { readRecord, revisionIn } from '../supervisor/service-record.js';
import { ServiceSet } from '../supervisor/service-set.js';
import { ContainerState, openSlots, openStarts } from './container-state.js';
import { type EndOfPrevious, endOfPrevious } from './controller-end.js';
import { DescriptorBudget } from './descriptor-budget.js';
import { findLost, type Lost } from './lost-records.js';
import { MainCommand } from './main-command.js';
import { OrphanCounts, type OrphanRecords } from './reaping.js';
import { reportChanges } from './report-changes.js';
import { type ScriptRecord, ScriptRunner } from './script-runner.js';
import { Ending } from './shutdown/ending.js';
import type { HookRecords } from './shutdown/hooks.js';

/** As in baseimage-docker. */
const STOP_TIMEOUT_MS = 30_000;

/** The parts of a container, put together; boot.ts, resume.ts and ending.ts tell what happens with them. */
export interface Container {
  readonly host: ProcessHost;
  readonly link: InitLink;
  readonly handover: Handover;
  /** How the controller before this one ended; undefined for the first. */
  readonly previous: EndOfPrevious | undefined;
  readonly settings: Settings;
  readonly state: ContainerState;
  readonly starts: StartRegister;
  /** What earlier controllers have left without a record. */
  readonly lost: Lost;
  readonly scripts: ScriptRunner;
  readonly logs: Sources;
  readonly output: ContainerOutput;
  readonly set: ServiceSet;
  readonly watch: DirectoryWatch;
  readonly definitions: DefinitionFiles;
  readonly command: MainCommand;
  readonly reaping: OrphanCounts;
  readonly ending: Ending;
  /** What services report their readiness to. */
  readonly notifications: HeldDescriptors;
}

/** Makes the parts, with what earlier controllers have left in the slots. Nothing is started yet. */
export function makeContainer(link: InitLink, handover: Handover, settings: Settings): Container {
  const { messages, config, containerEnvironment, line } = settings;
  const environment = () => containerEnvironment.current;
  const forbidden = new ForbiddenSignals((text) => messages.warn(text));
  const sweeper = new SessionSweeper(handover.initPid, forbidden);
  const stopMs = config.killProcessTimeoutMs ?? STOP_TIMEOUT_MS;

  const times = { stopMs, finishMs: config.finishTimeoutMs, scriptMs: stopMs };
  const previous = endOfPrevious(handover);
  const slots = openSlots(link, handover);
  const records = slots.load();
  const state = new ContainerState(slots, records.get('container'), previous?.end, handover.generation);
  const starts = openStarts(link, handover, slots, records);
  const host = new LinuxProcessHost(link, handover.openFilesLimit, starts, sweeper, forbidden);
  const logs = openLogs(link, handover, settings, slots, records, state.now.bootId);
  const output = new ContainerOutput(logs, config.logOutput);
  const room = new DescriptorBudget(
    handover.openFilesLimit,
    () => ({
      sources: logs.size,
      loggers: set.loggers,
      services: Math.max(set.size, watch.listed),
      supervise: runit.used,
    }),
    (text) => messages.warn(text),
  );
  const runit = new RunitProtocol({
    holder: link,
    held: handover.held,
    generation: handover.generation,
    root: () => join(runDirectory(), 'supervise'),
    mayLock: () => room.mayLock(),
    mayControl: () => room.mayControl(),
    warn: (name, { message }) => messages.warn(`sv does not reach ${name}: ${message}`),
    repaired: (name, directory) =>
      messages.warn(`${name}: control or ok was deleted or replaced in ${directory}: made anew, sv works again`),
  });
  const definitions = new DefinitionFiles({
    servicesFile: config.servicesFile,
    serviceDirectory: config.serviceDirectory,
    ownDirectory: join(runDirectory(), 'services'),
    times,
    environment,
    error: (text) => messages.error(text),
    isRunning: (name) => (set.get(name)?.pid ?? 0) !== 0,
    readable: (name) => set.service(name)?.refresh(),
  });
  const mayCapture = (name: string): boolean => logs.get(name) !== undefined || room.mayCapture();
  const notifications = new HeldDescriptors(link, handover.held, handover.generation);
  const set: ServiceSet = new ServiceSet(
    {
      output: (name) => {
        const source = mayCapture(name) ? logs.open(name, set.service(name)?.definition.log) : undefined;
        if (source === undefined || set.get(loggerOf(name)) === undefined) return source?.output;
        return { stdout: source.loggerPipe[1], stderr: source.output.stderr };
      },
      input: (name) => {
        const service = loggedBy(name);
        return service !== undefined && mayCapture(service) ? logs.open(service)?.loggerPipe[0] : undefined;
      },
      endInput: (name) => {
        const service = loggedBy(name);
        if (service !== undefined) logs.get(service)?.endLogger();
      },
      drain: (name, done) => logs.drain(name, done),
      host,
      bootId: state.now.bootId,
      environment,
      checks: {
        descriptors: notifications,
        socketDirectory: () => join(runDirectory(), 'notify'),
        awaitLine: (name, pattern, found) => awaitLine(logs, name, pattern, found),
      },
      sweep: (session) => sweeper.sweep(session),
      claim: (service) => runit.claim(service),
      open: (status) => runit.open(status),
      read: definitions.read,
      record: (record) => slots.write(`service/${record.name}`, record),
      erase: (name) => slots.erase(`service/${name}`),
      warn: (text) => messages.warn(text),
    },
    lastRevision(records),
  );
  const services = [...records].flatMap(([key, value]) =>
    key.startsWith('service/') ? (readRecord(value) ?? []) : [],
  );
  const lost = findLost({ handover, records, services, latest: starts.latest, list: () => definitions.list() });
  for (const record of [...services, ...lost.services]) set.restore(record);
  set.subscribe(({ revision }) => slots.write('revision', revision));
  set.subscribe((change) => (change.removed ? logs.remove(change.status.name) : logs.mark(change)));
  set.subscribe(({ removed, status }) => removed && definitions.forget(status.directory));
  reportChanges(set, messages);

  const watch = new DirectoryWatch(config.serviceDirectory, set, definitions, (text) => messages.warn(text));
  runit.begin(set);
  const command = new MainCommand(host, line.command);
  const scripts = new ScriptRunner(host, messages, environment, logs, {
    saved: records.get('script') as ScriptRecord | undefined,
    save: (record) => slots.write('script', record),
  });
  const hooks: HookRecords = {
    begun: (path) => records.has(`hook/${path}`),
    begin: (path) => slots.write(`hook/${path}`, true),
  };
  return {
    host,
    link,
    notifications,
    handover,
    previous,
    settings,
    state,
    starts,
    lost,
    scripts,
    logs,
    output,
    set,
    watch,
    definitions,
    command,
    reaping: new OrphanCounts(link, set, handover.reapedTotal, state.now.restarts, orphanRecords(slots, records)),
    ending: new Ending({ link, settings, state, scripts, hooks, set, watch, command, output }),
  };
}

/** A change may be on record and not told: whoever watches is not to take what is known of it for all. */
function lastRevision(records: ReadonlyMap<string, unknown>): number {
  const ofServices = [...records].map(([key, value]) => (key.startsWith('service/') ? revisionIn(value) : 0));
  return Math.max(Number(records.get('revision') ?? 0), ...ofServices);
}

/** What is said is kept from here on, my_init's own messages too. */
function openLogs(
  link: InitLink,
  handover: Handover,
  { config, messages }: Settings,
  slots: Slots,
  records: ReadonlyMap<string, unknown>,
  bootId: string,
): Sources {
  const logs = new Sources({
    link,
    bootId,
    held: handover.held,
    generation: handover.generation,
    storeBytes: config.logBufferBytes,
    allStoresBytes: config.logBuffersBytes,
    directory: config.logDirectory,
    files: { bytes: config.logFileBytes, files: config.logFiles },
    record: (name, record) => slots.write(`log/${name}`, record),
    erase: (name) => slots.erase(`log/${name}`),
    warn: (text) => messages.warn(text),
  });
  for (const [key, value] of records)
    if (key.startsWith('log/')) logs.restore(key.slice('log/'.length), value as SourceRecord);
  const recovered = logs.recover();
  const own = logs.open(OWN_SOURCE);
  if (own) messages.keepIn((line) => own.say(line));
  if (slots.newer > 0)
    messages.error(
      `The records are of a newer version of my_init than this one, ${VERSION}, and cannot be read: what is on disk has been replaced by an older one`,
    );
  for (const name of recovered)
    messages.error(
      `${name}: the record of its log is lost; the log goes on, but does not know any more when runs began and ended`,
    );
  return logs;
}

function orphanRecords(slots: Slots, records: ReadonlyMap<string, unknown>): OrphanRecords {
  const prefix = 'reaped/';
  return {
    saved: new Map(
      [...records]
        .filter(([key]) => key.startsWith(prefix))
        .map(([key, value]) => [key.slice(prefix.length), Number(value)]),
    ),
    save: (service, reaped) => slots.write(`${prefix}${service}`, reaped),
    erase: (service) => slots.erase(`${prefix}${service}`),
  };
}
