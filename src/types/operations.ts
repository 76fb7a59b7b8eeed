/** The types by which the rooms give orders to services. */
import type { Cause, ServiceName, ServiceStatus } from './service.js';

/** Selects services; all lists empty and `all` unset selects nothing. */
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
  /** Names the order: a service that has accepted it does not carry it out again. */
  readonly requestId?: string;
  readonly wait: WaitLevel;
  /** How long to wait; a default of the operation when undefined. */
  readonly waitTimeoutMs?: number;
  /** Ends the waiting (not the operation): the client has gone. */
  readonly abort?: AbortSignal;
  /**
   * The service that the client belongs to. The order does not wait for its outcome: that outcome
   * would wait for the client in turn.
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
  /** After a stop: the dependents that have not ended. */
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
   * Forgets failures: a service in `failed` or `backoff` is started, a running process is not
   * touched.
   */
  reset(selector: Selector, options: ImmediateOptions): Promise<readonly Outcome[]>;
  /** The services that a selector names, for reading: an empty one selects all. Throws as above. */
  select(selector: Selector): readonly ServiceStatus[];
  /** The service that a process belongs to by its session; undefined for none. */
  ownerOf(pid: number): ServiceName | undefined;
}
