/** The services and the system as the API's messages have them. */
import {
  type ContainerLimits,
  type GetInfoResponse,
  type LogLoss,
  Phase as PhaseMessage,
  type Process,
  ProcessRole,
} from '../../gen/my_init/v1/init.js';
import {
  CauseKind,
  DesiredState,
  type Exit,
  type Hold as HoldMessage,
  type Service,
  ServiceState,
} from '../../gen/my_init/v1/service.js';
import type { Outcome as OutcomeMessage, WatchChange } from '../../gen/my_init/v1/services.js';
import { wallClock } from '../process/clock.js';
import { signalName } from '../process/signals.js';
import type { LimitValues } from '../text/limits.js';
import type { LogSources } from '../types/logs.js';
import type { Outcome } from '../types/operations.js';
import type {
  Change,
  Desired,
  ExitStatus,
  Hold,
  CauseKind as Kind,
  LastExit,
  ServiceStatus,
  State,
} from '../types/service.js';
import type { Phase, ProcessInfo, ProcessRole as Role, System } from '../types/system.js';
import { statusOf } from './errors.js';

const STATES: Readonly<Record<State, ServiceState>> = {
  down: ServiceState.SERVICE_STATE_DOWN,
  waiting: ServiceState.SERVICE_STATE_WAITING,
  starting: ServiceState.SERVICE_STATE_STARTING,
  up: ServiceState.SERVICE_STATE_UP,
  stopping: ServiceState.SERVICE_STATE_STOPPING,
  finishing: ServiceState.SERVICE_STATE_FINISHING,
  backoff: ServiceState.SERVICE_STATE_BACKOFF,
  failed: ServiceState.SERVICE_STATE_FAILED,
  completed: ServiceState.SERVICE_STATE_COMPLETED,
};

const DESIRED: Readonly<Record<Desired, DesiredState>> = {
  up: DesiredState.DESIRED_STATE_UP,
  down: DesiredState.DESIRED_STATE_DOWN,
  once: DesiredState.DESIRED_STATE_ONCE,
};

const CAUSES: Readonly<Record<Kind, CauseKind>> = {
  boot: CauseKind.CAUSE_KIND_BOOT,
  api: CauseKind.CAUSE_KIND_API,
  sv: CauseKind.CAUSE_KIND_SV,
  signal: CauseKind.CAUSE_KIND_SIGNAL,
  exit: CauseKind.CAUSE_KIND_EXIT,
  check: CauseKind.CAUSE_KIND_CHECK,
  dependency: CauseKind.CAUSE_KIND_DEPENDENCY,
  memory: CauseKind.CAUSE_KIND_MEMORY,
  scan: CauseKind.CAUSE_KIND_SCAN,
  shutdown: CauseKind.CAUSE_KIND_SHUTDOWN,
};

const PHASES: Readonly<Record<Phase, PhaseMessage>> = {
  booting: PhaseMessage.PHASE_BOOTING,
  running: PhaseMessage.PHASE_RUNNING,
  shutting_down: PhaseMessage.PHASE_SHUTTING_DOWN,
};

const ROLES: Readonly<Record<Role, ProcessRole>> = {
  init: ProcessRole.PROCESS_ROLE_INIT,
  controller: ProcessRole.PROCESS_ROLE_CONTROLLER,
  service: ProcessRole.PROCESS_ROLE_SERVICE,
  service_child: ProcessRole.PROCESS_ROLE_SERVICE_CHILD,
  main_command: ProcessRole.PROCESS_ROLE_MAIN_COMMAND,
  zombie: ProcessRole.PROCESS_ROLE_ZOMBIE,
  other: ProcessRole.PROCESS_ROLE_OTHER,
};

export function serviceMessage(status: ServiceStatus): Service {
  return {
    name: status.name,
    directory: status.directory,
    state: STATES[status.state],
    desired: DESIRED[status.desired],
    ready: status.ready,
    paused: status.paused,
    stateSince: wallClock(status.stateSinceMs),
    pid: status.pid,
    run: status.run,
    runId: status.runId,
    startedAt: optionalTime(status.startedAtMs),
    startsTotal: status.counters.starts,
    restartsTotal: Object.values(status.counters.restarts).reduce((sum, count) => sum + count, 0),
    consecutiveFailures: status.consecutiveFailures,
    lastExit: status.lastExit === undefined ? undefined : exitMessage(status.lastExit),
    nextStartAt: optionalTime(status.nextStartAtMs),
    cause: {
      kind: CAUSES[status.cause.kind],
      actor: status.cause.actor ?? '',
      message: status.cause.message ?? '',
    },
    trouble: status.trouble,
    autostart: status.autostart,
    definitionChanged: status.definitionChanged,
    statusText: status.statusText,
    reloading: status.reloading,
    transient: status.transient,
    tags: [...status.tags],
    replicaOf: status.replicaOf,
    optional: status.optional,
    hold: status.hold && holdMessage(status.hold),
    waitsFor: status.waitsFor.map(({ on, condition, reason }) => ({ service: on, condition, reason })),
  };
}

