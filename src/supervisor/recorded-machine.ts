/** The machine of a service as plain data, under the names that every version of my_init reads. */

import { monotonicMs } from '../process/clock.js';
import { wordsOf } from '../text/words.js';
import type {
  Cause,
  CauseKind,
  Desired,
  ExitStatus,
  Hold,
  LastExit,
  RestartReason,
  ServiceCounters,
  State,
  Unmet,
} from '../types/service.js';
import { readFirstStart } from './first-start.js';
import {
  type ClearingStage,
  type EndedRun,
  type Facts,
  type In,
  initialMachine,
  type Machine,
  type Next,
  type Phase,
  processOf,
  type Run,
  runOf,
} from './machine.js';

export interface RecordedMachine
  extends Omit<Facts, 'runNumber' | 'unmet' | 'releasing' | 'startsForbidden' | 'timerAtMs' | 'stateSinceMs'> {
  readonly state: State;
  readonly stateSinceMs: number;
  readonly timerAtMs: number | undefined;
  readonly pid: number;
  readonly run: number;
  readonly startedAtMs: number | undefined;
  readonly spawnedAtMs: number | undefined;
  readonly paused: boolean;
  readonly told: Cause | undefined;
  readonly termed: boolean;
  readonly killed: boolean;
  readonly changed: boolean;
  readonly ended: EndedRun | undefined;
  readonly leaving: boolean;
  readonly halted: boolean;
  readonly unmet: readonly Unmet[];
  /** Of a run with a process. */
  readonly session: number;
  readonly mainPid: number;
  readonly statusText: string;
  readonly reloading: boolean;
  /** Of a run without a process. */
  readonly stage: 'prepare' | 'spawn' | undefined;
  readonly ready: boolean;
  readonly next: Next | undefined;
  readonly signalIndex: number | undefined;
  readonly nextSignalAtMs: number | undefined;
  readonly killAtMs: number | undefined;
}

/** A record has 4 KiB: longer texts are cut for the next controller. */
const MAX_TEXT = 400;
/** More are found anew by the next controller. */
const MAX_UNMET = 10;

