import type { ExitStatus } from '../types/service.js';
import { CapturedOutput } from './captured-output.js';
import type { Acknowledged, ProcessHost, SpawnOrder } from './process-host.js';
import type { LaunchFailure } from './start-register.js';

/** From TERM to KILL of a program that has to end early. */
const GRACE_MS = 2_000;

/** How a short program is run. */
export interface RunOptions {
  /** Infinity for no limit. */
  readonly timeoutMs: number;
  /** Ends the program early. */
  readonly stop?: AbortSignal | undefined;
  /** From TERM to KILL when it has to end early; 2 s where it is not given, 0 for KILL at once. */
  readonly graceMs?: number;
  /**
   * Returns the last bytes of each of its outputs, so many at most; `order.output` does not count
   * then.
   */
  readonly captureBytes?: number;
  /** The process exists: the time to put its pid on record. */
  spawned?(pid: number): void;
  /** The program has ended. A record written here is there before init forgets the status. */
  ended?(end: ProgramEnd): void;
}

/** How a short program ended. */
export interface ProgramEnd {
  readonly status: ExitStatus;
  /** Why it had to end early; undefined when it ended by itself. */
  readonly cutShort: 'timeout' | 'stop' | undefined;
  /** Why it could not be executed at all; `stage` is `spawn` when there was no process. */
  readonly failure: LaunchFailure | undefined;
  /** The program's output, with `captureBytes`. */
  readonly stdout: string;
  readonly stderr: string;
}

export const succeeded = ({ status }: ProgramEnd): boolean => status.kind === 'exited' && status.code === 0;

/** Kills what is left of a session. */
type Sweep = (session: number) => Promise<unknown>;

/**
 * Runs a short program to its end. Processes that it leaves in the background are left alone,
 * unless it had to end early: then nothing of its session stays.
 */
export function runProgram(
  host: ProcessHost,
  sweep: Sweep,
  order: SpawnOrder,
  options: RunOptions,
): Promise<ProgramEnd> {
  const run = new Run(host, sweep, options);
  let captured: CapturedOutput | undefined;
  try {
    if (options.captureBytes !== undefined) captured = new CapturedOutput(options.captureBytes);
  } catch (error) {
    run.end({ kind: 'lost' }, notSpawned(error));
    return run.over;
  }
  host.spawn(captured === undefined ? order : { ...order, output: captured }, {
    spawned: (pid) => run.begin(pid),
    failed: (error) => void run.end({ kind: 'lost' }, notSpawned(error), captured?.finish()),
    ended: (status, failure) => run.end(status, failure, captured?.finish()),
  });
  captured?.closeWriters();
  return run.over;
}

const notSpawned = (error: unknown): LaunchFailure => ({
  stage: 'spawn',
  code: (error as NodeJS.ErrnoException).code ?? String(error),
});

/** Waits for a program that an earlier controller started. */
export function resumeProgram(host: ProcessHost, sweep: Sweep, pid: number, options: RunOptions): Promise<ProgramEnd> {
  const run = new Run(host, sweep, options);
  host.adopt(pid, (status) => run.end(status, undefined));
  run.begin(pid);
  return run.over;
}

/** One run with its time limit, and with the reason for which it ends early. */
class Run {
  readonly over: Promise<ProgramEnd>;
  readonly #host: ProcessHost;
  readonly #sweep: Sweep;
  readonly #options: RunOptions;
  readonly #stop = (): void => this.#cut('stop');
  #resolve: (end: ProgramEnd) => void = () => {};
  #pid = 0;
  #timer: NodeJS.Timeout | undefined;
  #cutShort: ProgramEnd['cutShort'];

  constructor(host: ProcessHost, sweep: Sweep, options: RunOptions) {
    this.#host = host;
    this.#sweep = sweep;
    this.#options = options;
    this.over = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  begin(pid: number): void {
    const { timeoutMs, stop } = this.#options;
    this.#pid = pid;
    this.#options.spawned?.(pid);
    if (Number.isFinite(timeoutMs)) this.#timer = setTimeout(() => this.#cut('timeout'), timeoutMs);
    if (stop?.aborted) this.#cut('stop');
    else stop?.addEventListener('abort', this.#stop, { once: true });
  }

  end(status: ExitStatus, failure: LaunchFailure | undefined, output = { stdout: '', stderr: '' }): Acknowledged {
    clearTimeout(this.#timer);
    this.#options.stop?.removeEventListener('abort', this.#stop);
    const end: ProgramEnd = { status, cutShort: this.#cutShort, failure, ...output };
    if (this.#cutShort === undefined) return this.#settle(end);
    return this.#sweep(this.#pid).then(() => this.#settle(end));
  }

  #settle(end: ProgramEnd): void {
    this.#options.ended?.(end);
    this.#resolve(end);
  }

  #cut(why: ProgramEnd['cutShort']): void {
    if (this.#cutShort !== undefined) return;
    const { graceMs = GRACE_MS } = this.#options;
    clearTimeout(this.#timer);
    this.#cutShort = why;
    const kill = (): void => void this.#host.signal(this.#pid, 'SIGKILL', false);
    if (graceMs === 0) {
      kill();
      return;
    }
    void this.#host.signal(this.#pid, 'SIGTERM', false);
    this.#timer = setTimeout(kill, graceMs);
  }
}
