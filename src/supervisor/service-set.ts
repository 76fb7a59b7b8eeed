import { monotonicMs } from '../process/clock.js';
import type { ProcessOutput } from '../process/process-host.js';
import type { Cause, Change, ServiceName, ServiceStatus, ServiceView } from '../types/service.js';
import { Conditions } from './conditions.js';
import type { Definition } from './definition/definition.js';
import { Service } from './service.js';
import type { ServiceContext } from './service-context.js';
import { isLogger, loggerOf } from './service-directory.js';
import { type RecordedService, type ServiceRecord, writeRecord } from './service-record.js';
import { StopOrder } from './stop-order.js';

/** How many changes are held for readers that come back. */
const HELD_CHANGES = 2_048;

/**
 * The parts that the set is given, from which it makes a {@link ServiceContext} for each service.
 */
export interface SetContext extends Omit<ServiceContext, 'publish' | 'forget' | 'record' | 'output'> {
  /** As {@link ServiceContext.output}. `isLogged`: the service has a logger. */
  output(name: ServiceName, log: Definition['log'], isLogged: boolean): ProcessOutput | undefined;
  /** Puts the service on record, before the effects of a step are carried out. */
  record(record: RecordedService): void;
  /** Lets a logger see the end of its input. */
  endInput(name: ServiceName): void;
  /** Makes the files by which `sv` reaches a service. */
  open(status: ServiceStatus): void;
  /** Drops the record of a service. */
  erase(name: ServiceName): void;
}

/** How all services are stopped. */
export interface StopAll {
  readonly cause: Cause;
  readonly limitMs: number;
  /** Services that were started before the others, and are stopped after them. */
  readonly early: readonly ServiceName[];
  /** Services were killed because they were still running. */
  killed(names: readonly ServiceName[], afterMs: number): void;
}

/** All services, and the one place where the outside learns of their changes. */
export class ServiceSet implements ServiceView {
  readonly bootId: string;
  readonly #context: SetContext;
  readonly #services = new Map<string, Service>();
  #sorted: readonly Service[] | undefined;
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #changes: Change[] = [];
  #revision: number;
  #startsForbidden = false;
  #stopOrder: StopOrder | undefined;
  #loggers = 0;
  /** Added in this turn, and started at its end: then all that they need is known. */
  readonly #added: { readonly service: Service; readonly cause: Cause }[] = [];
  readonly conditions: Conditions;

  /** `revision`: where an earlier controller had come to. */
  constructor(context: SetContext, revision = 0) {
    this.#context = context;
    this.bootId = context.bootId;
    this.#revision = revision;
    this.conditions = new Conditions(this);
  }

  get revision(): number {
    return this.#revision;
  }

  get startsForbidden(): boolean {
    return this.#startsForbidden;
  }

  /** How many of the services are loggers. */
  get loggers(): number {
    return this.#loggers;
  }

  get size(): number {
    return this.#services.size;
  }

  list(): readonly ServiceStatus[] {
    return this.services().map((service) => service.status);
  }

  get(name: string): ServiceStatus | undefined {
    return this.#services.get(name)?.status;
  }

  /** The services themselves, sorted by name. */
  services(): readonly Service[] {
    this.#sorted ??= [...this.#services.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    return this.#sorted;
  }

  service(name: string): Service | undefined {
    return this.#services.get(name);
  }

