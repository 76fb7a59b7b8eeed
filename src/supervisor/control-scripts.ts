import { statSync } from 'node:fs';
import { join } from 'node:path';
import { monotonicMs } from '../process/clock.js';
import type { SpawnOrder } from '../process/process-host.js';
import { type ProgramEnd, type RunOptions, succeeded } from '../process/run-program.js';
import { formatDuration } from '../text/duration.js';
import { describeExit } from './describe-exit.js';
import { explainSpawnError } from './explain-spawn-error.js';
import { commandOrder, explainCommand } from './service-command.js';
import type { ServiceCore } from './service-context.js';
import { isLogger } from './service-directory.js';
import { instanceArguments } from './service-template.js';

/**
 * The scripts `control/LETTER` of a service directory, runsv(8): before a start, in the place of a
 * signal, after a stop. Also `setup` of nitro(8), which has to succeed before `run` is started.
 */
const CONTROL_LETTERS = ['u', 'setup', 't', 'd', 'x', 'k', 'p', 'c', 'a', 'h', 'i', 'q', '1', '2'] as const;
export type ControlLetter = (typeof CONTROL_LETTERS)[number];

const OWNER_MAY_EXECUTE = 0o100;

/** A control script that was begun. */
interface ControlScript {
  readonly letter: ControlLetter;
  /** 0 when it has ended. */
  readonly pid: number;
  /** The script replaced the signal: it exited with 0. */
  readonly handled: boolean;
  /** The exit code; undefined before its end, and where it has none. */
  readonly code?: number | undefined;
}

/** How a control script has ended. */
export interface ControlEnd {
  readonly handled: boolean;
  readonly code: number | undefined;
  /** Why it failed: `was killed by SEGV`; unknown where an earlier controller saw its end. */
  readonly why?: string | undefined;
}

const NOT_RUN: ControlEnd = { handled: false, code: undefined };

/**
 * The part that survives a controller: the scripts that were begun in a state, and that state by
 * the moment in which it was entered.
 */
export interface ControlRecord {
  readonly sinceMs: number;
  readonly scripts: readonly ControlScript[];
}

/**
 * Runs the control scripts of a service, one after the other. None is run twice because a
 * controller died.
 */
export class ControlScripts {
  readonly #service: ServiceCore;
  /** Scripts that an earlier controller began: they are waited for, not begun again. */
  readonly #begun = new Map<ControlLetter, ControlScript>();
  #begunSinceMs = 0;
  #record: ControlRecord | undefined;
  #running: Promise<unknown> | undefined;
  /** Ends a `stop_command` that runs. */
  #stopCommand: AbortController | undefined;

  constructor(service: ServiceCore, record?: ControlRecord) {
    this.#service = service;
    this.#record = record;
  }

  get record(): ControlRecord | undefined {
    return this.#record;
  }

  /** Settles when none runs or waits; undefined when none does. */
  get running(): Promise<unknown> | undefined {
    return this.#running;
  }

  /** None runs, waits or was begun by an earlier controller. */
  get isIdle(): boolean {
    return this.#running === undefined && this.#begun.size === 0;
  }

