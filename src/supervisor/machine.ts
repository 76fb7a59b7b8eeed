/**
 * The words of the state machine of a service. The rules are in transitions/, the whole of them in
 * table.ts.
 */

import type {
  Cause,
  Desired,
  ExitStatus,
  FirstStart,
  Hold,
  LastExit,
  RestartReason,
  ServiceCounters,
  State,
  Unmet,
} from '../types/service.js';
import type { Definition } from './definition/definition.js';

/** Everything the machine knows of a service. Times are monotonic milliseconds. */
export type Machine = Facts & Phase;

/** Known in every state. */
export interface Facts {
  readonly desired: Desired;
  readonly stateSinceMs: number;
  readonly cause: Cause;
  readonly trouble: string;
  /** The number of the current or latest run. */
  readonly runNumber: number;
  /** Conditions that keep the next run from starting. */
  readonly unmet: readonly Unmet[];
  /** Why the next start is a restart. */
  readonly restartReason: RestartReason | undefined;
  readonly consecutiveFailures: number;
  /** Failed starts that count for the start limit. */
  readonly failuresAtMs: readonly number[];
  /** The end of this service ends the container with this exit code. */
  readonly shutdownCode: number | undefined;
  readonly lastExit: LastExit | undefined;
  /** When the event `timer` is due. A timer belongs to the state that set it. */
  readonly timerAtMs: number | undefined;
  /** Only people act on the service. */
  readonly hold: Hold | undefined;
  /** The directory is gone: forget the service when it is down. */
  readonly removed: boolean;
  /**
   * `sv exit`: once down, the supervise files are released for a moment, then the service starts
   * over.
   */
  readonly releasing: boolean;
  /** my_init shuts down: nothing is started any more. */
  readonly startsForbidden: boolean;
  readonly counters: ServiceCounters;
  readonly firstStart: FirstStart;
}

/** Known in one state alone. */
export type Phase =
  | { readonly state: 'down' | 'waiting' | 'backoff' | 'failed' | 'completed' }
  | { readonly state: 'starting'; readonly run: Run }
  | { readonly state: 'up'; readonly run: ProcessRun; readonly ready: boolean }
  | ({ readonly state: 'stopping'; readonly run: Run; readonly next: Next } & StopPlan)
  | { readonly state: 'finishing'; readonly ended: EndedRun };

/** The way from the first signal to KILL. Undefined: never. */
export interface StopPlan {
  /** The present one of the definition's stop signals. */
  readonly signalIndex: number;
  readonly nextSignalAtMs: number | undefined;
  readonly killAtMs: number | undefined;
}

export type In<S extends State> = Machine & { readonly state: S };

/** A run whose process does not exist yet, or exists. */
export type Run = UnspawnedRun | ProcessRun;

export interface UnspawnedRun {
  /**
   * `prepare`: claim the service, run `control/u` and `setup`. `spawn`: the process is being
   * created.
   */
  readonly stage: 'prepare' | 'spawn';
  readonly startedAtMs: number;
  /** The directory changed since this run began. */
  readonly changed: boolean;
}

export interface ProcessRun {
  readonly stage: 'process';
  readonly startedAtMs: number;
  /** When its process came: `control/u` and `setup` are no part of how long the run lasts. */
  readonly spawnedAtMs: number;
  readonly changed: boolean;
  readonly pid: number;
  /** The session of its processes, which the first one of them leads. */
  readonly session: number;
  /** The process that goes on when this one has ended, as the service says; 0 for none. */
  readonly mainPid: number;
  readonly paused: boolean;
  /** The text that the run reports, STATUS and RELOADING of sd_notify(3). */
  readonly statusText: string;
  readonly reloading: boolean;
  /** Set when `control/t` asked this run to end; the run may ignore it. */
  readonly endRequestedBy: Cause | undefined;
  readonly termSent: boolean;
  readonly killSent: boolean;
}

/** A run that has ended and is being cleared up. */
export interface EndedRun {
  /** The session of its processes, 0 when there was none. */
  readonly session: number;
  readonly status: ExitStatus;
  readonly next: Next;
  /** The run counts among failures in a row. */
  readonly failed: boolean;
  /** The rule that ends the container asks for this exit code. */
  readonly shutdownCode: number | undefined;
  /** Why my_init ended the run, where it did so for a fault of the run. */
  readonly trouble: string;
  readonly changed: boolean;
  readonly stage: ClearingStage;
}

