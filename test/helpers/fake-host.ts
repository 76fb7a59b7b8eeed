import { constants } from 'node:os';
import { monotonicMs } from '../../src/process/clock.js';
import type {
  Acknowledged,
  ProcessHost,
  ProcessListener,
  SignalResult,
  SpawnOrder,
} from '../../src/process/process-host.js';
import { type ProgramEnd, type RunOptions, resumeProgram, runProgram } from '../../src/process/run-program.js';
import type { ExitStatus } from '../../src/types/service.js';

/** How long a fake process takes to react to a signal. */
const REACTION_MS = 1;
/** As with libuv, a failure to start is reported in a later turn. */
const LATER_MS = 0;

export interface FakeProcess {
  readonly pid: number;
  readonly program: string;
  readonly directory: string;
  readonly args: readonly string[];
}

/** How fake processes behave, from now on. */
export interface Behaviour {
  /** fork fails: the limit of processes is reached. */
  forkFails: boolean;
  /** TERM is ignored. */
  stubborn: boolean;
  /** `finish` does not end by itself. */
  finishHangs: boolean;
  /** Each run leaves a process in its session. */
  leaves: boolean;
}

/** An operating system without processes: timers (jest's fake ones) are all it knows. */
export class FakeHost implements ProcessHost {
  readonly behaviour: Behaviour = { forkFails: false, stubborn: false, finishHangs: false, leaves: false };
  /** Rules that were broken: no history may break one. */
  readonly violations: string[] = [];
  readonly #living = new Map<number, FakeProcess & { ended: (status: ExitStatus, atMs?: number) => void }>();
  readonly #bornMs = new Map<number, number>();
  readonly #lastedMs = new Map<number, number>();
  /** Processes that ignore TERM. */
  readonly stubborn = new Set<number>();
  /** The processes that runs have left in their sessions. */
  readonly #leftovers = new Set<number>();
  /** Ends that no controller has been told of yet. */
  readonly #untold = new Map<number, { readonly status: ExitStatus; readonly atMs?: number }>();
  readonly #directoryOf = new Map<number, string>();
  #lastPid = 100;
  #lastStart = '';
  #mayStart = true;

  get living(): readonly FakeProcess[] {
    return [...this.#living.values()];
  }

  get pids(): ReadonlySet<number> {
    return new Set(this.#living.keys());
  }

  /** From now on a start is a violation. */
  forbidStarts(): void {
    this.#mayStart = false;
  }

  spawn(order: SpawnOrder, listener: ProcessListener): void {
    const { program, args, directory = '' } = order;
    if (this.behaviour.forkFails) {
      setTimeout(() => listener.failed(Object.assign(new Error('spawn EAGAIN'), { code: 'EAGAIN' })), LATER_MS);
      return;
    }
    const twin = this.living.find((other) => other.directory === directory);
    if (twin) this.violations.push(`${directory}: ${program} was started beside ${twin.program}`);
    if (program === './run') {
      if (!this.#mayStart) this.violations.push(`${directory}: was started after the shutdown began`);
      if ([...this.#leftovers].some((pid) => this.#directoryOf.get(pid) === directory))
        this.violations.push(`${directory}: was started beside what the run before had left`);
    }
    this.#lastPid += 1;
    this.#lastStart = order.purpose;
    const pid = this.#lastPid;
    this.#directoryOf.set(pid, directory);
    this.#bornMs.set(pid, monotonicMs());
    this.#living.set(pid, { pid, program, directory, args, ended: (status) => listener.ended(status, undefined) });
    if (program === './run' && this.behaviour.leaves) this.#leftovers.add(pid);
    if (program === './finish' && !this.behaviour.finishHangs)
      setTimeout(() => this.end(pid, { kind: 'exited', code: 0 }), REACTION_MS);
    listener.spawned?.(pid);
  }

  run(order: SpawnOrder, options: RunOptions): Promise<ProgramEnd> {
    return runProgram(this, (session) => this.sweep(session, () => true), order, options);
  }

  resumeRun(pid: number, options: RunOptions): Promise<ProgramEnd> {
    return resumeProgram(this, (session) => this.sweep(session, () => true), pid, options);
  }

  startedButUnrecorded(purpose: string): number {
    return this.#lastStart === purpose ? this.#lastPid : 0;
  }

  adopt(pid: number, ended: (status: ExitStatus, atMs?: number) => Acknowledged): void {
    const process = this.#living.get(pid);
    if (process) process.ended = ended;
    else {
      const { status, atMs } = this.#untold.get(pid) ?? { status: { kind: 'lost' } };
      this.#untold.delete(pid);
      setTimeout(() => void ended(status, atMs), LATER_MS);
    }
  }

  signal(pid: number, signal: NodeJS.Signals): Promise<SignalResult> {
    if (!this.#living.has(pid)) return Promise.resolve('ESRCH');
    if (signal === 'SIGKILL' || (signal === 'SIGTERM' && !this.behaviour.stubborn && !this.stubborn.has(pid)))
      setTimeout(
        () => this.end(pid, { kind: 'signaled', signal: constants.signals[signal], coreDumped: false }),
        REACTION_MS,
      );
    return Promise.resolve('sent');
  }

  /** Kills what is left of a session, unless the controller that asked for it dies first. */
  sweep(session: number, alive: () => boolean): Promise<number> {
    if (!this.#leftovers.has(session)) return Promise.resolve(0);
    return new Promise((resolve) =>
      setTimeout(() => {
        if (alive() && this.#leftovers.delete(session)) resolve(1);
      }, REACTION_MS),
    );
  }

  /** The host as one controller sees it: a dead controller does nothing and hears nothing. */
  seenBy(alive: () => boolean): ProcessHost {
    const sweep = (session: number): Promise<unknown> => (alive() ? this.sweep(session, alive) : new Promise(() => {}));
    const view: ProcessHost = {
      spawn: (order, listener) => {
        if (alive())
          this.spawn(order, {
            spawned: (pid) => alive() && listener.spawned?.(pid),
            failed: (error) => alive() && listener.failed(error),
            ended: (status, failure) => (alive() ? listener.ended(status, failure) : undefined),
          });
      },
      adopt: (pid, ended) => this.adopt(pid, (status, atMs) => (alive() ? ended(status, atMs) : undefined)),
      run: (order, options) => runProgram(view, sweep, order, options),
      resumeRun: (pid, options) => resumeProgram(view, sweep, pid, options),
      startedButUnrecorded: (purpose) => this.startedButUnrecorded(purpose),
      signal: (pid, signal) => (alive() ? this.signal(pid, signal) : Promise.resolve('ESRCH')),
    };
    return view;
  }

  /** A process ends. */
  end(pid: number, status: ExitStatus): void {
    const process = this.#living.get(pid);
    this.#living.delete(pid);
    if (process !== undefined) this.#lastedMs.set(pid, monotonicMs() - (this.#bornMs.get(pid) ?? 0));
    void process?.ended(status);
  }

  /** How long an ended process lasted. */
  lastedMs(pid: number): number | undefined {
    return this.#lastedMs.get(pid);
  }

  /** The controller dies: processes go on, and their ends are kept for the next controller. */
  orphan(): void {
    for (const process of this.#living.values())
      process.ended = (status) => void this.#untold.set(process.pid, { status, atMs: monotonicMs() });
  }
}
