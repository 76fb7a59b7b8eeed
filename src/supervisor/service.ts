import { join } from 'node:path';
import { monotonicMs } from '../process/clock.js';
import type { Environment } from '../process/environment.js';
import type { ProcessHost, ProcessOutput, SignalResult } from '../process/process-host.js';
import type { LaunchFailure } from '../process/start-register.js';
import type { ExitStatus, ServiceName, ServiceStatus } from '../types/service.js';
import { type ControlLetter, ControlScripts, hasScripts } from './control-scripts.js';
import { identityOf } from './directory-listing.js';
import { explainSpawnError } from './explain-spawn-error.js';
import { type Effect, initialMachine, type Machine, type MachineEvent } from './machine.js';
import { runIdOf } from './run-id.js';
import { checkFinish, checkRun, isAutostarted, serviceEnvironment } from './service-directory.js';
import type { ServiceRecord } from './service-record.js';
import { step } from './table.js';
import { type TerminateEffect, terminateEffect } from './transitions.js';

/** What a service needs of the world. */
export interface ServiceWorld {
  readonly host: ProcessHost;
  readonly bootId: string;
  /** The container's environment, as it is now. */
  environment(): Environment;
  /** What the processes of a service write to; undefined: what my_init writes to. */
  output(name: ServiceName): ProcessOutput | undefined;
  /** What a service reads; undefined: nothing. */
  input(name: ServiceName): number | undefined;
  /** Takes in what the process of a service has written, which is gone now, and calls `done`. */
  drain(name: ServiceName, done: () => void): void;
  /** How long a control script may take. */
  scriptTimeoutMs(): number;
  /** How long `finish` may take, or Infinity. */
  finishTimeoutMs(): number;
  /** Kills what is left of a session. */
  sweep(session: number): Promise<number>;
  /** Takes the service as ours to supervise, if it is not yet; else why somebody else does. */
  claim(service: Service): string | undefined;
  /** Puts the service on record, before the effects of a step are carried out. */
  record(record: ServiceRecord): void;
  /** The one publication of a status. */
  publish(previous: ServiceStatus, status: ServiceStatus, event: MachineEvent): void;
  /** The service is down and its directory is gone. */
  forget(service: Service): void;
  /** A warning worth a line in the log. */
  warn(text: string): void;
}

/** One service: feeds events to the machine and carries out what it decides. */
export class Service {
  readonly name: ServiceName;
  readonly directory: string;
  readonly #world: ServiceWorld;
  #identity: string;
  #autostart: boolean;
  #machine: Machine;
  #status: ServiceStatus;
  #timer: NodeJS.Timeout | undefined;
  #timerAtMs: number | undefined;
  #finishPid = 0;
  readonly #queue: MachineEvent[] = [];
  #busy = false;
  readonly #scripts: ControlScripts;

  constructor(name: ServiceName, directory: string, world: ServiceWorld, record?: ServiceRecord) {
    this.name = name;
    this.directory = directory;
    this.#world = world;
    this.#identity = record?.identity ?? identityOf(directory) ?? '';
    this.#autostart = record?.autostart ?? isAutostarted(directory);
    this.#machine = record?.machine ?? initialMachine(this.#autostart, monotonicMs());
    this.#finishPid = record?.finishPid ?? 0;
    this.#scripts = new ControlScripts(
      name,
      directory,
      world,
      { now: () => this.#machine.stateSinceMs, save: () => this.record() },
      record?.controlled,
    );
    this.#status = this.#describe();
  }

  get status(): ServiceStatus {
    return this.#status;
  }

  /** What tells its directory from any other, whatever it is called by now. */
  get identity(): string {
    return this.#identity;
  }

