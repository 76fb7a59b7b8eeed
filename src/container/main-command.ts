import type { Environment } from '../process/environment.js';
import type { ProcessHost } from '../process/process-host.js';
import { startDirectory } from '../process/start-directory.js';
import type { LaunchFailure } from '../process/start-register.js';
import { exitCodeOf } from '../settings/exit-codes.js';
import { describeExit } from '../supervisor/describe-exit.js';
import type { ExitStatus } from '../types/service.js';
import type { ShutdownSwitch } from './container-end.js';
import type { ContainerState } from './container-state.js';

/** How the main command ended. */
export interface CommandEnd {
  readonly status: ExitStatus;
  /** A sentence: how it ended, or why it could not be executed. */
  readonly message: string;
}

/** The main command is started once in the life of a container. */
const PURPOSE = 'command';

/** The main command: in the foreground of the terminal, with my_init's own standard input. */
export class MainCommand {
  readonly #host: ProcessHost;
  readonly #words: readonly string[];
  #pid = 0;
  #ended: (end: CommandEnd) => void = () => {};
  #onEnd: (end: CommandEnd) => void = () => {};
  /** Resolves when the command has ended; never where there is none. */
  readonly end: Promise<CommandEnd>;

  /** `words`: the program and its arguments; none when there is no main command. */
  constructor(host: ProcessHost, words: readonly string[]) {
    this.#host = host;
    this.#words = words;
    this.end = new Promise((resolve) => {
      this.#ended = (end) => {
        this.#pid = 0;
        this.#onEnd(end);
        resolve(end);
      };
    });
  }

  /** Somebody wants one. */
  get wanted(): boolean {
    return this.#words.length > 0;
  }

  /** As it was given; its arguments may hold secrets and are not for the log. */
  get program(): string {
    return this.#words[0] ?? '';
  }

  /** 0 when it does not run. */
  get pid(): number {
    return this.#pid;
  }

  /**
   * Calls the listener at the very moment of the end: the listener's record is written before init
   * forgets the exit status.
   */
  onEnd(listener: (end: CommandEnd) => void): void {
    this.#onEnd = listener;
  }

  start(environment: Environment): void {
    const { program } = this;
    this.#host.spawn(
      {
        purpose: PURPOSE,
        program,
        args: this.#words.slice(1),
        directory: startDirectory(),
        environment,
        as: 'foreground',
        searchPath: true,
      },
      {
        spawned: (pid) => {
          this.#pid = pid;
        },
        failed: (error) =>
          this.#ended({
            status: { kind: 'exited', code: 126 },
            message: `${program} could not be started: ${error.code ?? error.message}`,
          }),
        ended: (status, failure) =>
          this.#ended({ status, message: failure ? explain(program, failure) : describe(program, status) }),
      },
    );
  }

  /**
   * The pid of the command that an earlier controller started and did not put on record any more, 0
   * where it did not.
   */
  get unrecordedPid(): number {
    return this.#host.startedButUnrecorded(PURPOSE);
  }

  /** Takes over the command that an earlier controller started. */
  adopt(pid: number): void {
    this.#pid = pid;
    this.#host.adopt(pid, (status) => this.#ended({ status, message: describe(this.program, status) }));
  }

  signal(signal: NodeJS.Signals, group = false): void {
    if (this.#pid !== 0) void this.#host.signal(this.#pid, signal, group);
  }
}

/** When the main command ends, so does the container, with its code. */
export function endWithCommand(command: MainCommand, state: ContainerState, shutdown: ShutdownSwitch): void {
  command.onEnd(({ status, message }) => {
    shutdown.begin({ code: exitCodeOf(status), reason: message, cause: { kind: 'exit', message }, signal: 'SIGTERM' });
    state.save({ commandPid: 0 });
  });
}

function describe(program: string, status: ExitStatus): string {
  switch (status.kind) {
    case 'exited':
      return `${program} exited with status ${status.code}`;
    case 'signaled':
      return `${program} was ${describeExit(status)}`;
    case 'lost':
      return `${program} is gone and nobody can say how it ended`;
    default:
      return status satisfies never;
  }
}

function explain(program: string, { stage, code }: LaunchFailure): string {
  if (stage !== 'exec') return `${program} could not be started (${stage}: ${code})`;
  switch (code) {
    case 'ENOENT':
      return `${program}: command not found`;
    case 'EACCES':
      return `${program}: permission denied (is it an executable file?)`;
    case 'ENOEXEC':
      return `${program}: exec format error (does its first line lack #!/bin/sh ?)`;
    default:
      return `${program} cannot be executed (${code})`;
  }
}