  subscribe(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  changesSince(revision: number): readonly Change[] | undefined {
    if (revision > this.#revision) return undefined;
    if (revision === this.#revision) return [];
    const oldest = this.#changes[0];
    if (oldest === undefined || oldest.revision > revision + 1) return undefined;
    return this.#changes.slice(revision + 1 - oldest.revision);
  }

  /**
   * Adds the service of a directory and starts it, unless it has a `down` file. Does nothing for a
   * known one.
   */
  add(name: ServiceName, directory: string, cause: Cause): boolean {
    const known = this.#services.get(name);
    if (known !== undefined) {
      known.restore();
      return false;
    }
    if (this.#startsForbidden) return false;
    const service = this.#put(name, directory);
    service.record();
    this.#publish(service.status, service.status, false);
    if (this.#added.length === 0) queueMicrotask(() => this.#startAdded());
    this.#added.push({ service, cause });
    return true;
  }

  /** Makes the files by which `sv` reaches the services, where somebody has deleted them. */
  openAll(): void {
    for (const service of this.services()) this.#context.open(service.status);
  }

  #startAdded(): void {
    const added = this.#added.splice(0);
    // A `run` script may begin with `sv start` of any of them.
    for (const { service } of added) this.#context.open(service.status);
    this.conditions.update();
    for (const { service, cause } of added)
      if (service.machine.state === 'down' && service.machine.desired === 'up') this.start(service, { cause });
  }

  /** Starts a service, and before it whatever it needs and nobody wanted up. */
  start(service: Service, order: { readonly cause: Cause; readonly once?: boolean }): void {
    this.startNeeded(service, order.cause);
    service.dispatch({ type: 'start', ...order });
  }

  /** Starts whatever a service needs and nobody wanted up. */
  startNeeded({ name }: Service, { actor }: Cause): void {
    const cause: Cause = { kind: 'dependency', message: `needed by ${name}`, ...(actor !== undefined && { actor }) };
    for (const each of this.conditions.needed([name])) {
      const service = this.#services.get(each);
      if (each !== name && service?.status.desired === 'down') service.dispatch({ type: 'start', cause });
    }
  }

  /** Takes over a service from the record of an earlier controller. */
  restore(record: ServiceRecord): Service {
    return this.#put(record.name, record.directory, record);
  }

  /** The service is no longer defined: it is stopped and then forgotten. */
  remove(name: ServiceName, cause: Cause): void {
    this.#services.get(name)?.dispatch({ type: 'stop', why: 'removed', cause });
  }

  /** Shutdown has begun: no service is added, and no order starts one. */
  forbidStarts(): void {
    this.#startsForbidden = true;
    for (const service of this.services()) service.dispatch({ type: 'forbid_starts' });
  }

  /** Shutdown: stops every service; none is started any more. Resolves when all are down. */
  stopAll(order: StopAll): Promise<void> {
    this.#startsForbidden = true;
    const stopOrder = new StopOrder({
      ...order,
      services: this.services(),
      endInput: (logger) => this.#context.endInput(logger),
    });
    this.#stopOrder = stopOrder;
    return new Promise((resolve) => {
      const stop = this.subscribe(({ status: { name, state } }) => {
        if (state === 'down') stopOrder.follow(name);
        if (state === 'down' && stopOrder.isOver) end();
      });
      const end = (): void => {
        stop();
        stopOrder.end();
        resolve();
      };
      stopOrder.begin();
      if (stopOrder.isOver) end();
    });
  }

  /** Nobody waits any longer for the services that are being stopped. */
  killNow(): void {
    this.#stopOrder?.killNow();
  }

  #put(name: ServiceName, directory: string, record?: ServiceRecord): Service {
    const service: Service = new Service(
      name,
      directory,
      {
        ...this.#context,
        output: () => this.#context.output(name, service.definition.log, this.#services.has(loggerOf(name))),
        record: (latest, isNews) => this.#context.record(writeRecord(latest, this.#revision + (isNews ? 1 : 0))),
        publish: (previous, status) => this.#publish(previous, status, false),
        forget: () => {
          this.#services.delete(name);
          if (isLogger(name)) this.#loggers -= 1;
          this.#sorted = undefined;
          this.#publish(service.status, service.status, true);
          this.#context.erase(name);
        },
      },
      record,
    );
    this.#services.set(name, service);
    if (isLogger(name)) this.#loggers += 1;
    this.#sorted = undefined;
    return service;
  }

  #publish(previous: ServiceStatus, status: ServiceStatus, removed: boolean): void {
    this.#revision += 1;
    const change: Change = {
      revision: this.#revision,
      atMs: monotonicMs(),
      previousState: previous.state,
      wasReady: previous.ready,
      status,
      removed,
    };
    this.#changes.push(change);
    if (this.#changes.length > HELD_CHANGES * 2) this.#changes.splice(0, HELD_CHANGES);
    for (const listener of [...this.#listeners]) listener(change);
  }
}
