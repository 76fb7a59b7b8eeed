/** The types by which the rooms exchange services: no room imports another for them. */

/** The name of a service: `[A-Za-z0-9][A-Za-z0-9._@-]{0,127}`. */
export type ServiceName = string & { readonly brand: 'ServiceName' };

/** The state of a service; see the diagram in docs/design/service-states.md. */
export type State =
  | 'down'
  | 'waiting'
  | 'starting'
  | 'up'
  | 'stopping'
  | 'finishing'
  | 'backoff'
  | 'failed'
  | 'completed';

/** A condition that keeps a service waiting. */
export interface Unmet {
  readonly on: ServiceName;
  readonly condition: 'started' | 'ready' | 'completed';
  /** `cycle`: that one waits for this one in turn. */
  readonly reason: 'unknown' | 'not-wanted' | 'not-yet' | 'cycle';
}

/** The wish that my_init works towards for a service. */
export type Desired = 'up' | 'down' | 'once';

export type CauseKind =
  | 'boot'
  | 'api'
  | 'sv'
  | 'signal'
  | 'exit'
  | 'check'
  | 'dependency'
  | 'memory'
  | 'scan'
  | 'shutdown';

/** Why something happened, and who asked for it. */
export interface Cause {
  readonly kind: CauseKind;
  /** The person or program that asked: `uid 0 (root), pid 312`. */
  readonly actor?: string;
  readonly message?: string;
}

/** How a process ended. `lost`: it is gone and nobody can say how. */
export type ExitStatus =
  | { readonly kind: 'exited'; readonly code: number }
  | {
      readonly kind: 'signaled';
      readonly signal: number;
      readonly coreDumped: boolean;
      /** The most memory that it used; unknown where nobody measured it. */
      readonly peakBytes?: number | undefined;
      /** Only with KILL: the kernel sent it for lack of memory. */
      readonly oom?: OomKill | undefined;
    }
  | { readonly kind: 'lost' };

/** A kill by the kernel for lack of memory. */
export interface OomKill {
  /** The limit that was reached; undefined: none is known, the machine had no memory left. */
  readonly limitBytes?: number | undefined;
}

/** How a run ended. */
export interface LastExit {
  readonly run: number;
  readonly status: ExitStatus;
  /** Monotonic milliseconds. */
  readonly atMs: number;
  readonly durationMs: number;
  /** Somebody asked for this end. */
  readonly expected: boolean;
  /** Why its program could not even be executed. */
  readonly unstartable?: string | undefined;
}

/** Why a service was started again: the label `reason` of `my_init_service_restarts_total`. */
export type RestartReason =
  | 'exit'
  | 'signal'
  | 'start_failure'
  | 'api'
  | 'sv'
  | 'scan'
  | 'check'
  | 'dependency'
  | 'memory';

/** How runs end: the label `kind` of `my_init_service_exits_total`. */
export type ExitKind = 'success' | 'failure' | 'signal' | 'core' | 'oom' | 'lost';

/** How a service came up first since boot. Monotonic milliseconds. */
export interface FirstStart {
  readonly wantedAtMs: number;
  /** The service whose condition was met last, '' where it waited for none. */
  readonly waitedFor: ServiceName | '';
  /** Its first process began. */
  readonly startedAtMs: number | undefined;
  /** When the first start came to its outcome; undefined: not yet. */
  readonly endedAtMs: number | undefined;
  readonly outcome: 'ready' | 'completed' | 'failed' | undefined;
}

/**
 * Until it ends, nobody but people acts on the service: it is not restarted, and its `live` check
 * stands still.
 */
export interface Hold {
  readonly sinceMs: number;
  readonly untilMs: number;
  /** In the words of who asked; may be ''. */
  readonly reason: string;
  readonly actor: string;
  /** A shutdown sends no signal but KILL, at its deadline. */
  readonly throughShutdown: boolean;
}

/**
 * Everything that is known of a service. A new object at each change; never mutated. All times are
 * monotonic milliseconds.
 */
