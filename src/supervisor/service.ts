import { isDeepStrictEqual } from 'node:util';
import { monotonicMs } from '../process/clock.js';
import type { SignalResult } from '../process/process-host.js';
import { readProcesses } from '../process/process-table.js';
import type { ExitStatus, ServiceName, ServiceStatus } from '../types/service.js';
import { Alarm } from './alarm.js';
import { FollowedChecks } from './checks/followed-checks.js';
import type { Provision } from './checks/service-checks.js';
import { type ControlLetter, ControlScripts } from './control-scripts.js';
import type { Definition, Problem } from './definition/definition.js';
import { DefinitionInForce } from './definition-in-force.js';
import { identityOf } from './directory-listing.js';
import { carryOut } from './effects.js';
import { EventQueue } from './event-queue.js';
import { initialMachine, type Machine, type MachineEvent, pidOf, processOf } from './machine.js';
import type { Order } from './orders.js';
import { recover } from './recover.js';
import { runReload } from './service-command.js';
import type { ServiceContext, ServiceCore } from './service-context.js';
import type { ServiceRecord } from './service-record.js';
import { isSameStatus, statusOf } from './status.js';
import { isImpossible, step } from './table.js';

/**
 * One service: feeds events to the machine, records and publishes each step, and has its effects
 * carried out.
 */
export class Service implements ServiceCore {
  readonly name: ServiceName;
  readonly directory: string;
  readonly context: ServiceContext;
  readonly scripts: ControlScripts;
  #identity: string;
  readonly #inForce: DefinitionInForce;
  #machine: Machine;
  #status: ServiceStatus;
  /** A run that has ended has no time limit any more. */
  readonly #timer = new Alarm(() => this.#isEnding || this.dispatch({ type: 'timer' }));
  readonly #holdTimer = new Alarm(() => this.dispatch({ type: 'release' }));
  readonly #checks = new FollowedChecks(this);
  readonly #queue = new EventQueue((event) => this.#apply(event));
  #order: Order | undefined;
  /** The process has ended; its last output is being stored. */
  #isEnding = false;

  constructor(name: ServiceName, directory: string, context: ServiceContext, record?: ServiceRecord) {
    this.name = name;
    this.directory = directory;
    this.context = context;
    this.#identity = record?.identity ?? identityOf(directory) ?? '';
    this.#inForce = new DefinitionInForce(this, context.read);
    this.#machine = record?.machine ?? initialMachine(this.definition.enabled, monotonicMs());
    this.#order = record?.order;
    this.scripts = new ControlScripts(this, record?.controlled);
    this.#status = this.#describe();
  }

  get status(): ServiceStatus {
    return this.#status;
  }

  get machine(): Machine {
    return this.#machine;
  }

  get definition(): Definition {
    return this.#inForce.definition;
  }

  /** Why it cannot be started as it is defined. */
  get problem(): Problem | undefined {
    return this.#inForce.problem;
  }

  /** Device, inode and birth time of the directory; '' if unknown. */
  get identity(): string {
    return this.#identity;
  }

  /** The latest order that can be repeated. */
  get order(): Order | undefined {
    return this.#order;
  }

  /**
   * Accepts an order. The first step of `act` is recorded together with it, so it carries out the
   * order; `act` says whether anything changed. While the service stands still the step is only
   * kept: then the order is left to the next controller, which hears it again.
   */
  accept(order: Order, act: () => boolean): Order {
    if (order.id === '') return { ...order, changed: act() };
    const before = this.#order;
    this.#order = order;
    const accepted = { ...order, changed: act() };
    this.#order = this.#queue.isEmpty ? accepted : before;
    this.record();
    return accepted;
  }

