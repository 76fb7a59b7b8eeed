/**
 * The life of a service: every state × every event, each combination decided here.
 * docs/design/service-states.md is drawn from it.
 */

import type { State } from '../types/service.js';
import { noteFirstStart } from './first-start.js';
import type { EventType, In, Machine, MachineEvent, Now, Step } from './machine.js';
import * as anyState from './transitions/any-state.js';
import * as atRest from './transitions/at-rest.js';
import * as finishing from './transitions/finishing.js';
import * as holding from './transitions/holding.js';
import * as readiness from './transitions/readiness.js';
import * as resetting from './transitions/resetting.js';
import { type Act, ignore } from './transitions/rule.js';
import * as running from './transitions/running.js';
import * as starting from './transitions/starting.js';
import * as stopping from './transitions/stopping.js';

/** One step of the machine: a pure function of (state, event, now). */
export function step(machine: Machine, event: MachineEvent, now: Now): Step {
  const cell = TABLE[machine.state][event.type] as Cell<EventType, State>;
  const { machine: next, effects } = cell.act(machine as In<State>, event as never, now);
  return { machine: noteFirstStart(machine, next, now.nowMs), effects };
}

/** Whether only a bug of ours can bring this event in this state. Such an event changes nothing. */
export const isImpossible = (state: State, event: EventType): boolean => TABLE[state][event] === impossible;

interface Cell<T extends EventType, S extends State> {
  readonly act: Act<T, S>;
  /** The states that it may lead to, beside staying in its own. */
  readonly to: readonly State[];
  /** The transition in words, for the diagram; '' when the state stays the same. */
  readonly label: string;
}

type Row<S extends State> = { readonly [T in EventType]: Cell<T, S> };

const leads = <T extends EventType, S extends State>(
  label: string,
  to: readonly State[],
  rule: Act<T, S>,
): Cell<T, S> => ({ label, to, act: rule });
const stays = <T extends EventType, S extends State>(rule: Act<T, S>): Cell<T, S> => leads('', [], rule);
/** May happen and changes nothing. */
const ignored = { act: ignore, to: [], label: '' } as const;
/** Cannot happen: the process or the clearing up that it is about belongs to other states. */
const impossible = { act: ignore, to: [], label: '' } as const;

const NO_RUN = {
  end_run: ignored,
  end_requested: ignored,
  term_sent: ignored,
  prepared: impossible,
  spawned: impossible,
  spawn_failed: impossible,
  exited: impossible,
  ready: ignored,
  unready: ignored,
  main_pid: ignored,
  status_text: ignored,
  reloading: ignored,
  succeeded: impossible,
  extended: ignored,
  over_memory: ignored,
  paused: ignored,
} as const;
const NOT_CLEARING = { finish_spawned: impossible, cleared: impossible } as const;

/**
 * Without a process and not down: `backoff`, `failed` and `completed` differ in what they wait for.
 */
const AT_REST = {
  ...NO_RUN,
  ...NOT_CLEARING,
  start: leads('start', ['starting', 'waiting'], starting.start),
  stop: leads('stop', ['down'], atRest.giveUp),
  restart: leads('restart', ['starting', 'waiting'], starting.restart),
  conditions: stays(anyState.noteConditions),
  hold: stays(holding.hold),
  release: stays(holding.release),
  reset: stays(resetting.reset),
  restored: ignored,
  kill_now: ignored,
} as const;
const TRIES_AGAIN = {
  ...AT_REST,
  timer: leads('delay over', ['starting', 'waiting', 'down'], starting.retry),
  changed: leads('directory changed', ['starting', 'waiting', 'down'], starting.retryChanged),
  reset: leads('reset', ['starting', 'waiting', 'down'], resetting.resetAtRest),
  forbid_starts: leads('shutdown begins', ['down'], atRest.giveUpForGood),
} as const;

const RUNNING = {
  ...NOT_CLEARING,
  start: stays(starting.wantUp),
  stop: leads('stop (TERM)', ['stopping'], stopping.stopRun),
  restart: leads('restart (TERM)', ['stopping'], stopping.restartRun),
  end_run: leads('terminate (TERM), kill (KILL)', ['stopping'], stopping.endRun),
  end_requested: stays(running.endRequested),
  term_sent: ignored,
  over_memory: leads('too much memory (TERM)', ['stopping'], running.overMemory),
  exited: leads('exited', ['finishing'], finishing.endedByItself),
  conditions: stays(anyState.noteConditions),
  hold: stays(holding.hold),
  release: stays(holding.release),
  reset: stays(resetting.resetRunning),
  main_pid: stays(running.noteMainPid),
  status_text: stays(running.noteStatusText),
  reloading: stays(running.noteReloading),
  succeeded: stays(running.succeeded),
  paused: stays(running.pause),
  restored: ignored,
  forbid_starts: stays(anyState.forbidStarts),
  kill_now: ignored,
} as const;