export interface ServiceStatus {
  readonly name: ServiceName;
  readonly directory: string;
  /** A oneshot is done when it has ended successfully. */
  readonly type: 'longrun' | 'oneshot';
  readonly state: State;
  readonly desired: Desired;
  /** Can do its work now, by its definition; a oneshot: has ended successfully. */
  readonly ready: boolean;
  /** Undefined: not held. */
  readonly hold: Hold | undefined;
  /** The conditions that keep a service in `waiting`; none when only a hold does. */
  readonly waitsFor: readonly Unmet[];
  /** Its files say something else than the definition that it runs with. */
  readonly definitionChanged: boolean;
  readonly tags: readonly string[];
  readonly paused: boolean;
  /** The text that the current run reports about itself; '' if none. */
  readonly statusText: string;
  /** The run reports that it is reading its configuration again. */
  readonly reloading: boolean;
  /** TERM was sent to the current run. */
  readonly termSent: boolean;
  /** `sv exit`: its supervise files are released once it is down, for a moment. */
  readonly releasing: boolean;
  readonly stateSinceMs: number;
  /** 0 when there is no process. */
  readonly pid: number;
  /** The process of `finish`, 0 when there is none. */
  readonly finishPid: number;
  /** The number of the current or latest run; 0 before the first. */
  readonly run: number;
  readonly runId: string;
  /** When the current run was started; undefined when there is none. */
  readonly startedAtMs: number | undefined;
  /** Runs that ended too soon or could not be started, in a row. */
  readonly consecutiveFailures: number;
  readonly lastExit: LastExit | undefined;
  /**
   * When the next attempt is due, in `backoff` and `failed`; undefined in `failed`: not before
   * somebody asks for it.
   */
  readonly nextStartAtMs: number | undefined;
  readonly cause: Cause;
  /** The problem and its remedy; '' if there is none. */
  readonly trouble: string;
  /** The service has no `down` file. */
  readonly autostart: boolean;
  /** The readiness of the container does not wait for it. */
  readonly optional: boolean;
  /** The memory that its processes may use together; undefined: no limit of its own. */
  readonly memoryMaxBytes: number | undefined;
  /** The service came by {@link ServiceControl.run}. */
  readonly transient: boolean;
  /**
   * The name that it shares with the other replicas; '' for a service that is not one of several.
   */
  readonly replicaOf: ServiceName | '';
  readonly counters: ServiceCounters;
}

/** The counts of a service since boot. */
export interface ServiceCounters {
  readonly starts: number;
  /** Attempts at starting that came to no process of the service. */
  readonly startFailures: number;
  readonly restarts: Readonly<Record<RestartReason, number>>;
  readonly exits: Readonly<Record<ExitKind, number>>;
  /** How often a stop had to be finished with KILL. */
  readonly kills: number;
}

/** A change of one service, as every outsider learns of it. */
export interface Change {
  /** Grows by one with each change of any service. */
  readonly revision: number;
  readonly atMs: number;
  readonly previousState: State;
  readonly wasReady: boolean;
  readonly status: ServiceStatus;
  /** The service is gone with its directory. */
  readonly removed: boolean;
}

/** Reads the services and learns of their changes. */
export interface ServiceView {
  /** Random for each boot of the container. */
  readonly bootId: string;
  /** The revision of the latest change. */
  readonly revision: number;
  /** Sorted by name. */
  list(): readonly ServiceStatus[];
  get(name: string): ServiceStatus | undefined;
  /** Calls the listener in the same turn as each change. Returns what ends it. */
  subscribe(listener: (change: Change) => void): () => void;
  /** The changes after a revision, oldest first; undefined when some of them are no longer held. */
  changesSince(revision: number): readonly Change[] | undefined;
}

/** Which services; all lists empty and `all` unset selects nothing. */
export interface Selector {
  readonly names: readonly string[];
  /** Patterns with `*` and `?`. */
  readonly globs: readonly string[];
  readonly all: boolean;
}

export type WaitLevel = 'none' | 'started' | 'ready' | 'stopped';

/**
 * Stable names of what can go wrong with an operation: `google.rpc.ErrorInfo.reason`. Documented in
 * docs/api.md.
 */
export type OperationReason =
  | 'EMPTY_SELECTOR'
  | 'INVALID_ARGUMENT'
  | 'SERVICE_NOT_FOUND'
  | 'NO_MATCH'
  | 'NOT_RUNNING'
  | 'RUN_CHANGED'
  | 'SIGNAL_FAILED'
  | 'RELOAD_FAILED'
  | 'START_FAILED'
  | 'EXITED_EARLY'
  | 'SUPERSEDED'
  | 'WAIT_TIMEOUT'
  | 'REMOVED'
  | 'SHUTTING_DOWN'
  | 'CANNOT_REPLACE'
  | 'NAME_TAKEN';

