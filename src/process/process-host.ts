import type { ExitStatus } from '../types/service.js';
import type { Environment } from './environment.js';
import type { Identity } from './launch-arguments.js';
import type { ProgramEnd, RunOptions } from './run-program.js';
import type { LaunchFailure } from './start-register.js';

/** The descriptors that a process writes to. */
export interface ProcessOutput {
  readonly stdout: number;
  readonly stderr: number;
}

/** A program to run, and how. */
export interface SpawnOrder {
  /**
   * Unique for each start: by it a later controller finds a process that this one started in its
   * last instant.
   */
  readonly purpose: string;
  /** Executed by execve: a path, or a name to be found in PATH with `searchPath`. */
  readonly program: string;
  readonly args: readonly string[];
  /** my_init's own where it is not given. */
  readonly directory?: string | undefined;
  readonly environment: Environment;
  /**
   * `session`: a session of its own and /dev/null as standard input. `foreground`: the terminal and
   * my_init's standard input.
   */
  readonly as: 'session' | 'foreground';
  readonly searchPath?: boolean;
  /** my_init's own standard output and error where it is not given. */
  readonly output?: ProcessOutput | undefined;
  /** Standard input, where it is neither /dev/null nor my_init's own. */
  readonly input?: number | undefined;
  /** A further descriptor of ours, and the number that it has in the process: 3 or more. */
  readonly passed?: { readonly fd: number; readonly at: number } | undefined;
  readonly identity?: Identity | undefined;
  /** `cgroup.procs` of the cgroup that it enters, if it can. */
  readonly group?: string | undefined;
}

export interface ProcessListener {
  /** The process exists. Called before `spawn` returns. */
  spawned?(pid: number): void;
  /** There is no process. Called in a later turn. */
  failed(error: NodeJS.ErrnoException): void;
  /** The process ended. init keeps the status for a later controller until the result settles. */
  ended(status: ExitStatus, failure: LaunchFailure | undefined): Acknowledged;
}

/** Settles when the end of a process has been acted on and is on record. */
export type Acknowledged = Promise<void> | void;

/**
 * Starts processes, adopts processes of an earlier controller, and signals both. The tests have a
 * fake of it.
 */
export interface ProcessHost {
  spawn(order: SpawnOrder, listener: ProcessListener): void;
  /**
   * Adopts a child of init. `atMs`: when the process ended, which may be long before; undefined
   * when nobody saw the end.
   */
  adopt(pid: number, ended: (status: ExitStatus, atMs?: number) => Acknowledged): void;
  /** Runs a short program to its end, or to the end of its time. */
  run(order: SpawnOrder, options: RunOptions): Promise<ProgramEnd>;
  /**
   * Waits for a short program that an earlier controller started. The time limit starts over; the
   * output is not captured.
   */
  resumeRun(pid: number, options: RunOptions): Promise<ProgramEnd>;
  /**
   * The pid of the process, alive or dead, that a dead controller started for this purpose in its
   * last instant; 0 if there is none.
   */
  startedButUnrecorded(purpose: string): number;
  /**
   * Sends a signal; nothing happens when the process is gone. `group`: to the group that the
   * process leads.
   */
  signal(pid: number, signal: NodeJS.Signals, group: boolean): Promise<SignalResult>;
}

/** `sent`, or the errno: `ESRCH` (gone), `EPERM`. */
export type SignalResult = 'sent' | string;
