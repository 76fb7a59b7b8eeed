/** What the state machine of a service is made of. The rules themselves are in transitions.ts, the whole of them in table.ts. */

import type { Cause, Desired, ExitStatus, LastExit, RestartReason, ServiceCounters, State } from '../types/service.js';

/** Everything the machine knows of a service. Times are monotonic milliseconds. */
export interface Machine {
  readonly state: State;
  readonly desired: Desired;
  readonly stateSinceMs: number;
  readonly cause: Cause;
  readonly trouble: string;
  /** The process of the current run, 0 when there is none (yet). */
  readonly pid: number;
  readonly run: number;
  readonly startedAtMs: number | undefined;
  readonly paused: boolean;
  /** Who has asked this run to end, in a way that it may leave undone. */
  readonly told: Cause | undefined;
  /** TERM was sent to this run. */
  readonly termed: boolean;
  /** KILL was sent to this run. */
  readonly killed: boolean;
  /** Why the next start is a restart. */
  readonly restartReason: RestartReason | undefined;
  /** The run that is being cleared up, in `finishing`. */
  readonly ended: EndedRun | undefined;
  /** The directory changed since this run was begun. */
  readonly changed: boolean;
  readonly consecutiveFailures: number;
  readonly lastExit: LastExit | undefined;
  /** When the event `timer` is due. */
  readonly timerAtMs: number | undefined;
  /** The directory is gone: forget the service when it is down. */
  readonly removed: boolean;
  /** As with `sv exit`: once down it is let go of for a moment, and then begun with anew. */
  readonly leaving: boolean;
  /** my_init shuts down: nothing is started any more. */
  readonly halted: boolean;
  readonly counters: ServiceCounters;
}

/** A run that has ended and may have left something behind. */
export interface EndedRun {
  /** The session of its processes, 0 when there was none. */
  readonly session: number;
  readonly status: ExitStatus;
  /** What follows where the service is wanted up: the next run at once, after a delay, or when `run` was mended. */
  readonly next: 'start' | 'backoff' | 'failed';
}

export type MachineEvent =
  | { readonly type: 'start'; readonly cause: Cause; readonly once?: boolean }
  /** `timeoutMs`: from TERM to KILL, or Infinity. `insist`: TERM again where it was sent before. */
  | { readonly type: 'stop'; readonly cause: Cause; readonly timeoutMs: number; readonly insist?: boolean }
  | { readonly type: 'restart'; readonly cause: Cause; readonly timeoutMs: number }
  /** TERM for the run, or KILL; what is wanted stays as it is. */
  | { readonly type: 'terminate'; readonly cause: Cause }
  | { readonly type: 'kill'; readonly cause: Cause }
  /** `control/t` has asked it to end in a way of its own. It may do so or not. */
  | { readonly type: 'told'; readonly cause: Cause }
  /** Stop, and be let go of. */
  | { readonly type: 'leave'; readonly cause: Cause }
  /** TERM was sent. */
  | { readonly type: 'termed' }
  /** The process exists. */
  | { readonly type: 'spawned'; readonly pid: number }
  /** There is no process, for now: `fork` failed. */
  | { readonly type: 'spawn_failed'; readonly trouble: string }
  /** There was to be no process any more when it could have been made: it was told to stop meanwhile. */
  | { readonly type: 'withheld' }
  /** The process ended. `unstartable` says why `run` could not be executed at all. */
  | { readonly type: 'exited'; readonly status: ExitStatus; readonly unstartable?: string }
  /** `finish` has run and nothing of the run is left. */
  | { readonly type: 'finished' }
  | { readonly type: 'timer' }
  /** The service directory changed. */
  | { readonly type: 'changed' }
  /** The process was stopped (SIGSTOP) or continued on request. */
  | { readonly type: 'paused'; readonly paused: boolean }
  /** The service directory is gone. */
  | { readonly type: 'removed'; readonly timeoutMs: number }
  /** It is there again. */
  | { readonly type: 'restored'; readonly autostart: boolean }
  /** my_init begins to shut down: from now on nothing is started. */
  | { readonly type: 'forbid_starts' }
  /** my_init shuts down and it is the services' turn. */
  | { readonly type: 'halt'; readonly cause: Cause; readonly timeoutMs: number }
  /** The waiting is over: KILL. */
  | { readonly type: 'hurry' };

export type EventType = MachineEvent['type'];

/** What is to be done, in this order, after the new state is on record. */
export type Effect =
  | { readonly type: 'spawn' }
  /** TERM or, with `script`, what `control/t` does in its place; CONT, so that a stopped process sees it; what comes after a stop. */
  | {
      readonly type: 'terminate';
      readonly script: boolean;
      readonly wake: boolean;
      readonly after: 'd' | 'x' | undefined;
    }
  /** KILL to the process and, where `group`, to the group that it leads. */
  | { readonly type: 'kill'; readonly group: boolean }
  /** Kill what is left of the run that ended, run `finish`, then say `finished`. */
  | { readonly type: 'clear_up' }
  | { readonly type: 'kill_finish' }
  /** Begin with it anew: start it, unless it has a `down` file. */
  | { readonly type: 'begin_anew' }
  | { readonly type: 'forget' };

export interface Step {
  readonly machine: Machine;
  readonly effects: readonly Effect[];
}

/** The world that the machine needs to know of. */
export interface Now {
  readonly nowMs: number;
  /** 0 ≤ random < 1, for the jitter of the back-off. */
  readonly random: number;
  /** How long `finish` may take, or Infinity. */
  readonly finishTimeoutMs: number;
}

export const initialMachine = (autostart: boolean, nowMs: number): Machine => ({
  state: 'down',
  desired: autostart ? 'up' : 'down',
  stateSinceMs: nowMs,
  cause: { kind: 'scan' },
  trouble: '',
  pid: 0,
  run: 0,
  startedAtMs: undefined,
  paused: false,
  told: undefined,
  termed: false,
  killed: false,
  restartReason: undefined,
  ended: undefined,
  changed: false,
  consecutiveFailures: 0,
  lastExit: undefined,
  timerAtMs: undefined,
  removed: false,
  leaving: false,
  halted: false,
  counters: {
    starts: 0,
    startFailures: 0,
    restarts: { exit: 0, signal: 0, start_failure: 0, api: 0, sv: 0, scan: 0 },
    exits: { success: 0, failure: 0, signal: 0, core: 0, lost: 0 },
    kills: 0,
  },
});
