import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import type { ExitStatus, OomKill } from '../types/service.js';
import { environmentDescriptor } from './environment.js';
import type { ForbiddenSignals } from './forbidden-signals.js';
import { decodeWaitStatus, type InitLink } from './init-link.js';
import { standardError } from './last-words.js';
import { launchArguments } from './launch-arguments.js';
import { installed, native } from './native.js';
import type { Acknowledged, ProcessHost, ProcessListener, SignalResult, SpawnOrder } from './process-host.js';
import { type ProgramEnd, type RunOptions, resumeProgram, runProgram } from './run-program.js';
import type { SessionSweeper } from './session-sweeper.js';
import { errnoName, type LaunchFailure, type StartRegister } from './start-register.js';

/** Exit codes of a `launch` that failed. */
const LAUNCH_FAILED = new Set([111, 126, 127]);

/** For `native().spawn`. */
const DEV_NULL = -1;

/** Knows which kills were the kernel's. */
export interface OomWitness {
  /**
   * A process has ended. `mayBe`: by a KILL that was not ours. Returns what the kernel killed it
   * for, if it did.
   */
  ended(mayBe: boolean): OomKill | undefined;
  /** The end of a process is on record. */
  acknowledged(): void;
}

interface StartedLaunch {
  readonly pid: number;
  /** Of its record in the {@link StartRegister}. */
  readonly offset: number;
}

/** Starts processes through `launch`, as children of the controller that init knows of. */
export class LinuxProcessHost implements ProcessHost {
  readonly #launch = installed('launch');
  readonly #link: InitLink;
  readonly #starts: StartRegister;
  readonly #sweeper: SessionSweeper;
  readonly #forbidden: ForbiddenSignals;
  readonly #openFilesLimit: string;
  readonly #children = new Map<number, (status: number, peakKilobytes: number) => void>();
  readonly #oom: OomWitness;
  /** The processes that were sent KILL by us. */
  readonly #killed = new Set<number>();
  /** init has no room for one more status: ended processes wait in the kernel. */
  #behind = false;
  readonly #adopted = new Map<number, (status: ExitStatus, atMs?: number) => Acknowledged>();
  /** Adopted pids that init's full table had no room for; we probe them ourselves. */
  readonly #unwatched = new Set<number>();

