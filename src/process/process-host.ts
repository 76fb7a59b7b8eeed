import { closeSync } from 'node:fs';
import type { ExitStatus } from '../types/service.js';
import { type Environment, environmentDescriptor } from './environment.js';
import { decodeWaitStatus, type InitLink } from './init-link.js';
import { standardError } from './last-words.js';
import { installed, native } from './native.js';
import { errnoName, type LaunchFailure, type StartRegister } from './start-register.js';

/** What a process writes to. */
export interface ProcessOutput {
  readonly stdout: number;
  readonly stderr: number;
}

/** What to run and how. */
export interface SpawnOrder {
  /** What it is for: a later controller finds by it what was started in the last instant of this one. Unique for each start. */
  readonly purpose: string;
  /** Executed by execve: a path, or a name to be found in PATH with `searchPath`. */
  readonly program: string;
  readonly args: readonly string[];
  /** my_init's own where it is not given. */
  readonly directory?: string;
  readonly environment: Environment;
  /**
   * `session`: a session of its own and /dev/null as standard input. `foreground`: the terminal and my_init's standard input.
   */
  readonly as: 'session' | 'foreground';
  readonly searchPath?: boolean;
  /** Standard output and error: my_init's own where they are not given. */
  readonly output?: ProcessOutput | undefined;
  /** Standard input, where it is neither /dev/null nor my_init's own. */
  readonly input?: number | undefined;
}

export interface ProcessListener {
  /** The process exists. Called before `spawn` returns. */
  spawned?(pid: number): void;
  /** There is no process. Called in a later turn. */
  failed(error: NodeJS.ErrnoException): void;
  /** The process ended. init keeps the status for a later controller until what is returned settles. */
  ended(status: ExitStatus, failure: LaunchFailure | undefined): Taken;
}

/** Settles when the end of a process has been acted on and is on record. */
export type Taken = Promise<void> | void;

/** Starts processes, takes over those of an earlier controller, and signals both. The tests have a fake of it. */
export interface ProcessHost {
  spawn(order: SpawnOrder, listener: ProcessListener): void;
  /** Takes over a child of init. */
  adopt(pid: number, ended: (status: ExitStatus) => Taken): void;
  /** The pid of what a dead controller started for this purpose in its last instant, be it alive or not; 0 when it did not. */
  lateStart(purpose: string): number;
  /** Sends a signal; nothing happens when the process is gone. The group is the one that the process leads. */
  signal(pid: number, signal: NodeJS.Signals, group: boolean): Promise<SignalResult>;
}

/** `sent`, or the errno: `ESRCH` (gone), `EPERM`. */
export type SignalResult = 'sent' | string;

/** What `launch` exits with when it fails. */
const LAUNCH_FAILED = new Set([111, 126, 127]);

/** For `native().spawn`. */
const DEV_NULL = -1;

interface LaunchCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly environment: number;
  /** The file of the {@link StartRegister}, and where in it the record of this start is. */
  readonly register: number;
  readonly offset: number;
}

interface StartedLaunch {
  readonly pid: number;
  readonly offset: number;
}

export class RealProcessHost implements ProcessHost {
  readonly #launch = installed('launch');
  readonly #link: InitLink;
  readonly #starts: StartRegister;
  readonly #openFilesLimit: string;
  readonly #children = new Map<number, (status: number) => void>();
  /** init has no room for one more status: those who have ended wait in the kernel. */
  #behind = false;
  readonly #adopted = new Map<number, (status: ExitStatus) => Taken>();
  /** Those of the adopted that init has no place for: it will not tell of their end. */
  readonly #unwatched = new Set<number>();