/**
 * `sweep`: control scripts end, leftovers of the session are killed; after a stop they get TERM
 * first and time until `untilMs`. `finish`: the script runs; pid 0 while it is being spawned.
 * `sweep_finish`: leftovers of `finish` are killed.
 */
export type ClearingStage =
  | { readonly name: 'sweep'; readonly untilMs?: number | undefined }
  | { readonly name: 'finish'; readonly pid: number }
  | { readonly name: 'sweep_finish'; readonly session: number };

/** The step after a run, where the service is wanted up. */
export type Next = 'start' | 'backoff' | 'failed' | 'gave_up' | 'completed';

export type MachineEvent =
  | { readonly type: 'start'; readonly cause: Cause; readonly once?: boolean }
  | StopEvent
  | { readonly type: 'restart'; readonly cause: Cause; readonly timeoutMs?: number }
  /** End the current run with this signal; the desired state stays. */
  | { readonly type: 'end_run'; readonly signal: 'TERM' | 'KILL'; readonly cause: Cause }
  /** `control/t` asked the run to end. */
  | { readonly type: 'end_requested'; readonly cause: Cause }
  | { readonly type: 'term_sent' }
  /** The service is claimed, `control/u` and `setup` have run: the process can be created. */
  | { readonly type: 'prepared' }
  /** The process exists. */
  /** There is a process, since `atMs` where an earlier moment than now is known. */
  | { readonly type: 'spawned'; readonly pid: number; readonly atMs?: number }
  /**
   * There is no process: another supervisor has the service, `setup` or `fork` failed. `forGood`:
   * not to be tried again.
   */
  | { readonly type: 'spawn_failed'; readonly trouble: string; readonly forGood?: boolean }
  /** The run uses more than its `memory_max`; `trouble` says how much. */
  | { readonly type: 'over_memory'; readonly trouble: string }
  /**
   * The process ended, at `atMs` where an earlier moment than now is known. `unstartable` says why
   * `run` could not be executed at all.
   */
  | {
      readonly type: 'exited';
      readonly status: ExitStatus;
      readonly unstartable?: string;
      readonly atMs?: number | undefined;
    }
  | { readonly type: 'ready' }
  | { readonly type: 'unready'; readonly trouble: string }
  /**
   * The service says which of its processes goes on when the present one ends, MAINPID of
   * sd_notify(3).
   */
  | { readonly type: 'main_pid'; readonly pid: number }
  /** The service says how it is, STATUS of sd_notify(3). */
  | { readonly type: 'status_text'; readonly text: string }
  /**
   * The run reads its configuration again, RELOADING of sd_notify(3), until it reports that it is
   * ready.
   */
  | { readonly type: 'reloading' }
  /** The process has ended, and that of `main_pid` goes on. */
  | { readonly type: 'succeeded' }
  /** The run needs so much more time for what it does, EXTEND_TIMEOUT_USEC of sd_notify(3). */
  | { readonly type: 'extended'; readonly ms: number }
  /** The conditions that keep the service from starting; none: the service may start. */
  | { readonly type: 'conditions'; readonly unmet: readonly Unmet[] }
  | { readonly type: 'finish_spawned'; readonly pid: number }
  /** The present stage of clearing up is over. `finish`: how the script ended. */
  | { readonly type: 'cleared'; readonly finish?: ExitStatus }
  | { readonly type: 'timer' }
  /** The service directory changed. */
  | { readonly type: 'changed' }
  /** The process was stopped (SIGSTOP) or continued on request. */
  | { readonly type: 'paused'; readonly paused: boolean }
  | { readonly type: 'hold'; readonly hold: Hold }
  /** Ends a hold; without a cause its time is over. */
  | { readonly type: 'release'; readonly cause?: Cause }
  /** Forgets failures. A service in `failed` or `backoff` is started. */
  | { readonly type: 'reset'; readonly cause: Cause }
  /** The directory of a removed service is there again. */
  | { readonly type: 'restored' }
  /** my_init begins to shut down. */
  | { readonly type: 'forbid_starts' }
  /** Nobody waits any longer: KILL to the process or to `finish`. */
  | { readonly type: 'kill_now' };

