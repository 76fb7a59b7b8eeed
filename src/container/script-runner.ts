import { join } from 'node:path';
import { OWN_SOURCE, type Sources } from '../logs/capture/sources.js';
import type { Environment } from '../process/environment.js';
import type { RealProcessHost } from '../process/process-host.js';
import { checkProgram } from '../process/program-check.js';
import { awaitScript, runScript, type ScriptEnd } from '../process/script.js';
import type { SessionSweeper } from '../process/session-sweeper.js';
import { signalName } from '../process/signals.js';
import type { Messages } from '../settings/messages.js';

/** A script that was begun; `pid` is 0 until its process is there, and when it has ended. */
export interface ScriptRecord {
  readonly path: string;
  readonly pid: number;
}

/** What survives a controller of the scripts. */
export interface ScriptRecords {
  /** The script that was begun last, as an earlier controller has left it. */
  readonly saved: ScriptRecord | undefined;
  save(record: ScriptRecord): void;
}

/** Runs startup scripts and hooks, one at a time. */
export class ScriptRunner {
  readonly #host: RealProcessHost;
  readonly #sweeper: SessionSweeper;
  readonly #messages: Messages;
  readonly #environment: () => Environment;
  readonly #logs: Sources;
  readonly #records: ScriptRecords;
  #running: Promise<unknown> | undefined;
  #takenOver = '';

  constructor(
    host: RealProcessHost,
    sweeper: SessionSweeper,
    messages: Messages,
    environment: () => Environment,
    logs: Sources,
    records: ScriptRecords,
  ) {
    this.#logs = logs;
    this.#records = records;
    this.#host = host;
    this.#sweeper = sweeper;
    this.#messages = messages;
    this.#environment = environment;
  }

  /** Settles with the script that runs now; undefined when none does. */
  get running(): Promise<unknown> | undefined {
    return this.#running;
  }

  /** The script that was taken over from an earlier controller, '' when none was. */
  get takenOver(): string {
    return this.#takenOver;
  }

  /** Runs a script to its end, which `stop` brings about early. Returns why it failed, '' when it did not. 0 is no time limit; `begun` is called when its process is there. */
  async run(path: string, timeoutMs: number, stop: AbortSignal, begun = () => {}): Promise<string> {
    this.#messages.info(`Running ${path}...`);
    const end = this.#begin({ path, program: path }, timeoutMs, stop, begun);
    this.#running = end;
    try {
      const ended = await end;
      await new Promise<void>((done) => this.#logs.drain(OWN_SOURCE, done));
      return trouble(path, ended, timeoutMs);
    } finally {
      this.#running = undefined;
    }
  }

  /** Whether a service says with its `check` that it is ready, sv(8). */
  async check(directory: string, timeoutMs: number, stop: AbortSignal): Promise<boolean> {
    if (timeoutMs <= 0) return false;
    const { status } = await this.#begin(
      { path: join(directory, 'check'), program: './check', directory },
      timeoutMs,
      stop,
      () => {},
    );
    return status.kind === 'exited' && status.code === 0;
  }

  /** Takes over the script that an earlier controller was running; `stopFor` says what ends it. */
  takeOver(stopFor: (path: string) => AbortSignal): void {
    const { saved } = this.#records;
    if (saved === undefined) return;
    const pid = saved.pid || this.#host.lateStart(purposeOf(saved.path));
    if (pid === 0) return;
    this.#takenOver = saved.path;
    this.#records.save({ path: saved.path, pid });
    this.#running = awaitScript(this.#host, this.#sweeper, pid, stopFor(saved.path)).finally(() => {
      this.#running = undefined;
      this.#records.save({ path: saved.path, pid: 0 });
    });
  }

  async #begin(
    { path, program, directory }: { readonly path: string; readonly program: string; readonly directory?: string },
    timeoutMs: number,
    stop: AbortSignal,
    begun: () => void,
  ): Promise<ScriptEnd> {
    const order = {
      purpose: purposeOf(path),
      program,
      args: [],
      ...(directory !== undefined && { directory }),
      environment: this.#environment(),
      output: this.#logs.open(OWN_SOURCE)?.output,
    };
    this.#records.save({ path, pid: 0 });
    const end = await runScript(this.#host, this.#sweeper, order, timeoutMs, stop, (pid) => {
      this.#records.save({ path, pid });
      begun();
    });
    this.#records.save({ path, pid: 0 });
    return end;
  }
}

const purposeOf = (path: string): string => `script ${path}`;

function trouble(path: string, { status, timedOut, failure }: ScriptEnd, timeoutMs: number): string {
  if (timedOut) return `${path} was ended: it ran longer than ${Math.round(timeoutMs / 100) / 10} s`;
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