  /** Another directory may have taken the name of the one that it was. */
  isIn(identity: string): void {
    if (identity === this.#identity) return;
    this.#identity = identity;
    this.record();
  }

  /** Takes over what an earlier controller left running, and goes on with what it had begun. Nothing is done twice. */
  resume(): void {
    const { host } = this.#world;
    const { state, desired, cause } = this.#machine;
    const exited = (status: ExitStatus): Promise<void> => this.#exited(status);
    this.#armTimer();
    this.#scripts.resume();
    const isAwaited = this.#machine.pid === 0 && (state === 'starting' || state === 'stopping');
    const late = isAwaited ? host.startedButUnrecorded(this.#purpose('run')) : 0;
    const pid = this.#machine.pid || late;
    if (pid !== 0) host.adopt(pid, exited);
    if (late !== 0) this.dispatch({ type: 'spawned', pid });
    switch (state) {
      case 'down':
        // It was put on record and not yet started.
        if (desired === 'up') this.dispatch({ type: 'start', cause });
        break;
      case 'starting':
        if (pid === 0) this.#spawn();
        break;
      case 'stopping':
        if (pid === 0 && this.#scripts.begun.includes('u'))
          this.#scripts.run('u', () => this.dispatch({ type: 'withheld' }));
        else if (pid === 0) this.dispatch({ type: 'withheld' });
        else if (late === 0) this.#resumeStop();
        break;
      case 'finishing':
        this.#resumeFinish();
        break;
      case 'up':
      case 'backoff':
      case 'failed':
        break;
      default:
        state satisfies never;
    }
  }

  /** Control scripts of an earlier controller that nobody has asked for yet; they may still run. */
  get begunScripts(): readonly ControlLetter[] {
    return this.#scripts.begun;
  }

  /** The directory is there (still, or again). */
  restore(): void {
    if (!this.#machine.removed) return;
    this.#autostart = isAutostarted(this.directory);
    this.dispatch({ type: 'restored', autostart: this.#autostart });
  }

  /** Everything that happens to the service comes through here. */
  dispatch(event: MachineEvent): void {
    this.#queue.push(event);
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) this.#take(next);
    } finally {
      this.#busy = false;
    }
  }

  /** Sends a signal to the process of the current run. */
  async signal(signal: NodeJS.Signals, group: boolean): Promise<SignalResult> {
    const result = await this.#world.host.signal(this.#machine.pid, signal, group);
    if (result === 'sent' && signal === 'SIGSTOP') this.dispatch({ type: 'paused', paused: true });
    if (result === 'sent' && signal === 'SIGCONT') this.dispatch({ type: 'paused', paused: false });
    return result;
  }

  /** Does what a script of the name `control/LETTER` does in the place of a signal or, where there is none, sends the signal. */
  async control(letter: ControlLetter, signal: NodeJS.Signals): Promise<SignalResult> {
    if (this.#machine.pid === 0) return 'ESRCH';
    const isThere = this.#isThere();
    const handled = await this.script(letter);
    if (!isThere()) return 'ESRCH';
    if (!handled) return this.signal(signal, false);
    if (letter === 'p' || letter === 'c') this.dispatch({ type: 'paused', paused: letter === 'p' });
    return 'sent';
  }

  /** Runs `control/LETTER`. Resolves to whether it has taken the matter into its hands. */
  script(letter: ControlLetter): Promise<boolean> {
    return new Promise((resolve) => this.#scripts.run(letter, resolve));
  }

  /** Settles when no control script runs or waits; undefined when none does. */
  get controlling(): Promise<unknown> | undefined {
    return this.#scripts.running;
  }

  /** Looks at the directory again, after it changed. */
  refresh(): void {
    const autostart = isAutostarted(this.directory);
    if (autostart !== this.#autostart) {
      this.#autostart = autostart;
      this.record();
      this.#publish({ type: 'changed' });
    }
    this.dispatch({ type: 'changed' });
  }

  /** Looks whether what could not be started can be by now, where a change may have been missed. */
  recheck(): void {
    if (this.#machine.state === 'failed' && checkRun(this.directory) === undefined) this.refresh();
  }

  /** Puts it on record for the next controller; at each step it does so by itself. */
  record(): void {
    const { name, directory } = this;
    const record: ServiceRecord = {
      name,
      directory,
      identity: this.#identity,
      autostart: this.#autostart,
      machine: this.#machine,
      finishPid: this.#finishPid,
      controlled: this.#scripts.record,
    };
    try {
      this.#world.record(record);
    } catch (error) {
      // A path of thousands of bytes does not fit; without a record the service still runs.
      this.#world.warn(`${name}: would not outlive a death of the controller: ${(error as Error).message}`);
    }
  }

  #take(event: MachineEvent): void {
    const now = { nowMs: monotonicMs(), random: Math.random(), finishTimeoutMs: this.#world.finishTimeoutMs() };
    const { machine, effects } = step(this.#machine, event, now);
    if (machine !== this.#machine) {
      this.#machine = machine;
      this.record();
      this.#armTimer();
      this.#publish(event);
    }
    for (const effect of effects) this.#carryOut(effect);
  }

  #carryOut(effect: Effect): void {
    switch (effect.type) {
      case 'spawn':
        this.#spawn();
        break;
      case 'terminate':
        this.#terminate(effect);
        break;
      case 'kill':
        void this.#world.host.signal(this.#machine.pid, 'SIGKILL', false);
        if (effect.group) void this.#world.host.signal(this.#machine.pid, 'SIGKILL', true);
        break;
      case 'clear_up':
        void this.#clearUp();
        break;
      case 'kill_finish':
        this.#world.warn(`${this.name}: finish does not end and is killed`);
        void this.#world.host.signal(this.#finishPid, 'SIGKILL', true);
        break;
      case 'begin_anew':
        this.#autostart = isAutostarted(this.directory);
        if (this.#autostart) this.dispatch({ type: 'start', cause: this.#machine.cause });
        break;
      case 'forget':
        clearTimeout(this.#timer);
        this.#world.forget(this);
        break;
      default:
        effect satisfies never;
    }
  }

  #spawn(): void {
    const trouble = this.#world.claim(this);
    if (trouble !== undefined) {
      this.dispatch({ type: 'spawn_failed', trouble });
      return;
    }
    const { run } = this.#machine;
    this.#scripts.run('u', () => {
      const { run: now, state, halted } = this.#machine;
      if (now === run && state === 'starting' && !halted) this.#spawnRun();
      else this.dispatch({ type: 'withheld' });
    });
  }

  #spawnRun(): void {
    const environment = this.#prepare();
    if (typeof environment === 'string') {
      this.dispatch({ type: 'exited', status: { kind: 'exited', code: 111 }, unstartable: environment });
      return;
    }
    this.#world.host.spawn(
      {
        purpose: this.#purpose('run'),
        program: './run',
        args: [],
        directory: this.directory,
        environment,
        as: 'session',
        output: this.#world.output(this.name),
        input: this.#world.input(this.name),
      },
      {
        spawned: (pid) => this.dispatch({ type: 'spawned', pid }),
        failed: (error) => this.dispatch({ type: 'spawn_failed', trouble: explainSpawnError(error) }),
        ended: (status, failure) =>
          this.#exited(status, failure && (checkRun(this.directory) ?? explainFailure(this.directory, failure))),
      },
    );
  }

  /** TERM or `control/t`, CONT, and `control/d` or `control/x`: to the run that there is now, and to no later one. */
  #terminate({ script, wake, after }: Omit<TerminateEffect, 'type'>, sent = false): void {
    const { pid } = this.#machine;
    if (pid === 0) return;
    const isThere = this.#isThere();
    const carryOut = (handled: boolean): void => {
      if (!handled && isThere()) {
        void this.#world.host.signal(pid, 'SIGTERM', false);
        this.dispatch({ type: 'termed' });
      }
      if (wake && isThere()) void this.#world.host.signal(pid, 'SIGCONT', false);
      if (after !== undefined) this.#scripts.run(after, () => {});
    };
    if (script && !sent) this.#scripts.run('t', carryOut);
    else carryOut(sent);
  }

  /** Whether the run of this moment is still there, whenever that is asked. */
  #isThere(): () => boolean {
    const { run } = this.#machine;
    return () => this.#machine.run === run && this.#machine.pid !== 0;
  }

  #purpose(what: string): string {
    return `${what} ${this.name} ${this.#machine.run}`;
  }

  /** The TERM was on record and may not have been sent, nor what comes before and after it. */
  #resumeStop(): void {
    const { pid, termed, killed } = this.#machine;
    if (killed) void this.#world.host.signal(pid, 'SIGKILL', false);
    else this.#terminate(terminateEffect(this.#machine), termed);
  }