  /** Scripts of an earlier controller that nobody has asked for yet, and that may still run. */
  get begun(): readonly ControlLetter[] {
    return [...this.#begun.values()].filter(({ pid }) => pid !== 0).map(({ letter }) => letter);
  }

  /**
   * Finds the scripts of an earlier controller: those that still run and, for the present state
   * only, those that have run.
   */
  resume(): void {
    const { sinceMs, scripts = [] } = this.#record ?? {};
    this.#begunSinceMs = this.#sinceMs;
    for (const script of scripts)
      if (script.pid !== 0 || sinceMs === this.#begunSinceMs) this.#begun.set(script.letter, script);
    for (const letter of CONTROL_LETTERS) {
      const pid = this.#service.context.host.startedButUnrecorded(this.#purpose(letter));
      if (pid !== 0 && !this.#begun.has(letter)) this.#begun.set(letter, { letter, pid, handled: false });
    }
  }

  /**
   * Runs one, after those that were asked for before, and says whether it has handled the matter:
   * whether it exited with 0. Where there is none, `done` is called at once.
   */
  run(letter: ControlLetter, done: (end: ControlEnd) => void): void {
    const begun = this.#removeBegun(letter);
    const isThere = (): boolean => begun !== undefined || this.has(letter);
    if (this.#running === undefined && !isThere()) {
      done(NOT_RUN);
      return;
    }
    const before = this.#running ?? Promise.resolve();
    const running = before
      .then((): ControlEnd | Promise<ControlEnd> => {
        if (!isThere()) return NOT_RUN;
        return begun?.pid === 0 ? { handled: begun.handled, code: begun.code } : this.#run(letter, begun?.pid);
      })
      .then((end) => {
        if (this.#running === running) this.#running = undefined;
        done(end);
      });
    this.#running = running;
  }

  /** Runs it to its end, or waits for the process of an earlier controller. */
  async #run(letter: ControlLetter, pid: number | undefined): Promise<ControlEnd> {
    const { name, context, definition } = this.#service;
    const { host } = context;
    const command = this.#command(letter);
    const program = letter === 'setup' ? letter : command === undefined ? `control/${letter}` : 'stop_command';
    const isStop = command !== undefined && letter !== 'setup';
    const cut = isStop ? new AbortController() : undefined;
    if (cut !== undefined) this.#stopCommand = cut;
    const options: RunOptions = {
      timeoutMs: isStop ? this.#graceLeftMs : definition.scriptTimeoutMs,
      stop: cut?.signal,
      graceMs: 0,
      spawned: (spawnedPid) => this.#note({ letter, pid: spawnedPid, handled: false }),
      ended: (end) => this.#note({ letter, pid: 0, ...endOf(end) }),
    };
    let end: ProgramEnd;
    try {
      end = await (pid !== undefined ? host.resumeRun(pid, options) : host.run(this.#order(letter), options));
    } catch (error) {
      // A file of `env_file` cannot be read.
      context.warn(`${name}: ${program} could not be started: ${(error as Error).message}`);
      return { ...NOT_RUN, why: `could not be started: ${(error as Error).message}` };
    }
    if (cut !== undefined && this.#stopCommand === cut) this.#stopCommand = undefined;
    if (end.cutShort !== undefined) context.warn(`${name}: ${program} does not end and is killed`);
    if (isStop && end.cutShort === undefined && end.failure === undefined && !succeeded(end))
      context.warn(`${name}: stop_command ${describeExit(end.status)}; the signal is sent`);
    if (end.failure?.stage === 'spawn')
      context.warn(`${name}: ${program} could not be started: ${explainSpawnError(end.failure)}`);
    else if (end.failure && command)
      context.warn(`${name}: ${program}: ${explainCommand(this.#service, command, end.failure)}`);
    else if (end.failure) context.warn(`${name}: ${program} cannot be executed (${end.failure.code})`);
    return { ...endOf(end), why: this.#whyOf(end, command, options.timeoutMs) };
  }

  #whyOf(end: ProgramEnd, command: readonly string[] | undefined, timeoutMs: number): string | undefined {
    if (succeeded(end)) return undefined;
    if (end.cutShort !== undefined) return `did not end within ${formatDuration(timeoutMs)} and was killed`;
    if (end.failure?.stage === 'spawn') return `could not be started: ${explainSpawnError(end.failure)}`;
    if (end.failure && command) return `could not be executed: ${explainCommand(this.#service, command, end.failure)}`;
    return `${end.status.kind === 'signaled' ? 'was ' : ''}${describeExit(end.status)}`;
  }

  #order(letter: ControlLetter): SpawnOrder {
    const { directory, context } = this.#service;
    const output = context.output();
    const purpose = this.#purpose(letter);
    const command = this.#command(letter);
    if (command !== undefined) return commandOrder(this.#service, purpose, command, output);
    const environment = context.environment();
    return { purpose, program: `control/${letter}`, args: [], directory, environment, as: 'session', output };
  }

  /** Nobody waits for a `stop_command` any longer. */
  cutStopCommand(): void {
    this.#stopCommand?.abort();
  }

  /** `stop_command` takes the place of `control/t`. `setup` runs as the service does. */
  #command(letter: ControlLetter): readonly string[] | undefined {
    const { name, directory } = this.#service;
    if (letter === 'setup') return [join(directory, letter), ...instanceArguments(name, directory)];
    return letter === 't' ? this.#service.definition.stop.command : undefined;
  }

  /** Until KILL. */
  get #graceLeftMs(): number {
    const { machine, definition } = this.#service;
    if (machine.state !== 'stopping') return definition.stop.graceMs;
    return machine.killAtMs === undefined ? Number.POSITIVE_INFINITY : Math.max(0, machine.killAtMs - monotonicMs());
  }

  /** runsv(8) runs no control scripts of a logger. */
  has(letter: ControlLetter): boolean {
    const { name, directory } = this.#service;
    if (letter !== 'setup' && this.#command(letter) !== undefined) return true;
    return !isLogger(name) && isControlScript(join(directory, letter === 'setup' ? letter : `control/${letter}`));
  }

  #note(script: ControlScript): void {
    const sinceMs = this.#sinceMs;
    const before = this.#record?.sinceMs === sinceMs ? this.#record.scripts : [];
    this.#record = { sinceMs, scripts: [...before.filter(({ letter }) => letter !== script.letter), script] };
    this.#service.record();
  }

  /** A finished script counts only for the state in which it ran. */
  #removeBegun(letter: ControlLetter): ControlScript | undefined {
    const begun = this.#begun.get(letter);
    this.#begun.delete(letter);
    return begun?.pid === 0 && this.#begunSinceMs !== this.#sinceMs ? undefined : begun;
  }

  /** The name under which a later controller finds the script again. */
  #purpose(letter: ControlLetter): string {
    return `control/${letter} ${this.#service.name} ${this.#sinceMs}`;
  }

  /** When the service entered its state, which tells one state from the next. */
  get #sinceMs(): number {
    return this.#service.machine.stateSinceMs;
  }
}

const endOf = (end: ProgramEnd): ControlEnd => ({
  handled: succeeded(end),
  code: end.cutShort === undefined && end.status.kind === 'exited' ? end.status.code : undefined,
});

/** Whether there is such a script: runsv(8) looks at the owner's right to execute it. */
function isControlScript(path: string): boolean {
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    return stat !== undefined && (stat.mode & OWNER_MAY_EXECUTE) !== 0;
  } catch {
    return false;
  }
}
