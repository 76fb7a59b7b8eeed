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
  /** `cycle`: the other service waits for this one in turn. */
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

/** How a process ended. `lost`: the process is gone, and its exit status unknown. */
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
  /** When the service's first process began. */
  readonly startedAtMs: number | undefined;
  /** When the first start came to its outcome; undefined: not yet. */
  readonly endedAtMs: number | undefined;
  readonly outcome: 'ready' | 'completed' | 'failed' | undefined;
}

/**
 * A hold: until it ends, only people act on the service. The service is not restarted, and its
 * `live` check stands still.
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
  /** The files of the service differ from the definition in force. */
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
  /** The service was made by an order, `ServiceControl.run`. */
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