/**
 * An operation that failed for one service, or as a whole. `metadata` names what it is about
 * (service, suggestion, state …).
 */
export interface OperationFailure extends Error {
  readonly reason: OperationReason;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface OperationOptions {
  readonly cause: Cause;
  /** Names the order: a service that took it does not carry it out again. */
  readonly requestId?: string;
  readonly wait: WaitLevel;
  /** How long to wait; a default of the operation when undefined. */
  readonly waitTimeoutMs?: number;
  /** Ends the waiting (not the operation): the client has gone. */
  readonly abort?: AbortSignal;
  /**
   * The service that the client belongs to. Its outcome is not waited for: it would wait for the
   * client in turn.
   */
  readonly within?: ServiceName | undefined;
}

/** The outcome of an operation for one service. */
export interface Outcome {
  readonly name: string;
  readonly changed: boolean;
  readonly error: OperationFailure | undefined;
  readonly oldPid: number;
  /** The service now; undefined when there is none of this name. */
  readonly status: ServiceStatus | undefined;
  readonly durationMs: number;
  /** After a stop: those that depend on it and have not ended. */
  readonly dependents?: readonly ServiceName[];
}

export interface StopOptions extends OperationOptions {
  readonly stopTimeoutMs?: number;
  /** Stops those that need the services too, and before them. */
  readonly withDependents?: boolean;
}

export interface RestartOptions extends OperationOptions {
  readonly stopTimeoutMs?: number;
  /** All replicas of a service at the same time, not one after the other. */
  readonly atOnce?: boolean;
}

/** A transient service that is to be. */
export interface RunOrder {
  readonly name: string;
  readonly command: readonly string[];
  /** Further keys of service.yaml, as a JSON object; '' for none. */
  readonly definition: string;
  /** The service stays, down, when it is stopped. */
  readonly keep: boolean;
}

/** An order that is carried out at once, without anything to wait for. */
export interface ImmediateOptions {
  readonly cause: Cause;
  readonly requestId?: string;
}

export interface SignalOptions extends ImmediateOptions {
  /** To the process group of the run, not to its process alone. */
  readonly group?: boolean;
  /** Refused when the service is another run by now. */
  readonly expectedRunId?: string;
}

export interface HoldOptions extends ImmediateOptions {
  readonly durationMs: number;
  readonly reason: string;
  readonly throughShutdown: boolean;
}

/**
 * Changes the services. Each method answers with one outcome per selected service, sorted by name,
 * and throws an {@link OperationFailure} when nothing could be attempted: an empty selector, no
 * service of these names, a bad argument, a shutdown in progress.
 */
export interface ServiceControl {
  start(selector: Selector, options: OperationOptions & { readonly once?: boolean }): Promise<readonly Outcome[]>;
  stop(selector: Selector, options: StopOptions): Promise<readonly Outcome[]>;
  restart(selector: Selector, options: RestartOptions): Promise<readonly Outcome[]>;
  /**
   * Changes the number of replicas, until the next boot. The outcomes are those of the replicas
   * that are added or removed.
   */
  scale(name: string, replicas: number, options: OperationOptions): Promise<readonly Outcome[]>;
  reload(selector: Selector, options: ImmediateOptions): Promise<readonly Outcome[]>;
  /** `signal`: `HUP`, `SIGHUP` or `1`. */
  signal(selector: Selector, signal: string, options: SignalOptions): Promise<readonly Outcome[]>;
  /** Starts a command as a transient service. Throws an OperationFailure when it cannot be one. */
  run(order: RunOrder, options: OperationOptions): Promise<Outcome>;
  /**
   * Keeps everybody but people from acting on the services, for a time. A later hold replaces an
   * earlier one.
   */
  hold(selector: Selector, options: HoldOptions): Promise<readonly Outcome[]>;
  release(selector: Selector, options: ImmediateOptions): Promise<readonly Outcome[]>;
  /**
   * Forgets failures: what was given up or is in back-off is started, a process that runs is not
   * touched.
   */
  reset(selector: Selector, options: ImmediateOptions): Promise<readonly Outcome[]>;
  /** The services that a selector names, for reading: an empty one selects all. Throws as above. */
  select(selector: Selector): readonly ServiceStatus[];
  /** The service that a process belongs to by its session; undefined for none. */
  ownerOf(pid: number): ServiceName | undefined;
}
