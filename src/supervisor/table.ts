/**
 * The life of a service: every state × every event, each combination decided here. docs/design/service-states.md is drawn
 * from it.
 */

import type { State } from '../types/service.js';
import type { EventType, In, Machine, MachineEvent, Now, Step } from './machine.js';
import * as act from './transitions.js';

/** One step of the machine: a pure function of (state, event, now). */
export function step(machine: Machine, event: MachineEvent, now: Now): Step {
  const cell = TABLE[machine.state][event.type] as Cell<EventType, State>;
  return cell.act(machine as In<State>, event as never, now);
}

/** Whether an event can only reach this state by a mistake of ours. It changes nothing. */
export const isImpossible = (state: State, event: EventType): boolean => TABLE[state][event] === impossible;

interface Cell<T extends EventType, S extends State> {
  readonly act: act.Act<T, S>;
  /** The states that it may lead to, beside staying in its own. */
  readonly to: readonly State[];
  /** What happens, in words, for the diagram; '' when the state stays the same. */
  readonly label: string;
}

type Row<S extends State> = { readonly [T in EventType]: Cell<T, S> };

const leads = <T extends EventType, S extends State>(
  label: string,
  to: readonly State[],
  rule: act.Act<T, S>,
): Cell<T, S> => ({ label, to, act: rule });
const stays = <T extends EventType, S extends State>(rule: act.Act<T, S>): Cell<T, S> => leads('', [], rule);
/** May happen and changes nothing. */
const ignored = { act: act.ignore, to: [], label: '' } as const;
/** Cannot happen: the process or the clearing up that it is about belongs to other states. */
const impossible = { act: act.ignore, to: [], label: '' } as const;

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
  succeeded: impossible,
  extended: ignored,
  paused: ignored,
} as const;
const NOT_CLEARING = { finish_spawned: impossible, cleared: impossible } as const;

/** Without a process and not down: `backoff`, `failed` and `completed` differ in what they wait for. */
const AT_REST = {
  ...NO_RUN,
  ...NOT_CLEARING,
  start: leads('start', ['starting', 'waiting'], act.start),
  stop: leads('stop', ['down'], act.giveUp),
  restart: leads('restart', ['starting', 'waiting'], act.restart),
  conditions: stays(act.noteConditions),
  restored: ignored,
  kill_now: ignored,
} as const;
const TRIES_AGAIN = {
  ...AT_REST,
  timer: leads('delay over', ['starting', 'waiting', 'down'], act.retry),
  changed: leads('directory changed', ['starting', 'waiting', 'down'], act.retryChanged),
  forbid_starts: leads('shutdown begins', ['down'], act.giveUpForGood),
} as const;

const RUNNING = {
  ...NOT_CLEARING,
  start: stays(act.wantUp),
  stop: leads('stop (TERM)', ['stopping'], act.stopRun),
  restart: leads('restart (TERM)', ['stopping'], act.restartRun),
  end_run: leads('terminate (TERM), kill (KILL)', ['stopping'], act.endRun),
  end_requested: stays(act.endRequested),
  term_sent: ignored,
  exited: leads('exited', ['finishing'], act.endedByItself),
  conditions: stays(act.noteConditions),
  main_pid: stays(act.noteMainPid),
  succeeded: stays(act.succeeded),
  paused: stays(act.pause),
  restored: ignored,
  forbid_starts: stays(act.forbidStarts),
  kill_now: ignored,
} as const;

/** What each event does in each state. */
export const TABLE: { readonly [S in State]: Row<S> } = {
  down: {
    ...AT_REST,
    stop: leads('removed (forget)', ['down'], act.stayDown),
    timer: stays(act.startOver),
    changed: ignored,
    forbid_starts: stays(act.forbidStarts),
  },
  waiting: {
    ...AT_REST,
    conditions: leads('conditions met', ['starting', 'down'], act.conditionsInWaiting),
    timer: impossible,
    changed: ignored,
    forbid_starts: leads('shutdown begins', ['down'], act.giveUpForGood),
  },
  starting: {
    ...RUNNING,
    prepared: leads('shutdown begun', ['down'], act.prepared),
    spawned: stays(act.spawned),
    spawn_failed: leads('no process', ['backoff', 'failed', 'down'], act.spawnFailed),
    ready: leads('ready', ['up'], act.becomesReady),
    unready: stays(act.notReadyYet),
    extended: stays(act.extendStart),
    timer: leads('delay over (ready), start timeout (TERM)', ['up', 'stopping'], act.settled),
    changed: stays(act.noteChange),
  },
  up: {
    ...RUNNING,
    prepared: impossible,
    spawned: impossible,
    spawn_failed: impossible,
    ready: stays(act.readyAgain),
    unready: stays(act.notReady),
    extended: ignored,
    timer: stays(act.forgiven),
    changed: ignored,
  },
  stopping: {
    ...NOT_CLEARING,
    start: stays(act.startAfterStop),
    stop: stays(act.stopSooner),
    restart: stays(act.restartAfterStop),
    end_run: stays(act.endRunStopping),
    end_requested: ignored,
    term_sent: stays(act.termSent),
    prepared: leads('no process', ['down', 'starting', 'waiting'], act.preparedTooLate),
    spawned: stays(act.spawnedTooLate),
    spawn_failed: leads('no process', ['down', 'starting', 'waiting'], act.spawnFailedStopping),
    exited: leads('exited', ['finishing'], act.endedAsAsked),
    ready: ignored,
    unready: ignored,
    main_pid: stays(act.noteMainPid),
    succeeded: stays(act.succeeded),
    extended: stays(act.extendStop),
    conditions: stays(act.noteConditions),
    timer: stays(act.insist),
    changed: ignored,
    paused: stays(act.pause),
    restored: stays(act.restored),
    forbid_starts: stays(act.forbidStarts),
    kill_now: stays(act.kill),
  },
  finishing: {
    ...NO_RUN,
    start: stays(act.startAfterFinish),
    stop: stays(act.stopAfterFinish),
    restart: stays(act.restartAfterFinish),
    conditions: stays(act.noteConditions),
    finish_spawned: stays(act.finishSpawned),
    cleared: leads('cleared up', ['starting', 'waiting', 'backoff', 'failed', 'completed', 'down'], act.cleared),
    timer: stays(act.killFinish),
    changed: stays(act.noteChangeAfterRun),
    restored: stays(act.restored),
    forbid_starts: stays(act.forbidStarts),
    kill_now: stays(act.killFinish),
  },
  backoff: TRIES_AGAIN,
  failed: TRIES_AGAIN,
  completed: {
    ...AT_REST,
    timer: impossible,
    changed: ignored,
    forbid_starts: stays(act.forbidStarts),
  },
};