/** The effect of each event in each state. */
export const TABLE: { readonly [S in State]: Row<S> } = {
  down: {
    ...AT_REST,
    stop: leads('removed (forget)', ['down'], atRest.stayDown),
    timer: stays(atRest.startOver),
    changed: ignored,
    reset: stays(resetting.resetDown),
    forbid_starts: stays(anyState.forbidStarts),
  },
  waiting: {
    ...AT_REST,
    conditions: leads('conditions met', ['starting', 'down'], starting.conditionsInWaiting),
    release: leads('released', ['starting', 'down'], holding.releaseWaiting),
    timer: impossible,
    changed: ignored,
    forbid_starts: leads('shutdown begins', ['down'], atRest.giveUpForGood),
  },
  starting: {
    ...RUNNING,
    release: stays(holding.releaseStarting),
    prepared: leads('shutdown begun', ['down'], starting.prepared),
    spawned: stays(starting.spawned),
    spawn_failed: leads('no process', ['backoff', 'waiting', 'failed', 'down'], starting.spawnFailed),
    ready: leads('ready', ['up'], readiness.becomesReady),
    unready: stays(readiness.notReadyYet),
    extended: stays(readiness.extendStart),
    timer: leads('delay over (ready), start timeout (TERM)', ['up', 'stopping'], readiness.settled),
    changed: stays(starting.noteChange),
  },
  up: {
    ...RUNNING,
    prepared: impossible,
    spawned: impossible,
    spawn_failed: impossible,
    ready: stays(readiness.readyAgain),
    unready: stays(readiness.notReady),
    extended: ignored,
    timer: stays(readiness.forgiven),
    changed: ignored,
  },
  stopping: {
    ...NOT_CLEARING,
    start: stays(stopping.startAfterStop),
    stop: stays(stopping.stopSooner),
    restart: stays(stopping.restartAfterStop),
    end_run: stays(stopping.endRunStopping),
    end_requested: ignored,
    term_sent: stays(stopping.termSent),
    prepared: leads('no process', ['down', 'starting', 'waiting'], starting.preparedTooLate),
    spawned: stays(starting.spawnedTooLate),
    spawn_failed: leads('no process', ['down', 'starting', 'waiting'], starting.spawnFailedStopping),
    exited: leads('exited', ['finishing'], finishing.endedAsAsked),
    ready: ignored,
    unready: ignored,
    main_pid: stays(running.noteMainPid),
    status_text: stays(running.noteStatusText),
    reloading: ignored,
    succeeded: stays(running.succeeded),
    extended: stays(stopping.extendStop),
    over_memory: ignored,
    conditions: stays(anyState.noteConditions),
    hold: stays(holding.hold),
    release: stays(holding.releaseStopping),
    reset: stays(resetting.reset),
    timer: stays(stopping.insist),
    changed: ignored,
    paused: stays(running.pause),
    restored: stays(anyState.restored),
    forbid_starts: stays(anyState.forbidStarts),
    kill_now: stays(stopping.kill),
  },
  finishing: {
    ...NO_RUN,
    start: stays(finishing.startAfterFinish),
    stop: stays(finishing.stopAfterFinish),
    restart: stays(finishing.restartAfterFinish),
    conditions: stays(anyState.noteConditions),
    hold: stays(holding.hold),
    release: stays(holding.release),
    reset: stays(resetting.reset),
    finish_spawned: stays(finishing.finishSpawned),
    cleared: leads('cleared up', ['starting', 'waiting', 'backoff', 'failed', 'completed', 'down'], finishing.cleared),
    timer: stays(finishing.killFinish),
    changed: stays(finishing.noteChangeAfterRun),
    restored: stays(anyState.restored),
    forbid_starts: stays(anyState.forbidStarts),
    kill_now: stays(finishing.killFinish),
  },
  backoff: { ...TRIES_AGAIN, hold: leads('hold', ['waiting'], holding.holdInBackoff) },
  failed: { ...TRIES_AGAIN, release: stays(holding.releaseAtEnd) },
  completed: {
    ...AT_REST,
    release: stays(holding.releaseAtEnd),
    timer: impossible,
    changed: ignored,
    forbid_starts: stays(anyState.forbidStarts),
  },
};