  constructor(
    link: InitLink,
    openFilesLimit: string,
    starts: StartRegister,
    sweeper: SessionSweeper,
    forbidden: ForbiddenSignals,
    oom: OomWitness,
  ) {
    this.#link = link;
    this.#sweeper = sweeper;
    this.#forbidden = forbidden;
    this.#openFilesLimit = openFilesLimit;
    this.#starts = starts;
    this.#oom = oom;
    link.on('exited', (pid, status, atMs) => this.#adoptedEnded(pid, status, atMs));
    link.on('unwatched', (pid) => {
      if (!this.#adopted.has(pid)) return;
      this.#unwatched.add(pid);
      this.#lookAt(pid);
    });
    // Unwatched processes are orphans to init.
    link.on('orphans', () => {
      for (const pid of this.#unwatched) this.#lookAt(pid);
    });
    process.on('SIGCHLD', () => this.#childrenEnded());
  }

  spawn(order: SpawnOrder, listener: ProcessListener): void {
    let started: StartedLaunch;
    try {
      started = this.#start(order);
    } catch (error) {
      setImmediate(() => listener.failed(error as NodeJS.ErrnoException));
      return;
    }
    const { pid, offset } = started;
    this.#children.set(pid, (status, peakKilobytes) =>
      this.#childEnded(pid, decodeWaitStatus(status, peakKilobytes), status, listener, offset),
    );
    this.#link.watch(pid);
    listener.spawned?.(pid);
  }

  run(order: SpawnOrder, options: RunOptions): Promise<ProgramEnd> {
    return runProgram(this, (session) => this.#sweeper.sweep(session), order, options);
  }

  resumeRun(pid: number, options: RunOptions): Promise<ProgramEnd> {
    return resumeProgram(this, (session) => this.#sweeper.sweep(session), pid, options);
  }

  #start(order: SpawnOrder): StartedLaunch {
    const offset = this.#starts.begin(order.purpose);
    const environment = environmentDescriptor(order.environment);
    try {
      const input = order.input ?? (order.as === 'foreground' ? 0 : DEV_NULL);
      const { stdout, stderr } = order.output ?? { stdout: 1, stderr: standardError() };
      const command = [this.#launch, ...launchArguments(order, offset, this.#openFilesLimit)];
      const descriptors = [input, stdout, stderr, environment, this.#starts.fd];
      if (order.passed !== undefined) descriptors.push(order.passed.fd);
      return { pid: native().spawn(command, descriptors), offset };
    } finally {
      closeSync(environment);
    }
  }

  adopt(pid: number, ended: (status: ExitStatus, atMs?: number) => Acknowledged): void {
    this.#adopted.set(pid, ended);
    // A process that the earlier controller started in its last instant may not be watched yet.
    this.#link.watch(pid);
  }

  startedButUnrecorded(purpose: string): number {
    return this.#starts.startedButUnrecorded(purpose);
  }

  async signal(pid: number, signal: NodeJS.Signals, group: boolean): Promise<SignalResult> {
    if (signal === 'SIGKILL' && (this.#adopted.has(pid) || this.#children.has(pid))) this.#killed.add(pid);
    const result = pid <= 1 ? 'ESRCH' : await this.#send(pid, signal, group);
    if (result === 'EPERM') this.#forbidden.add(pid, signal);
    return result;
  }

  async #send(pid: number, signal: NodeJS.Signals, group: boolean): Promise<SignalResult> {
    const target = group ? -pid : pid;
    if (this.#adopted.has(pid)) {
      const errno = await this.#link.kill(target, signal);
      return errno === 0 ? 'sent' : errnoName(errno);
    }
    // A pid is somebody else's as soon as it has been waited for.
    if (!this.#children.has(pid)) return 'ESRCH';
    try {
      process.kill(target, signal);
      return 'sent';
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? 'EINVAL';
    }
  }

  /** Every child of this process was started here: libuv starts none. */
  #childrenEnded(): void {
    for (let end = native().ended(0); end !== undefined && !this.#behind; end = native().ended(0)) {
      const [pid, status, peakKilobytes] = end;
      const ended = this.#children.get(pid);
      if (ended === undefined) native().reap(pid);
      else ended(status, peakKilobytes);
    }
  }

  /** init has its status before we wait for it: whenever we die, one of us knows. */
  #childEnded(pid: number, how: ExitStatus, status: number, listener: ProcessListener, offset: number): void {
    const sent = this.#link.exited(pid, status);
    if (sent !== undefined) {
      this.#behind = true;
      void sent.then(() => {
        this.#behind = false;
        this.#childrenEnded();
      });
      return;
    }
    native().reap(pid);
    this.#children.delete(pid);
    const code = how.kind === 'exited' ? how.code : undefined;
    this.#acknowledge(pid, listener.ended(this.#attributed(pid, how), this.#failureOf(pid, code, offset)));
  }

  #adoptedEnded(pid: number, status: ExitStatus, atMs?: number): void {
    const ended = this.#adopted.get(pid);
    this.#adopted.delete(pid);
    this.#unwatched.delete(pid);
    this.#acknowledge(pid, ended?.(this.#attributed(pid, status), atMs));
  }

  /** A KILL that was not ours may be the kernel's. */
  #attributed(pid: number, status: ExitStatus): ExitStatus {
    const isOurs = this.#killed.delete(pid);
    const mayBe = status.kind === 'signaled' && status.signal === constants.signals.SIGKILL && !isOurs;
    const oom = this.#oom.ended(mayBe);
    return mayBe && oom !== undefined ? { ...status, oom } : status;
  }

  #lookAt(unwatched: number): void {
    void this.#link.isChild(unwatched).then((lives) => {
      if (!lives && this.#unwatched.has(unwatched)) this.#adoptedEnded(unwatched, { kind: 'lost' });
    });
  }

  #acknowledge(pid: number, acknowledged: Acknowledged): void {
    void acknowledged?.then(() => this.#acknowledge(pid, undefined));
    if (acknowledged !== undefined) return;
    this.#oom.acknowledged();
    this.#link.acknowledge(pid);
  }

  /** Why launch could not become its program; undefined when it did. */
  #failureOf(pid: number, code: number | undefined, offset: number): LaunchFailure | undefined {
    return code !== undefined && LAUNCH_FAILED.has(code) ? this.#starts.failureOf(pid, offset) : undefined;
  }
}