const holdMessage = ({ sinceMs, untilMs, ...rest }: Hold): HoldMessage => ({
  since: wallClock(sinceMs),
  until: wallClock(untilMs),
  ...rest,
});

export function changeMessage(change: Change): WatchChange {
  return {
    revision: BigInt(change.revision),
    time: wallClock(change.atMs),
    service: serviceMessage(change.status),
    previousState: STATES[change.previousState],
    removed: change.removed,
  };
}

export function outcomeMessage(outcome: Outcome): OutcomeMessage {
  return {
    name: outcome.name,
    changed: outcome.changed,
    error: outcome.error === undefined ? undefined : statusOf(outcome.error),
    oldPid: outcome.oldPid,
    service: outcome.status === undefined ? undefined : serviceMessage(outcome.status),
    seconds: outcome.durationMs / 1000,
    dependents: [...(outcome.dependents ?? [])],
  };
}

/** Facts that only the server of the API knows. */
export interface Surroundings {
  /** The path of the socket. */
  readonly socket: string;
  /** Where probes and metrics are served, '' when they are not. */
  readonly httpAddress: () => string;
}

export const limitsMessage = ({ memoryBytes = 0, cpus = 0 }: LimitValues): ContainerLimits => ({
  memoryBytes: BigInt(memoryBytes),
  cpus,
});

export function infoMessage(
  system: System,
  limits: LimitValues,
  surroundings: Surroundings,
  logs: LogSources | undefined,
  mayChange: boolean,
): GetInfoResponse {
  const { info, reaping } = system;
  const last = system.lastControllerEnd();
  return {
    version: info.version,
    nodeVersion: process.version,
    bootId: info.bootId,
    bootedAt: wallClock(info.bootedAtMs),
    pid: info.initPid,
    pid1: info.pid1,
    subreaper: info.subreaper,
    controllerPid: process.pid,
    controllerRestarts: Object.values(reaping.controllerRestarts()).reduce((sum, count) => sum + count, 0),
    controllerStartedAt: wallClock(info.controllerStartedAtMs),
    phase: PHASES[system.phase()],
    serviceDirectory: info.serviceDirectory,
    socket: surroundings.socket,
    httpAddress: surroundings.httpAddress(),
    shutdownTimeoutSeconds: info.shutdownTimeoutMs / 1000,
    zombiesReapedTotal: BigInt(reaping.zombiesReapedTotal()),
    mayChange,
    logLosses: lossesOf(logs),
    controllerEnds: { ...reaping.controllerRestarts() },
    limits: limitsMessage(limits),
    lastControllerEnd: last && { cause: last.cause, text: last.text, at: wallClock(last.atMs), lastWords: last.words },
  };
}

/** The logs that have lost lines, or whose lines wait. */
export function lossesOf(logs: LogSources | undefined): LogLoss[] {
  const affected = logs?.list().filter(({ dropped, waiting }) => dropped.lines > 0 || waiting > 0) ?? [];
  return affected.map(({ name, dropped, waiting }) => ({
    source: name,
    lines: BigInt(dropped.lines),
    waitingLines: BigInt(waiting),
  }));
}

export function processMessage(info: ProcessInfo): Process {
  return {
    pid: info.pid,
    parentPid: info.parentPid,
    session: info.session,
    state: info.state,
    service: info.service,
    role: ROLES[info.role],
    name: info.name,
    startedAt: wallClock(info.startedAtMs),
    residentBytes: BigInt(Math.trunc(info.residentBytes)),
    cpuSeconds: info.cpuSeconds,
  };
}

function exitMessage(exit: LastExit): Exit {
  const common = {
    run: exit.run,
    at: wallClock(exit.atMs),
    runSeconds: exit.durationMs / 1000,
    expected: exit.expected,
  };
  return { ...common, ...exitStatusFields(exit.status) };
}

/** How a process ended. */
export function exitStatusFields(status: ExitStatus): Pick<Exit, 'code' | 'signal' | 'coreDumped' | 'lost' | 'oom'> {
  switch (status.kind) {
    case 'exited':
      return { code: status.code, signal: '', coreDumped: false, lost: false, oom: undefined };
    case 'signaled': {
      const { signal, coreDumped, oom, peakBytes } = status;
      return {
        code: 128 + signal,
        signal: signalName(signal),
        coreDumped,
        lost: false,
        oom: oom && { limitBytes: bytes(oom.limitBytes), usedBytes: bytes(peakBytes) },
      };
    }
    case 'lost':
      return { code: 0, signal: '', coreDumped: false, lost: true, oom: undefined };
    default:
      return status satisfies never;
  }
}

const bytes = (known = 0): bigint => BigInt(Math.trunc(known));

const optionalTime = (atMs: number | undefined): Date | undefined => (atMs === undefined ? undefined : wallClock(atMs));
