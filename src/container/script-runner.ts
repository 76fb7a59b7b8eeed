import { OWN_SOURCE, type Sources } from '../logs/capture/sources.js';
import type { Environment } from '../process/environment.js';
import type { ProcessHost } from '../process/process-host.js';
import { checkProgram } from '../process/program-check.js';
import type { ProgramEnd } from '../process/run-program.js';
import { signalName } from '../process/signals.js';
import { startDirectory } from '../process/start-directory.js';
import type { Messages } from '../settings/messages.js';
import { fieldsOf, numberOf } from '../state/fields.js';
import type { RecordEntry, RecordKind } from '../state/records.js';

/** Scripts have the standard input of my_init. */
const STANDARD_INPUT = 0;

/** A script that was begun; `pid` is 0 until its process is there, and when it has ended. */
export interface ScriptRecord {
  readonly path: string;
  readonly pid: number;
}

/** The script that was begun last. */
export const SCRIPT_RECORD: RecordKind<ScriptRecord> = {
  key: 'script',
  decode: (value) => {
    const { path, pid } = fieldsOf(value);
    return typeof path === 'string' ? { path, pid: numberOf(pid) ?? 0 } : undefined;
  },
};

export interface ScriptOptions {
  /** Infinity for no limit. */
  readonly timeoutMs: number;
  /** Ends the script early. */
  readonly stop: AbortSignal;
  /** Called when the process of the script exists. */
  readonly begun?: () => void;
}

/** Runs startup scripts and hooks, one at a time. */
export class ScriptRunner {
  readonly #host: ProcessHost;
  readonly #messages: Messages;
  readonly #environment: () => Environment;
  readonly #logs: Sources;
  readonly #record: RecordEntry<ScriptRecord>;
  #running: Promise<unknown> | undefined;
  #adopted = '';

  constructor(
    host: ProcessHost,
    messages: Messages,
    environment: () => Environment,
    logs: Sources,
    record: RecordEntry<ScriptRecord>,
  ) {
    this.#logs = logs;
    this.#record = record;
    this.#host = host;
    this.#messages = messages;
    this.#environment = environment;
  }

  /** Settles with the script that runs now; undefined when none does. */
  get running(): Promise<unknown> | undefined {
    return this.#running;
  }

  /** The script that was adopted from an earlier controller, '' when none was. */
  get adopted(): string {
    return this.#adopted;
  }

  /** Runs a script to its end. Returns why it failed, '' when it did not. */
  async run(path: string, options: ScriptOptions): Promise<string> {
    this.#messages.info(`Running ${path}...`);
    const end = this.#begin(path, options);
    this.#running = end;
    try {
      const ended = await end;
      await new Promise<void>((done) => this.#logs.drain(OWN_SOURCE, done));
      return trouble(path, ended, options.timeoutMs);
    } finally {
      this.#running = undefined;
    }
  }

  /**
   * Adopts the script that an earlier controller was running; `stopFor` returns the signal that
   * ends it early.
   */
  adopt(stopFor: (path: string) => AbortSignal): void {
    const { saved } = this.#record;
    if (saved === undefined) return;
    const pid = saved.pid || this.#host.startedButUnrecorded(purposeOf(saved.path));
    if (pid === 0) return;
    this.#adopted = saved.path;
    this.#record.put({ path: saved.path, pid });
    const stop = stopFor(saved.path);
    const ended = (): void => this.#record.put({ path: saved.path, pid: 0 });
    this.#running = this.#host.resumeRun(pid, { timeoutMs: Number.POSITIVE_INFINITY, stop, ended }).finally(() => {
      this.#running = undefined;
    });
  }

  #begin(path: string, { timeoutMs, stop, begun }: ScriptOptions): Promise<ProgramEnd> {
    const record = (pid: number): void => this.#record.put({ path, pid });
    record(0);
    return this.#host.run(
      {
        purpose: purposeOf(path),
        program: path,
        args: [],
        directory: startDirectory(),
        environment: this.#environment(),
        as: 'session',
        input: STANDARD_INPUT,
        output: this.#logs.open(OWN_SOURCE)?.output,
      },
      {
        timeoutMs,
        stop,
        spawned: (pid) => {
          record(pid);
          begun?.();
        },
        ended: () => record(0),
      },
    );
  }
}

const purposeOf = (path: string): string => `script ${path}`;

function trouble(path: string, { status, cutShort, failure }: ProgramEnd, timeoutMs: number): string {
  if (cutShort === 'timeout') return `${path} was ended: it ran longer than ${Math.round(timeoutMs / 100) / 10} s`;
  if (failure) return `${path} failed: ${checkProgram(path) ?? `${failure.stage}: ${failure.code}`}`;
  switch (status.kind) {
    case 'exited':
      return status.code === 0 ? '' : `${path} failed with status ${status.code}`;
    case 'signaled':
      return `${path} failed: it was killed by ${signalName(status.signal)}`;
    case 'lost':
      return `${path} failed: nobody can say how it ended`;
    default:
      return status satisfies never;
  }
}