  constructor(link: InitLink, openFilesLimit: string, starts: StartRegister) {
    this.#link = link;
    this.#openFilesLimit = openFilesLimit;
    this.#starts = starts;
    link.on('exited', (pid, status) => this.#adoptedEnded(pid, status));
    link.on('unwatched', (pid) => {
      if (!this.#adopted.has(pid)) return;
      this.#unwatched.add(pid);
      this.#lookAt(pid);
    });
    // One that init does not watch is an orphan to it.
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
    this.#children.set(pid, (status) => this.#childEnded(pid, status, listener, offset));
    this.watch(pid);
    listener.spawned?.(pid);
  }

  #start(order: SpawnOrder): StartedLaunch {
    const { file, args, environment, register, offset } = this.prepare(order);
    try {
      const input = order.input ?? (order.as === 'foreground' ? 0 : DEV_NULL);
      const { stdout, stderr } = order.output ?? { stdout: 1, stderr: standardError() };
      return { pid: native().spawn([file, ...args], [input, stdout, stderr, environment, register]), offset };
    } finally {
      closeSync(environment);
    }
  }

  /** The command that becomes the ordered program. The caller closes `environment`. */
  prepare(order: SpawnOrder): LaunchCommand {
    const offset = this.#starts.begin(order.purpose);
    return {
      file: this.#launch,
      args: this.#launchArguments(order, offset),
      environment: environmentDescriptor(order.environment),
      register: this.#starts.fd,
      offset,
    };
  }

  /** Has init keep the exit status of a child, should we die before it. */
  watch(pid: number): void {
    this.#link.watch(pid);
  }

  /** The end of a process is on record. */
  took(pid: number): void {
    this.#link.took(pid);
  }

  adopt(pid: number, ended: (status: ExitStatus) => Taken): void {
    this.#adopted.set(pid, ended);
    // One that was started in the last instant of the earlier controller may not be watched yet.
    this.watch(pid);
  }

  lateStart(purpose: string): number {
    return this.#starts.lateStart(purpose);
  }

  async signal(pid: number, signal: NodeJS.Signals, group: boolean): Promise<SignalResult> {
    if (pid <= 1) return 'ESRCH';
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

  /** Some of our children have ended, or of those that libuv has started, and waits for. */
  #childrenEnded(): void {
    if (this.#behind) return;
    let ended = native().ended(0);
    for (; ended !== undefined && this.#children.has(ended[0]); ended = native().ended(0)) {
      this.#children.get(ended[0])?.(ended[1]);
      if (this.#behind) return;
    }
    if (ended === undefined) return;
    // One of libuv's hides the rest of ours.
    for (const [pid, take] of this.#children) {
      const own = native().ended(pid);
      if (own !== undefined) take(own[1]);
      if (this.#behind) return;
    }
  }

  /** init has its status before we wait for it: whenever we die, one of us knows. */
  #childEnded(pid: number, status: number, listener: ProcessListener, offset: number): void {
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
    const how = decodeWaitStatus(status);
    const code = how.kind === 'exited' ? how.code : undefined;
    this.#take(pid, listener.ended(how, this.failureOf(pid, code, offset)));
  }

  #adoptedEnded(pid: number, status: ExitStatus): void {
    const ended = this.#adopted.get(pid);
    this.#adopted.delete(pid);
    this.#unwatched.delete(pid);
    this.#take(pid, ended?.(status));
  }

  #lookAt(unwatched: number): void {
    void this.#link.isChild(unwatched).then((lives) => {
      if (!lives && this.#unwatched.has(unwatched)) this.#adoptedEnded(unwatched, { kind: 'lost' });
    });
  }

  #take(pid: number, taken: Taken): void {
    if (taken === undefined) this.took(pid);
    else void taken.then(() => this.took(pid));
  }

  #launchArguments(order: SpawnOrder, offset: number): string[] {
    const how = [order.as === 'session' ? '-s' : '-f'];
    if (order.directory !== undefined) how.push('-d', order.directory);
    if (order.searchPath) how.push('-p');
    return [
      '-r',
      `4:${offset}:${process.pid}`,
      ...how,
      '-E',
      '3',
      '-n',
      this.#openFilesLimit,
      '--',
      order.program,
      ...order.args,
    ];
  }

  /** Why launch could not become its program; undefined when it did. */
  failureOf(pid: number, code: number | undefined, offset: number): LaunchFailure | undefined {
    return code !== undefined && LAUNCH_FAILED.has(code) ? this.#starts.failureOf(pid, offset) : undefined;
  }
}