const short = (text: string): string => (text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT - 1)}…`);

const shortExit = ({ unstartable, ...exit }: LastExit): LastExit =>
  unstartable === undefined ? exit : { ...exit, unstartable: short(unstartable) };

export function writeMachine(machine: Machine): RecordedMachine {
  const { runNumber, unmet, releasing, startsForbidden, ...facts } = machine;
  const run = runOf(machine);
  const process = processOf(machine);
  return {
    ...facts,
    trouble: short(machine.trouble),
    lastExit: machine.lastExit && shortExit(machine.lastExit),
    // A version without this state would start the service once more.
    desired: machine.state === 'completed' ? 'down' : machine.desired,
    ...heldBack(machine),
    pid: process?.pid ?? 0,
    run: runNumber,
    startedAtMs: run?.startedAtMs,
    spawnedAtMs: process?.spawnedAtMs,
    paused: process?.paused ?? false,
    told: process?.endRequestedBy,
    termed: process?.termSent ?? false,
    killed: process?.killSent ?? false,
    changed: run?.changed ?? false,
    ended: machine.state === 'finishing' ? { ...machine.ended, trouble: short(machine.ended.trouble) } : undefined,
    leaving: releasing,
    halted: startsForbidden,
    unmet: unmet.slice(0, MAX_UNMET),
    session: process?.session ?? 0,
    mainPid: process?.mainPid ?? 0,
    statusText: process?.statusText ?? '',
    reloading: process?.reloading ?? false,
    stage: run?.stage === 'process' ? undefined : run?.stage,
    ready: machine.state === 'up' && machine.ready,
    ...(machine.state === 'stopping'
      ? pick(machine)
      : { next: undefined, signalIndex: undefined, nextSignalAtMs: undefined, killAtMs: undefined }),
  };
}

/** A version without holds tries again when this one is over. */
const heldBack = ({ state, hold, unmet }: Machine) =>
  state === 'waiting' && hold !== undefined && unmet.length === 0
    ? ({ state: 'backoff', timerAtMs: hold.untilMs } as const)
    : {};

const pick = ({ next, signalIndex, nextSignalAtMs, killAtMs }: In<'stopping'>) => ({
  next,
  signalIndex,
  nextSignalAtMs,
  killAtMs,
});

export function readMachine(recorded: Partial<RecordedMachine>, finishPid: number, autostart: boolean): Machine {
  const { state: _, ...begin } = initialMachine(autostart, monotonicMs());
  const { desired, restartReason, lastExit, unmet, timerAtMs } = recorded;
  const phase = readPhase(recorded, finishPid);
  const isKnown = phase.state === recorded.state;
  const facts: Facts = {
    desired: phase.state === 'completed' ? 'up' : desired && DESIRED.includes(desired) ? desired : begin.desired,
    stateSinceMs: recorded.stateSinceMs ?? begin.stateSinceMs,
    cause: knownCause(recorded.cause) ?? begin.cause,
    trouble: recorded.trouble ?? begin.trouble,
    runNumber: recorded.run ?? begin.runNumber,
    unmet: Array.isArray(unmet) ? unmet : begin.unmet,
    restartReason: restartReason && RESTART_REASONS.includes(restartReason) ? restartReason : undefined,
    consecutiveFailures: recorded.consecutiveFailures ?? begin.consecutiveFailures,
    failuresAtMs: Array.isArray(recorded.failuresAtMs) ? recorded.failuresAtMs : [],
    shutdownCode: recorded.shutdownCode,
    lastExit: lastExit && knownExit(lastExit),
    timerAtMs: isKnown ? timerAtMs : undefined,
    hold: knownHold(recorded.hold),
    removed: recorded.removed === true,
    releasing: recorded.leaving === true,
    startsForbidden: recorded.halted === true,
    counters: knownCounters(recorded.counters, begin.counters),
    firstStart: readFirstStart(recorded.firstStart, begin.stateSinceMs),
  };
  return { ...facts, ...phase };
}

/** Of a state that this version does not know, only whether there is a process. */
function readPhase(recorded: Partial<RecordedMachine>, finishPid: number): Phase {
  const { state, pid = 0, ended, next, hold } = recorded;
  const run = readRun(recorded);
  switch (state) {
    case 'starting':
      return { state, run };
    case 'stopping':
      return {
        state,
        run,
        next: knownNext(next),
        signalIndex: recorded.signalIndex ?? 0,
        nextSignalAtMs: recorded.nextSignalAtMs,
        // A version without a sequence of signals has this timer alone.
        killAtMs: recorded.killAtMs ?? (recorded.nextSignalAtMs === undefined ? recorded.timerAtMs : undefined),
      };
    case 'finishing':
      return ended === undefined ? { state: 'down' } : { state, ended: readEnded(ended, finishPid) };
    case 'backoff':
      // A held service that waits is recorded so: see heldBack.
      return { state: knownHold(hold) === undefined ? state : 'waiting' };
    case 'down':
    case 'waiting':
    case 'failed':
    case 'completed':
      return { state };
    default:
      return run.stage === 'process' && pid !== 0
        ? { state: 'up', run, ready: recorded.ready ?? true }
        : { state: 'down' };
  }
}

function readRun({
  pid,
  startedAtMs = 0,
  spawnedAtMs = startedAtMs,
  changed = false,
  stage,
  ...rest
}: Partial<RecordedMachine>): Run {
  if (!pid) return { stage: stage === 'spawn' ? 'spawn' : 'prepare', startedAtMs, changed };
  return {
    stage: 'process',
    startedAtMs,
    spawnedAtMs,
    changed,
    pid,
    session: rest.session ?? pid,
    mainPid: rest.mainPid ?? 0,
    paused: rest.paused === true,
    statusText: rest.statusText ?? '',
    reloading: rest.reloading === true,
    endRequestedBy: knownCause(rest.told),
    termSent: rest.termed === true,
    killSent: rest.killed === true,
  };
}

function readEnded(ended: Partial<EndedRun>, finishPid: number): EndedRun {
  const { session = 0, status, next, failed = next === 'backoff' || next === 'failed', shutdownCode } = ended;
  const { trouble = '', changed = false } = ended;
  return {
    session,
    status: knownStatus(status),
    next: knownNext(next),
    failed,
    shutdownCode,
    trouble,
    changed,
    stage: readStage(ended.stage, finishPid),
  };
}

/** A version without stages has recorded the process of `finish` alone. */
function readStage(stage: ClearingStage | undefined, finishPid: number): ClearingStage {
  if (stage?.name === 'sweep_finish') return { name: 'sweep_finish', session: stage.session };
  if (finishPid !== 0) return { name: 'finish', pid: finishPid };
  return stage?.name === 'finish'
    ? { name: 'finish', pid: stage.pid }
    : { name: 'sweep', untilMs: stage?.name === 'sweep' ? stage.untilMs : undefined };
}

const NEXT = wordsOf<Next>({
  start: true,
  backoff: true,
  failed: true,
  gave_up: true,
  completed: true,
});

const knownNext = (next: Next | undefined): Next => (next !== undefined && NEXT.includes(next) ? next : 'start');

const DESIRED = wordsOf<Desired>({ up: true, down: true, once: true });

const RESTART_REASONS = wordsOf<RestartReason>({
  exit: true,
  signal: true,
  start_failure: true,
  api: true,
  sv: true,
  scan: true,
  check: true,
  dependency: true,
  memory: true,
});

const CAUSE_KINDS = wordsOf<CauseKind>({
  boot: true,
  api: true,
  sv: true,
  signal: true,
  exit: true,
  check: true,
  dependency: true,
  memory: true,
  scan: true,
  shutdown: true,
});

const knownCause = (cause: Cause | undefined): Cause | undefined =>
  cause && CAUSE_KINDS.includes(cause.kind) ? cause : undefined;

const knownHold = (hold: Partial<Hold> | undefined): Hold | undefined =>
  typeof hold?.untilMs === 'number'
    ? {
        sinceMs: hold.sinceMs ?? hold.untilMs,
        untilMs: hold.untilMs,
        reason: hold.reason ?? '',
        actor: hold.actor ?? '',
        throughShutdown: hold.throughShutdown === true,
      }
    : undefined;

const knownExit = (exit: LastExit): LastExit => ({ ...exit, status: knownStatus(exit.status) });

const knownStatus = (status: ExitStatus | undefined): ExitStatus =>
  status !== undefined && ['exited', 'signaled', 'lost'].includes(status.kind) ? status : { kind: 'lost' };

const knownCounters = (recorded: Partial<ServiceCounters> | undefined, begin: ServiceCounters): ServiceCounters => ({
  ...begin,
  ...known(recorded, begin),
  restarts: { ...begin.restarts, ...known(recorded?.restarts, begin.restarts) },
  exits: { ...begin.exits, ...known(recorded?.exits, begin.exits) },
});

/** The fields that this version has, too. */
const known = <T extends object>(recorded: Partial<T> | undefined, begin: T): Partial<T> =>
  Object.fromEntries(Object.entries(recorded ?? {}).filter(([key]) => key in begin)) as Partial<T>;