  #resumeFinish(): void {
    const { host } = this.#world;
    this.#finishPid ||= host.startedButUnrecorded(this.#purpose('finish'));
    if (this.#finishPid === 0) void this.#clearUp();
    else host.adopt(this.#finishPid, () => this.#finished());
  }

  /** Its last words come before the news of its end. */
  #exited(status: ExitStatus, unstartable?: string): Promise<void> {
    return new Promise((recorded) =>
      this.#world.drain(this.name, () => {
        this.dispatch({ type: 'exited', status, ...(unstartable !== undefined && { unstartable }) });
        recorded();
      }),
    );
  }

  /** The environment of the run, or why it cannot be started as it stands. */
  #prepare(): Environment | string {
    const trouble = checkRun(this.directory);
    if (trouble !== undefined) return trouble;
    try {
      return serviceEnvironment(this.directory, this.#world.environment());
    } catch (error) {
      return (error as Error).message;
    }
  }

  /** Its control scripts end, what the run left behind is killed, then `finish` runs, then what that left behind is killed. */
  async #clearUp(): Promise<void> {
    const { ended } = this.#machine;
    if (ended === undefined) return;
    while (this.controlling !== undefined) await this.controlling;
    if (ended.session !== 0) await this.#world.sweep(ended.session);
    const finish = hasScripts(this.name) ? checkFinish(this.directory) : 'absent';
    if (finish !== 'usable') {
      if (finish !== 'absent') this.#world.warn(`${this.name}: finish is left out: ${finish.trouble}`);
      this.dispatch({ type: 'finished' });
      return;
    }
    this.#world.host.spawn(
      {
        purpose: this.#purpose('finish'),
        program: './finish',
        args: finishArguments(ended.status),
        directory: this.directory,
        environment: this.#world.environment(),
        as: 'session',
        output: this.#world.output(this.name),
      },
      {
        spawned: (pid) => {
          this.#finishPid = pid;
          this.record();
          this.#publish({ type: 'changed' });
        },
        failed: (error) => {
          this.#world.warn(`${this.name}: finish could not be started: ${explainSpawnError(error)}`);
          this.dispatch({ type: 'finished' });
        },
        ended: () => this.#finished(),
      },
    );
  }

  async #finished(): Promise<void> {
    if (this.#finishPid !== 0) await this.#world.sweep(this.#finishPid);
    this.#finishPid = 0;
    this.dispatch({ type: 'finished' });
  }

  #armTimer(): void {
    if (this.#machine.timerAtMs === this.#timerAtMs) return;
    this.#timerAtMs = this.#machine.timerAtMs;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#timerAtMs === undefined) return;
    this.#timer = setTimeout(
      () => {
        this.#timerAtMs = undefined;
        this.dispatch({ type: 'timer' });
      },
      Math.max(0, Math.ceil(this.#timerAtMs - monotonicMs())),
    );
  }

  #publish(event: MachineEvent): void {
    const previous = this.#status;
    this.#status = this.#describe();
    this.#world.publish(previous, this.#status, event);
  }

  #describe(): ServiceStatus {
    const { state, timerAtMs, pid, startedAtMs } = this.#machine;
    const waits = state === 'backoff' || state === 'failed';
    return {
      name: this.name,
      directory: this.directory,
      autostart: this.#autostart,
      state,
      desired: this.#machine.desired,
      ready: state === 'up',
      paused: this.#machine.paused,
      termed: this.#machine.termed,
      leaving: this.#machine.leaving,
      finishPid: this.#finishPid,
      stateSinceMs: this.#machine.stateSinceMs,
      pid,
      run: this.#machine.run,
      runId: runIdOf(this.#world.bootId, this.name, this.#machine.run),
      startedAtMs: pid === 0 ? undefined : startedAtMs,
      consecutiveFailures: this.#machine.consecutiveFailures,
      lastExit: this.#machine.lastExit,
      nextStartAtMs: waits ? timerAtMs : undefined,
      cause: this.#machine.cause,
      trouble: this.#machine.trouble,
      counters: this.#machine.counters,
    };
  }
}

/** runit's arguments of `finish`: the exit code, or -1; then the signal, with 128 for a core dump. */
function finishArguments(status: ExitStatus): string[] {
  if (status.kind === 'exited') return [String(status.code), '0'];
  if (status.kind === 'lost') return ['-1', '0'];
  return ['-1', String(status.signal + (status.coreDumped ? 128 : 0))];
}

function explainFailure(directory: string, { stage, code }: LaunchFailure): string {
  const run = join(directory, 'run');
  if (stage === 'chdir') return `${directory}: cannot be entered (${code})`;
  if (code === 'E2BIG') return `${run}: cannot be executed: its environment is too big, or one variable of it (E2BIG)`;
  return `${run}: cannot be executed (${stage}: ${code})`;
}
