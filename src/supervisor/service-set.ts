import { setTimeout as delay } from 'node:timers/promises';
import { monotonicMs } from '../process/clock.js';
import type { Cause, Change, ServiceName, ServiceStatus, ServiceView } from '../types/service.js';
import type { MachineEvent } from './machine.js';
import { Service, type ServiceWorld } from './service.js';
import { loggedBy } from './service-directory.js';
import type { RecordedService, ServiceRecord } from './service-record.js';

/** A logger that has not ended this long after the end of its input is told to. */
const LOGGER_END_MS = 1_000;
/** How many changes are held for readers that come back. */
const HELD_CHANGES = 2_048;

/** What the set itself needs of the world; the rest of {@link ServiceWorld} it is. */
export interface SetWorld extends Omit<ServiceWorld, 'publish' | 'forget' | 'record'> {
  /** Puts the service on record, before the effects of a step are carried out. */
  record(record: RecordedService): void;
  /** A logger is to see the end of its input. */
  endInput(name: ServiceName): void;
  /** The service is no more. */
  erase(name: ServiceName): void;
  /** From TERM to KILL. */
  stopTimeoutMs(): number;
}

/** All services, and the one place where the outside learns of their changes. */
export class ServiceSet implements ServiceView {
  readonly bootId: string;
  readonly #world: SetWorld;
  readonly #services = new Map<string, Service>();
  #sorted: readonly Service[] | undefined;
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #changes: Change[] = [];
  #revision: number;
  #halted = false;
  #loggers = 0;

  /** `revision`: where an earlier controller had come to. */
  constructor(world: SetWorld, revision = 0) {
    this.#world = world;
    this.bootId = world.bootId;
    this.#revision = revision;
  }

  get revision(): number {
    return this.#revision;
  }

  get halted(): boolean {
    return this.#halted;
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

  /** Adds the service of a directory and starts it, unless it has a `down` file. Does nothing for a known one. */
  add(name: ServiceName, directory: string, cause: Cause): boolean {
    const known = this.#services.get(name);
    if (known !== undefined) {
      known.restore();
      return false;
    }
    if (this.#halted) return false;
    const service = this.#put(name, directory);
    service.record();
    this.#publish(service.status, service.status, false);
    if (service.status.autostart) service.dispatch({ type: 'start', cause });
    return true;
  }

  /** Takes over a service from the record of an earlier controller. */
  restore(record: ServiceRecord): Service {
    return this.#put(record.name, record.directory, record);
  }

  /** The directory is gone: the service is stopped and then forgotten. */
  remove(name: ServiceName): void {
    this.#services.get(name)?.dispatch({ type: 'removed', timeoutMs: this.#world.stopTimeoutMs() });
  }

  /** Shutdown has begun: no service is added, and no order starts one. */
  forbidStarts(): void {
    this.#halted = true;
    for (const service of this.services()) service.dispatch({ type: 'forbid_starts' });
  }

  /**
   * Shutdown: stops every service; none is started any more. Those of `early` are stopped when all others are down, the last
   * one of them first. Resolves when all are down.
   */
  async halt(cause: Cause, timeoutMs: number, early: readonly ServiceName[] = []): Promise<void> {
    this.#halted = true;
    const order: MachineEvent = { type: 'halt', cause, timeoutMs };
    const isOf = ({ name }: Service, owner: ServiceName): boolean => name === owner || loggedBy(name) === owner;
    await this.#halt(order, (service) => !early.some((name) => isOf(service, name)));
    for (const name of early.toReversed()) await this.#halt(order, (service) => isOf(service, name));
  }

  /** Loggers come last: they see the end of their input, and have read all of it when they end. */
  async #halt(order: MachineEvent, selected: (service: Service) => boolean): Promise<void> {
    const isLogger = ({ name }: Service): boolean => loggedBy(name) !== undefined;
    const services = this.services().filter(selected);
    const loggers = services.filter(isLogger);
    const writers = services.filter((service) => !isLogger(service));
    for (const writer of writers) writer.dispatch(order);
    await this.#down(writers);
    if (loggers.length === 0) return;
    for (const { name } of loggers) this.#world.endInput(name);
    await Promise.race([this.#down(loggers), delay(LOGGER_END_MS, undefined, { ref: false })]);
    for (const logger of loggers) logger.dispatch(order);
    await this.#down(loggers);
  }

  /** The waiting is over: KILL to whatever is stopping, or was still to be stopped. */
  hurry(): void {
    const cause: Cause = { kind: 'shutdown', message: 'nobody waits any longer' };
    for (const service of this.services()) {
      if (this.#halted) service.dispatch({ type: 'halt', cause, timeoutMs: 0 });
      service.dispatch({ type: 'hurry' });
    }
  }

  /** Resolves when these services are down; none of them is started any more. */
  #down(services: readonly Service[]): Promise<void> {
    const left = new Set(services.filter(({ status }) => status.state !== 'down').map(({ name }) => name));
    if (left.size === 0) return Promise.resolve();
    return new Promise<void>((resolve) => {
      const stop = this.subscribe(({ status: { name, state } }) => {
        if (state === 'down') left.delete(name);
        if (left.size > 0) return;
        stop();
        resolve();
      });
    });
  }

  #put(name: ServiceName, directory: string, record?: ServiceRecord): Service {
    const service: Service = new Service(
      name,
      directory,
      {
        ...this.#world,
        record: (written) => this.#world.record({ ...written, revision: this.#revision + 1 }),
        publish: (previous, status) => this.#publish(previous, status, false),
        forget: () => {
          this.#services.delete(name);
          if (loggedBy(name) !== undefined) this.#loggers -= 1;
          this.#sorted = undefined;
          this.#publish(service.status, service.status, true);
          this.#world.erase(name);
        },
      },
      record,
    );
    this.#services.set(name, service);
    if (loggedBy(name) !== undefined) this.#loggers += 1;
    this.#sorted = undefined;
    return service;
  }

  #publish(previous: ServiceStatus, status: ServiceStatus, removed: boolean): void {
    this.#revision += 1;
    const change: Change = {
      revision: this.#revision,
      atMs: monotonicMs(),
      previousState: previous.state,
      status,
      removed,
    };
    this.#changes.push(change);
    if (this.#changes.length > HELD_CHANGES * 2) this.#changes.splice(0, HELD_CHANGES);
    for (const listener of [...this.#listeners]) listener(change);
  }
}
