import type { RelayedSignal } from '../process/init-link.js';
import type { Cause } from '../types/service.js';

/** Why the container ends. */
export interface ContainerEnd {
  readonly code: number;
  /** For the log and for /dev/termination-log. */
  readonly reason: string;
  readonly cause: Cause;
  /** The signal that is sent to the main command. */
  readonly signal: NodeJS.Signals;
  /** For the whole shutdown, where it is not to be the configured one. */
  readonly timeoutMs?: number | undefined;
  /** The signal to my_init that brings it about, where it is one. */
  readonly relayed?: RelayedSignal;
}

/** The shutdown, for parts that may begin it or have to stop for it. */
export interface ShutdownSwitch {
  readonly begun: boolean;
  /** Aborted when it begins. */
  readonly signal: AbortSignal;
  begin(end: ContainerEnd): void;
}
