/**
 * The life of a service: every state × every event, each combination decided here. docs/design/service-states.md is drawn
 * from it.
 */

import type { State } from '../types/service.js';
import type { EventType, Machine, MachineEvent, Now, Step } from './machine.js';
import * as act from './transitions.js';

/** One step of the machine: a pure function of (state, event, now). */
export function step(machine: Machine, event: MachineEvent, now: Now): Step {
  const cell = TABLE[machine.state][event.type] as Cell<EventType>;
  return cell.act(machine, event as never, now);
}

interface Cell<T extends EventType> {
  readonly act: act.Act<T>;
  /** The states that it may lead to, beside staying in its own. */
  readonly to: readonly State[];
  /** What happens, in words, for the diagram; '' when the state stays the same. */
  readonly label: string;
}

type Row = { readonly [T in EventType]: Cell<T> };

const leads = <T extends EventType>(label: string, to: readonly State[], rule: act.Act<T>): Cell<T> => ({
  label,
  to,
  act: rule,
});
const stays = <T extends EventType>(rule: act.Act<T>): Cell<T> => leads('', [], rule);
const ignored = { act: act.ignore, to: [], label: '' } as const;

/** Waits for its next attempt; `backoff` and `failed` differ in why and for how long, not in what they answer. */
const WAITING: Row = {
  start: leads('start', ['starting'], act.start),
  stop: leads('stop', ['down'], act.giveUp),
  restart: leads('restart', ['starting'], act.restart),
  terminate: ignored,
  kill: ignored,
  told: ignored,
  leave: leads('exit', ['down'], act.giveUpLeaving),
  termed: ignored,
  spawned: ignored,
  spawn_failed: ignored,
  withheld: ignored,
  exited: ignored,
  finished: ignored,
  timer: leads('delay over', ['starting'], act.retry),
  changed: leads('directory changed', ['starting'], act.retryChanged),
  paused: ignored,
  removed: leads('directory gone', ['down'], act.giveUpRemoved),
  restored: ignored,
  forbid_starts: leads('shutdown begins', ['down'], act.giveUpForGood),
  halt: leads('shutdown', ['down'], act.giveUpHalted),
  hurry: ignored,
};

/** What each event does in each state. */
export const TABLE: { readonly [S in State]: Row } = {
  down: {
    start: leads('start', ['starting'], act.start),
    stop: stays(act.stayDown),
    restart: leads('restart', ['starting'], act.restart),
    terminate: ignored,
    kill: ignored,
    told: ignored,
    leave: stays(act.leaveDown),
    termed: ignored,
    spawned: ignored,
    spawn_failed: ignored,
    withheld: ignored,
    exited: ignored,
    finished: ignored,
    timer: stays(act.beginAnew),
    changed: ignored,
    paused: ignored,
    removed: leads('directory gone (forget)', ['down'], act.giveUpRemoved),
    restored: ignored,
    forbid_starts: stays(act.forbidStarts),
    halt: stays(act.stayDownHalted),
    hurry: ignored,
  },
  starting: {
    start: stays(act.wantUp),
    stop: leads('stop (TERM)', ['stopping'], act.stopRun),
    restart: leads('restart (TERM)', ['stopping'], act.restartRun),
    terminate: leads('terminate (TERM)', ['stopping'], act.terminateRun),
    kill: leads('kill (KILL)', ['stopping'], act.killRun),
    told: stays(act.told),
    leave: leads('exit (TERM)', ['stopping'], act.leaveRun),
    termed: ignored,
    spawned: stays(act.spawned),
    spawn_failed: leads('no process', ['backoff', 'down'], act.spawnFailed),
    withheld: leads('no process', ['down'], act.withheld),
    exited: leads('exited', ['finishing'], act.endedByItself),
    finished: ignored,
    timer: leads('settled', ['up'], act.settled),
    changed: stays(act.noteChange),
    paused: stays(act.pause),
    removed: leads('directory gone (TERM)', ['stopping'], act.removeRun),
    restored: ignored,
    forbid_starts: stays(act.forbidStarts),
    halt: leads('shutdown (TERM)', ['stopping'], act.haltRun),
    hurry: ignored,
  },
  up: {
    start: stays(act.wantUp),
    stop: leads('stop (TERM)', ['stopping'], act.stopRun),
    restart: leads('restart (TERM)', ['stopping'], act.restartRun),
    terminate: leads('terminate (TERM)', ['stopping'], act.terminateRun),
    kill: leads('kill (KILL)', ['stopping'], act.killRun),
    told: stays(act.told),
    leave: leads('exit (TERM)', ['stopping'], act.leaveRun),
    termed: ignored,
    spawned: ignored,
    spawn_failed: ignored,
    withheld: ignored,
    exited: leads('exited', ['finishing'], act.endedByItself),
    finished: ignored,
    timer: stays(act.forgiven),
    changed: ignored,
    paused: stays(act.pause),
    removed: leads('directory gone (TERM)', ['stopping'], act.removeRun),
    restored: ignored,
    forbid_starts: stays(act.forbidStarts),
    halt: leads('shutdown (TERM)', ['stopping'], act.haltRun),
    hurry: ignored,
  },
  stopping: {
    start: stays(act.startAfterStop),
    stop: stays(act.stopSooner),
    restart: stays(act.restartAfterStop),
    terminate: stays(act.terminateAgain),
    kill: stays(act.killStopping),
    told: ignored,
    leave: stays(act.leaveAfterStop),
    termed: stays(act.termed),
    spawned: stays(act.spawnedTooLate),
    spawn_failed: leads('no process', ['down', 'starting'], act.spawnFailedStopping),
    withheld: leads('no process', ['down', 'starting'], act.withheldStopping),
    exited: leads('exited', ['finishing'], act.endedAsTold),
    finished: ignored,
    timer: stays(act.kill),
    changed: ignored,
    paused: stays(act.pause),
    removed: stays(act.removedAfter),
    restored: stays(act.restored),
    forbid_starts: stays(act.forbidStarts),
    halt: stays(act.haltSooner),
    hurry: stays(act.kill),
  },
  finishing: {
    start: stays(act.startAfterFinish),
    stop: stays(act.downAfterFinish),
    restart: stays(act.restartAfterFinish),
    terminate: ignored,
    kill: ignored,
    told: ignored,
    leave: stays(act.leaveAfterFinish),
    termed: ignored,
    spawned: ignored,
    spawn_failed: ignored,
    withheld: ignored,
    exited: ignored,
    finished: leads('finished', ['starting', 'backoff', 'failed', 'down'], act.finished),
    timer: stays(act.killFinish),
    changed: stays(act.noteChange),
    paused: ignored,
    removed: stays(act.removedAfter),
    restored: stays(act.restored),
    forbid_starts: stays(act.forbidStarts),
    halt: stays(act.haltAfterFinish),
    hurry: stays(act.killFinish),
  },
  backoff: WAITING,
  failed: WAITING,
};
