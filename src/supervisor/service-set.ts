import { setTimeout as delay } from 'node:timers/promises';
import { monotonicMs } from '../process/clock.js';
import type { Cause, Change, ServiceName, ServiceStatus, ServiceView } from '../types/service.js';
import type { DefaultTimes } from './definition/definition.js';
import { readDirectory } from './definition/read-directory.js';
import type { StopEvent } from './machine.js';
import { Service } from './service.js';
import type { ServiceContext } from './service-context.js';
import { isLogger, loggedBy } from './service-directory.js';
import { type RecordedService, type ServiceRecord, writeRecord } from './service-record.js';

/** A logger that has not ended this long after the end of its input is told to. */
const LOGGER_END_MS = 1_000;
const GONE: Cause = { kind: 'scan', message: 'its directory is gone' };
/** How many changes are held for readers that come back. */
const HELD_CHANGES = 2_048;

/** What the set is given: it makes a {@link ServiceContext} of this for each service. */
export interface SetContext extends Omit<ServiceContext, 'publish' | 'forget' | 'record' | 'read'> {
  /** Puts the service on record, before the effects of a step are carried out. */
  record(record: RecordedService): void;
  /** Lets a logger see the end of its input. */
  endInput(name: ServiceName): void;
  /** Drops the record of a service. */
  erase(name: ServiceName): void;
  /** For services whose definition says nothing about them. */
  readonly times: DefaultTimes;
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
  #halted = false;
  #loggers = 0;

  /** `revision`: where an earlier controller had come to. */
  constructor(context: SetContext, revision = 0) {
    this.#context = context;
    this.bootId = context.bootId;
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
    this.#services.get(name)?.dispatch({ type: 'stop', why: 'removed', cause: GONE });
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
    const order: StopEvent = { type: 'stop', why: 'shutdown', cause, timeoutMs };
    const isOf = ({ name }: Service, owner: ServiceName): boolean => name === owner || loggedBy(name) === owner;
    await this.#halt(order, (service) => !early.some((name) => isOf(service, name)));
    for (const name of early.toReversed()) await this.#halt(order, (service) => isOf(service, name));
  }

  /** Loggers come last: they see the end of their input, and have read all of it when they end. */
  async #halt(order: StopEvent, selected: (service: Service) => boolean): Promise<void> {
    const services = this.services().filter(selected);
    const loggers = services.filter(({ name }) => isLogger(name));
    const writers = services.filter(({ name }) => !isLogger(name));
    for (const writer of writers) writer.dispatch(order);
    await this.#down(writers);
    if (loggers.length === 0) return;
    for (const { name } of loggers) this.#context.endInput(name);
    await Promise.race([this.#down(loggers), delay(LOGGER_END_MS, undefined, { ref: false })]);
    for (const logger of loggers) logger.dispatch(order);
    await this.#down(loggers);
  }

  /** Nobody waits any longer: KILL to every service that is stopping, or was still to be stopped. */
  killNow(): void {
    const cause: Cause = { kind: 'shutdown', message: 'nobody waits any longer' };
    for (const service of this.services()) {
      if (this.#halted) service.dispatch({ type: 'stop', why: 'shutdown', cause, timeoutMs: 0 });
      service.dispatch({ type: 'kill_now' });
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
        ...this.#context,
        read: (...of) => readDirectory(...of, this.#context.times),
        record: (latest) => this.#context.record(writeRecord(latest, this.#revision + 1)),
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