  /** The order came to nothing: if it is repeated, it is carried out. */
  forget(order: Order): void {
    if (this.#order?.id !== order.id) return;
    this.#order = undefined;
    this.record();
  }

  /** Another directory may have taken the name. */
  isIn(identity: string): void {
    if (identity === this.#identity) return;
    this.#identity = identity;
    this.record();
  }

  /**
   * Adopts what an earlier controller left running, and resumes what it had begun. Nothing is done
   * twice.
   */
  resume(): void {
    this.#armTimers();
    this.#checks.resume();
    recover(this);
    this.#checks.follow();
  }

  /** The directory is there (still, or again). */
  restore(): void {
    if (!this.#machine.removed) return;
    this.#inForce.read();
    this.dispatch({ type: 'restored' });
  }

  /** Everything that happens to the service comes through here. */
  dispatch(event: MachineEvent): void {
    this.#queue.push(event);
  }

  /** The same; resolves when the step is on record. */
  settle(event: MachineEvent): Promise<void> {
    return new Promise((recorded) => this.#queue.push(event, recorded));
  }

  /**
   * Keeps events and stops the timers, until {@link goOn} acts on the events and sets the timers
   * again.
   */
  standStill(): void {
    this.#queue.standStill();
    // A timer belongs to the present state, which an event before it may end.
    this.#timer.set(undefined);
    this.#holdTimer.set(undefined);
  }

  goOn(): void {
    this.#queue.goOn();
    this.#armTimers();
  }

  /** Sends a signal to the process of the current run. */
  async signal(signal: NodeJS.Signals, group: boolean): Promise<SignalResult> {
    const result = await this.context.host.signal(pidOf(this.#machine), signal, group);
    if (result === 'sent' && signal === 'SIGSTOP') this.dispatch({ type: 'paused', paused: true });
    if (result === 'sent' && signal === 'SIGCONT') this.dispatch({ type: 'paused', paused: false });
    return result;
  }

  /**
   * Runs `control/LETTER` in the place of a signal or, where there is none or it fails, sends the
   * signal.
   */
  async control(letter: ControlLetter, signal: NodeJS.Signals): Promise<SignalResult> {
    const { runNumber } = this.#machine;
    if (pidOf(this.#machine) === 0) return 'ESRCH';
    const handled = await this.script(letter);
    if (this.#machine.runNumber !== runNumber || pidOf(this.#machine) === 0) return 'ESRCH';
    if (!handled) return this.signal(signal, false);
    if (letter === 'p' || letter === 'c') this.dispatch({ type: 'paused', paused: letter === 'p' });
    return 'sent';
  }

  /**
   * Makes the service read its configuration again, as its definition says. Resolves to why that
   * failed, if it did.
   */
  async reload(): Promise<string | undefined> {
    const { reload } = this.definition;
    if (reload.kind === 'command') return runReload(this, reload.argv);
    const result = await this.control('h', reload.signal);
    return result === 'sent' ? undefined : `${reload.signal.slice(3)} could not be sent: ${result}`;
  }

  /** Runs `control/LETTER`. Resolves to whether it took the place of the signal. */
  script(letter: ControlLetter): Promise<boolean> {
    return new Promise((resolve) => this.scripts.run(letter, ({ handled }) => resolve(handled)));
  }

  /** Looks at the directory again, after it changed. */
  refresh(isEvident = true): void {
    const look = () => [this.definition, this.problem, this.#inForce.isChanged];
    const before = look();
    this.#inForce.read();
    const differs = !isDeepStrictEqual(before, look());
    if (differs) {
      if (pidOf(this.#machine) !== 0 && this.problem === undefined) this.context.keep(this.definition);
      this.record();
      this.#publish({ type: 'changed' });
    }
    if (isEvident || differs) this.dispatch({ type: 'changed' });
  }

  /**
   * Reads the definition of a service that could not be started again, where a change may have
   * been missed.
   */
  recheck(): void {
    if (this.#machine.state !== 'failed' || this.problem === undefined) return;
    this.#inForce.read();
    if (this.problem === undefined) this.refresh();
  }

  readForStart(): Problem | undefined {
    return this.#inForce.readForStart();
  }

  readFinish(): void {
    this.#inForce.readFinish();
  }

  /**
   * The last output of a process comes before the news of its end. `atMs`: when it ended, where
   * that was before now.
   */
  exited(status: ExitStatus, unstartable?: string, atMs?: number): Promise<void> {
    if (this.#goesOn()) return this.settle({ type: 'succeeded' });
    const event = { type: 'exited', status, atMs, ...(unstartable !== undefined && { unstartable }) } as const;
    this.#isEnding = true;
    return new Promise((recorded) =>
      this.context.drain(this.name, () => {
        this.#isEnding = false;
        void this.settle(event).then(recorded);
      }),
    );
  }

  /** The process of `main_pid` continues the run: its parent is gone, so it is init's child now. */
  #goesOn(): boolean {
    const mainPid = processOf(this.#machine)?.mainPid ?? 0;
    const entry = mainPid === 0 ? undefined : readProcesses([mainPid])[0];
    if (entry === undefined || entry.state === 'Z' || entry.parentPid !== this.context.checks.initPid) return false;
    this.context.host.adopt(mainPid, (end, endedMs) => this.exited(end, undefined, endedMs));
    return true;
  }

  prepareChecks(): Provision {
    return this.#checks.prepare();
  }

  /** Where the memory of its run is read; '' without memory_max. */
  get memorySource(): string {
    return this.#checks.memorySource;
  }

  close(): void {
    this.#timer.set(undefined);
    this.#holdTimer.set(undefined);
    this.#checks.close();
    if (this.definition.policy.memoryMax !== undefined) this.context.groups.remove(this.name);
  }

  /** Puts the service on record for the next controller; each step does so by itself. */
  record(): void {
    this.#record(this.#describe());
  }

  /** `next`: the status that is published after this record. */
  #record(next: ServiceStatus): void {
    try {
      const record = {
        name: this.name,
        directory: this.directory,
        identity: this.#identity,
        autostart: this.definition.enabled,
        machine: this.#machine,
        controlled: this.scripts.record,
        order: this.#order,
      };
      this.context.record(record, !isSameStatus(this.#status, next));
    } catch (error) {
      // A path of thousands of bytes does not fit; without a record the service still runs.
      this.context.warn(`${this.name}: would not outlive a death of the controller: ${(error as Error).message}`);
    }
  }

  #apply(event: MachineEvent): void {
    const now = { nowMs: monotonicMs(), random: Math.random(), definition: this.definition };
    const { state } = this.#machine;
    if (isImpossible(state, event.type))
      this.context.warn(`${this.name}: internal error: the event ${event.type} came in the state ${state}`);
    const { machine, effects } = step(this.#machine, event, now);
    if (machine !== this.#machine) {
      this.#machine = machine;
      const status = this.#describe();
      this.#record(status);
      this.#armTimers();
      this.#publish(event, status);
    }
    this.#checks.follow();
    for (const effect of effects) carryOut(this, effect);
  }

  #armTimers(): void {
    this.#timer.set(this.#machine.timerAtMs);
    this.#holdTimer.set(this.#machine.hold?.untilMs);
  }

  #publish(event: MachineEvent, status = this.#describe()): void {
    const previous = this.#status;
    if (isSameStatus(previous, status)) return;
    this.#status = status;
    this.context.publish(previous, status, event);
  }

  #describe(): ServiceStatus {
    return statusOf(this.definition, this.#inForce.isChanged, this.directory, this.#machine, this.context.bootId);
  }
}
