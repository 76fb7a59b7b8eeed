import { signalNumber } from '../process/signals.js';
import type { ExitStatus } from '../types/service.js';

/** The exit codes of my_init: an interface. A main command's own code comes through as it is. */
export const EXIT = {
  ok: 0,
  /** A startup script failed. */
  startupFailed: 1,
  usage: 2,
  /** A fault of my_init. */
  internal: 70,
  /** A setting that cannot be used. */
  configuration: 78,
  /** Something had to be killed at the deadline. */
  killed: 84,
} as const;

/** The container's exit code for the end of its main command: its own, or 128 + the signal. */
export function exitCodeOf(status: ExitStatus): number {
  if (status.kind === 'exited') return status.code;
  return status.kind === 'signaled' ? 128 + status.signal : EXIT.internal;
}

/** The exit code of a command that a signal kept from being started. */
export const exitCodeOfSignal = (signal: 'TERM' | 'INT' | 'QUIT' | 'PWR'): number => 128 + signalNumber(`SIG${signal}`);
