import { roughSize } from '../../src/text/size.js';
import {
  type Cause,
  CauseKind,
  type DefinitionValue,
  DesiredState,
  type Exit,
  type Hold,
  type LogLoss,
  type LogMarker,
  LogMarkerKind,
  Phase,
  ProcessRole,
  type Service,
  ServiceState,
} from '../typescript/src/index.js';
import { roughSpan, span, took } from './text/duration.js';
import type { Style } from './text/paint.js';

/** The name of a state, as everywhere in my_init. */
function stateName(state: ServiceState): string {
  return lowerName(ServiceState[state], 'SERVICE_STATE_');
}

export function desiredName(desired: DesiredState): string {
  return lowerName(DesiredState[desired], 'DESIRED_STATE_');
}

export function roleName(role: ProcessRole): string {
  return lowerName(ProcessRole[role], 'PROCESS_ROLE_').replace('_', ' ');
}

export function phaseName(phase: Phase): string {
  return lowerName(Phase[phase], 'PHASE_').replace('_', ' ');
}

/** The state of a service with its most important flags: `up, not ready`, `up, paused`. */
export function fullState(service: Service): string {
  const notReady = service.state === ServiceState.SERVICE_STATE_UP && !service.ready;
  return [
    stateName(service.state),
    notReady ? 'not ready' : '',
    service.paused ? 'paused' : '',
    service.hold ? 'held' : '',
    service.reloading ? 'reloading' : '',
  ]
    .filter(Boolean)
    .join(', ');
}

export function stateStyle({
  state,
  ready,
  paused,
  hold,
}: Service): Extract<Style, 'good' | 'changing' | 'bad' | 'faint'> {
  switch (state) {
    case ServiceState.SERVICE_STATE_UP:
      return ready && !paused && hold === undefined ? 'good' : 'changing';
    case ServiceState.SERVICE_STATE_COMPLETED:
    case ServiceState.SERVICE_STATE_DOWN:
      return 'faint';
    case ServiceState.SERVICE_STATE_WAITING:
    case ServiceState.SERVICE_STATE_STARTING:
    case ServiceState.SERVICE_STATE_STOPPING:
    case ServiceState.SERVICE_STATE_FINISHING:
      return 'changing';
    case ServiceState.SERVICE_STATE_BACKOFF:
    case ServiceState.SERVICE_STATE_FAILED:
      return 'bad';
    case ServiceState.SERVICE_STATE_UNSPECIFIED:
    case ServiceState.UNRECOGNIZED:
      return 'faint';
    default:
      return state satisfies never;
  }
}

/** `log of web: 120 lines lost, the disk was full; 6 lines wait in memory for room on the disk`. */
export function lossWords({ source, lines, waitingLines }: LogLoss): string {
  const count = (number: bigint): string => (number === 1n ? '1 line' : `${number} lines`);
  const lost = lines > 0n ? [`${count(lines)} lost, the disk was full`] : [];
  const verb = waitingLines === 1n ? 'waits' : 'wait';
  const waiting = waitingLines > 0n ? [`${count(waitingLines)} ${verb} in memory for room on the disk`] : [];
  return `log of ${source}: ${[...lost, ...waiting].join('; ')}`;
}

/**
 * Whether a service is not as it should be: failed, in back-off, up without being ready, or waiting
 * for a condition that will not be met.
 */
export function isInTrouble({ state, ready, reloading, waitsFor }: Service): boolean {
  switch (state) {
    case ServiceState.SERVICE_STATE_BACKOFF:
    case ServiceState.SERVICE_STATE_FAILED:
      return true;
    case ServiceState.SERVICE_STATE_UP:
      return !ready && !reloading;
    case ServiceState.SERVICE_STATE_WAITING:
      return waitsFor.some(({ reason }) => UNMET[reason] !== undefined);
    default:
      return false;
  }
}

/** `5 services: 3 up, 1 backoff, 1 down`; `up, not ready` counts by itself. */
export function summaryWords(services: readonly Service[]): string {
  const counts = new Map<string, number>();
  for (const service of [...services].sort((a, b) => rank(a) - rank(b))) {
    const words = fullState({ ...service, paused: false }).replace('up, ', '');
    counts.set(words, (counts.get(words) ?? 0) + 1);
  }
  const each = [...counts].map(([words, count]) => `${count} ${words}`);
  return `${services.length === 1 ? '1 service' : `${services.length} services`}: ${each.join(', ')}`;
}

const rank = ({ state, ready }: Service): number =>
  state === ServiceState.SERVICE_STATE_UP ? Number(!ready) / 2 : state;

/**
 * How a run ended: `exit 1`, `KILL`, `SEGV (core dumped)`, `oom` when the kernel killed it for lack
 * of memory, `lost` when nobody can say.
 */
export function exitWords({ code, signal, coreDumped, lost, oom }: Exit): string {
  if (lost) return 'lost';
  if (oom) return 'oom';
  if (signal === '') return `exit ${code}`;
  return coreDumped ? `${signal} (core dumped)` : signal;
}

/**
 * `killed by the kernel: the container's memory limit of 512 MiB was reached; it used 480 MiB`; ''
 * when the kernel did not kill the latest run.
 */
