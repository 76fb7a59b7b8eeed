import { durationOf } from './duration.js';
import { WaitLevel } from './gen/my_init/v1/services.js';
import { type Names, selectorOf } from './selector.js';

export interface Options {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Of an order that is not of one service. */
export interface OrderOptions extends Options {
  /** Names the order: repeated with the same id it is carried out once. Random when undefined. */
  readonly requestId?: string;
}

export interface ApplyOptions extends OrderOptions {
  /** Tells what would be done, and changes nothing. */
  readonly dryRun?: boolean;
}

export interface MutationOptions {
  /** Every service, instead of names. */
  readonly all?: boolean;
  /** How long to wait for the outcome. Giving up does not undo the operation. */
  readonly waitTimeoutMs?: number;
  /** Names the order: repeated with the same id it is carried out once. Random when undefined. */
  readonly requestId?: string;
  readonly signal?: AbortSignal;
}

export interface StartOptions extends MutationOptions {
  /** `ready` when undefined. */
  readonly wait?: 'none' | 'started' | 'ready';
}

export interface StopOptions extends MutationOptions {
  /** `stopped` when undefined. */
  readonly wait?: 'none' | 'stopped';
  /** From TERM to KILL, instead of the service's own stop timeout. */
  readonly stopTimeoutMs?: number;
  /** Stops the services that need these too, and before them. */
  readonly withDependents?: boolean;
}

export interface RestartOptions extends StartOptions, Pick<StopOptions, 'stopTimeoutMs'> {
  /** All replicas of a service at the same time, not one after the other. */
  readonly atOnce?: boolean;
}

export interface RunOptions extends Omit<StartOptions, 'all'> {
  /** Further keys of service.yaml: `{ ready: { tcp: 'localhost:3000' }, user: 'app' }`. */
  readonly definition?: Readonly<Record<string, unknown>>;
  /** The service stays, down, when it is stopped; otherwise it is removed then. */
  readonly keep?: boolean;
}

export interface SignalOptions extends MutationOptions {
  /** To the whole process group, not to the main process alone. */
  readonly group?: boolean;
  /** Only if this run is still the current one. */
  readonly expectedRunId?: string;
}

export interface HoldOptions extends MutationOptions {
  /** How long; 15 minutes when undefined. */
  readonly forMs?: number;
  /** Why: shown wherever the service is. */
  readonly reason?: string;
  /** A shutdown sends it no signal but KILL, at its deadline. */
  readonly throughShutdown?: boolean;
}

export const WAIT_LEVELS = {
  none: WaitLevel.WAIT_LEVEL_NONE,
  started: WaitLevel.WAIT_LEVEL_STARTED,
  ready: WaitLevel.WAIT_LEVEL_READY,
  stopped: WaitLevel.WAIT_LEVEL_STOPPED,
} as const;

export interface ShutdownOptions {
  /** In words, for the log and the termination message. */
  readonly reason?: string;
  /** The container's exit code, where no main command has one. */
  readonly exitCode?: number;
  /** Instead of the configured shutdown timeout. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** The fields of every mutation of several services. */
export function common(names: Names, options: MutationOptions & { readonly wait?: keyof typeof WAIT_LEVELS }) {
  const { all = false, wait, waitTimeoutMs, requestId } = options;
  return {
    selector: selectorOf(names, all),
    requestId,
    wait: wait === undefined ? undefined : WAIT_LEVELS[wait],
    waitTimeout: durationOf(waitTimeoutMs),
  };
}