export interface StopEvent {
  readonly type: 'stop';
  /** `released`: `sv exit`. `removed`: the directory is gone. */
  readonly why: 'asked' | 'released' | 'removed' | 'shutdown';
  readonly cause: Cause;
  /** From TERM to KILL; Infinity: no KILL. Undefined: the grace period of the definition. */
  readonly timeoutMs?: number;
  /** Sends TERM again where it was sent before. */
  readonly insist?: boolean;
}

export type EventType = MachineEvent['type'];

/** An order of the machine, to be carried out in this order after the new state is on record. */
export type Effect =
  /** Claim the service, run `control/u` and `setup`, then say `prepared`. */
  | { readonly type: 'prepare' }
  | { readonly type: 'spawn' }
  | TerminateEffect
  /** KILL to the process and, where `group`, to the group that it leads. */
  | { readonly type: 'kill'; readonly group: boolean }
  /** Carry out the present stage of clearing up, then say `cleared`. */
  | { readonly type: 'clear_up' }
  | { readonly type: 'kill_finish' }
  /** Start again, unless there is a `down` file. */
  | { readonly type: 'start_over' }
  /** End the container: this service has ended for good. */
  | { readonly type: 'shutdown'; readonly code: number }
  | { readonly type: 'forget' };

export interface TerminateEffect {
  readonly type: 'terminate';
  readonly signal: NodeJS.Signals;
  /**
   * `script`: `control/t` or, where there is none or it fails, the signal. `done`: the run was
   * asked already.
   */
  readonly how: 'script' | 'signal' | 'done';
  /** CONT, so that a stopped process sees the signal. */
  readonly wake: boolean;
  /** The control script that follows a stop. */
  readonly after: 'd' | 'x' | undefined;
}

export interface Step {
  readonly machine: Machine;
  readonly effects: readonly Effect[];
}

/** The facts that a step depends on, beside state and event. */
export interface Now {
  readonly nowMs: number;
  /** 0 ≤ random < 1, for the jitter of the delay. */
  readonly random: number;
  readonly definition: Definition;
}

export const initialMachine = (autostart: boolean, nowMs: number): In<'down'> => ({
  state: 'down',
  desired: autostart ? 'up' : 'down',
  stateSinceMs: nowMs,
  cause: { kind: 'scan' },
  trouble: '',
  runNumber: 0,
  unmet: [],
  restartReason: undefined,
  consecutiveFailures: 0,
  failuresAtMs: [],
  shutdownCode: undefined,
  lastExit: undefined,
  timerAtMs: undefined,
  hold: undefined,
  removed: false,
  releasing: false,
  startsForbidden: false,
  counters: {
    starts: 0,
    startFailures: 0,
    restarts: { exit: 0, signal: 0, start_failure: 0, api: 0, sv: 0, scan: 0, check: 0, dependency: 0, memory: 0 },
    exits: { success: 0, failure: 0, signal: 0, core: 0, oom: 0, lost: 0 },
    kills: 0,
  },
  firstStart: {
    wantedAtMs: nowMs,
    waitedFor: '',
    startedAtMs: undefined,
    endedAtMs: undefined,
    outcome: undefined,
  },
});

/** The run that has not ended yet. */
export const runOf = (machine: Machine): Run | undefined =>
  machine.state === 'starting' || machine.state === 'up' || machine.state === 'stopping' ? machine.run : undefined;

/** The process of the current run. */
export function processOf(machine: Machine): ProcessRun | undefined {
  const run = runOf(machine);
  return run?.stage === 'process' ? run : undefined;
}

/** The process of the current run, 0 when there is none. */
export const pidOf = (machine: Machine): number => processOf(machine)?.pid ?? 0;

/** The process of `finish`, 0 when there is none. */
export function finishPidOf(machine: Machine): number {
  if (machine.state !== 'finishing') return 0;
  const { stage } = machine.ended;
  if (stage.name === 'finish') return stage.pid;
  return 0;
}