export function oomWords(exit: Exit | undefined): string {
  if (exit?.oom === undefined) return '';
  const { limitBytes, usedBytes } = exit.oom;
  const limit =
    limitBytes === 0n
      ? 'there was no memory left'
      : `the container's memory limit of ${roughSize(Number(limitBytes))} was reached`;
  return `killed by the kernel: ${limit}${usedBytes === 0n ? '' : `; it used ${roughSize(Number(usedBytes))}`}`;
}

/** How and when the latest run ended: `exit 1, 3m ago`, `-`. */
export function lastExitWords(exit: Exit | undefined, nowMs: number): string {
  if (exit === undefined) return '-';
  return exit.at === undefined ? exitWords(exit) : `${exitWords(exit)}, ${roughSpan(nowMs - exit.at.getTime())} ago`;
}

/** An event of a run, as its log keeps it: `run 3 ended: exit 1`. */
export function markerWords({ kind, run, exit }: LogMarker): string {
  switch (kind) {
    case LogMarkerKind.LOG_MARKER_KIND_STARTED:
      return `run ${run} started`;
    case LogMarkerKind.LOG_MARKER_KIND_READY:
      return `run ${run} is ready`;
    case LogMarkerKind.LOG_MARKER_KIND_EXITED:
      return `run ${run} ended${exit === undefined ? '' : `: ${exitWords(exit)}`}`;
    case LogMarkerKind.LOG_MARKER_KIND_UNSPECIFIED:
    case LogMarkerKind.UNRECOGNIZED:
      return `run ${run}`;
    default:
      return kind satisfies never;
  }
}

/**
 * The problem of a service or the condition it waits for, and the time of the next attempt; '' when
 * there is neither.
 */
export function troubleWords(service: Service, nowMs: number): string {
  const { trouble, nextStartAt } = service;
  if (nextStartAt === undefined) return trouble || waitWords(service) || changeWords(service);
  const leftMs = nextStartAt.getTime() - nowMs;
  const next = leftMs < 1000 ? 'next attempt now' : `next attempt in ${span(leftMs)}`;
  return trouble === '' ? next : `${trouble}; ${next}`;
}

/** `held for another 14m 58s by uid 0 (root), pid 312: heap dump`. */
export function holdWords({ until, reason, actor, throughShutdown }: Hold, nowMs: number): string {
  const left = until === undefined ? '' : ` for another ${span(Math.ceil((until.getTime() - nowMs) / 1000) * 1000)}`;
  const by = actor === '' ? '' : ` by ${actor}`;
  return `held${left}${by}${throughShutdown ? ', through a shutdown' : ''}${reason === '' ? '' : `: ${reason}`}`;
}

const changeWords = ({ definitionChanged }: Service): string =>
  definitionChanged ? 'definition changed, svctl apply' : '';

/** `waits for db (ready), migrate (completed)`, '' when it does not wait. */
function waitWords({ waitsFor }: Service): string {
  if (waitsFor.length === 0) return '';
  const each = waitsFor.map(({ service, condition, reason }) => `${service} (${UNMET[reason] ?? condition})`);
  return `waits for ${each.join(', ')}`;
}

const UNMET: Readonly<Record<string, string>> = {
  unknown: 'there is no such service',
  'not-wanted': 'it is down by choice',
};

/**
 * Why a service is in its state, and who asked: `exit 1 after 3s`, `restart asked for by uid 0
 * (root), pid 312`.
 */
export function causeWords(service: Service): string {
  const { cause, lastExit } = service;
  if (cause === undefined) return '';
  const by = cause.actor === '' ? '' : ` by ${cause.actor}`;
  const words = kindWords(cause, by, lastExit);
  return cause.message === '' || words.includes(cause.message) ? words : `${words}: ${cause.message}`;
}

function kindWords({ kind, message }: Cause, by: string, exit: Exit | undefined): string {
  switch (kind) {
    case CauseKind.CAUSE_KIND_BOOT:
      return 'boot';
    case CauseKind.CAUSE_KIND_API:
      return `asked for${by}`;
    case CauseKind.CAUSE_KIND_SV:
      return `asked for through sv${by}`;
    case CauseKind.CAUSE_KIND_SIGNAL:
      return `signal to my_init${by}`;
    case CauseKind.CAUSE_KIND_EXIT:
      return exit === undefined ? 'it could not be started' : `${exitWords(exit)} after ${took(exit.runSeconds)}`;
    case CauseKind.CAUSE_KIND_CHECK:
      return 'a check failed';
    case CauseKind.CAUSE_KIND_DEPENDENCY:
      return 'another service';
    case CauseKind.CAUSE_KIND_SCAN:
      return message === '' ? 'the service directory changed' : message;
    case CauseKind.CAUSE_KIND_MEMORY:
      return message === '' ? 'too much memory' : message;
    case CauseKind.CAUSE_KIND_SHUTDOWN:
      return `shutdown${by}`;
    case CauseKind.CAUSE_KIND_UNSPECIFIED:
    case CauseKind.UNRECOGNIZED:
      return `unknown cause${by}`;
    default:
      return kind satisfies never;
  }
}

/** Where a value of a definition is written: `/etc/service/web/service.yaml:3`, `default`. */
export function originWords({ file, line }: DefinitionValue): string {
  if (file === '') return 'default';
  return line === 0 ? file : `${file}:${line}`;
}

function lowerName(name: string | undefined, prefix: string): string {
  if (name === undefined || !name.startsWith(prefix) || name.endsWith('_UNSPECIFIED')) return 'unknown';
  return name.slice(prefix.length).toLowerCase();
}
