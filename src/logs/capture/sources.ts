import type { LogCounts, LogRule, LogSources, LogStatistics } from '../../types/logs.js';
import type { Change } from '../../types/service.js';
import { Counters } from '../store/counters.js';
import { RECORD_OVERHEAD_BYTES } from '../store/cri.js';
import { heldSources, memfd } from './held-parts.js';
import { Intake } from './intake.js';
import type { LogDependencies } from './log-dependencies.js';
import { Source } from './source.js';
import type { SourceRecord } from './source-record.js';

/** The source of my_init's own messages, and of its scripts. */
export const OWN_SOURCE = 'my_init';
/** The name under which init holds the memfd of the {@link Intake}. */
const INTAKE = 'log.intake';
/** The name under which init holds the memfd of the {@link Counters}. */
const COUNTERS = 'log.counters';
/** Far more than a controller ever makes. */
const IDS = 1_000_000;

/** All outputs of services and of my_init: the writer of each, and the part that is stored. */
export class Sources implements LogSources, LogStatistics {
  readonly bootId: string;
  readonly #dependencies: LogDependencies;
  readonly #intake: Intake;
  readonly #counters: number;
  readonly #sources = new Map<string, Source>();
  readonly #listeners = new Set<() => void>();
  readonly #forwarders = new Set<() => void>();
  #sorted: readonly Source[] | undefined;
  /** Ids are never reused, across controllers too: an old cursor cannot match a new source. */
  #lastId: number;

  constructor(dependencies: LogDependencies) {
    this.#dependencies = dependencies;
    this.bootId = dependencies.bootId;
    this.#lastId = dependencies.generation * IDS;
    this.#intake = new Intake(memfd(dependencies, INTAKE));
    this.#counters = memfd(dependencies, COUNTERS);
  }

  list(): readonly Source[] {
    this.#sorted ??= [...this.#sources.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    return this.#sorted;
  }

  get size(): number {
    return this.#sources.size;
  }

  get(name: string): Source | undefined {
    return this.#sources.get(name);
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  counts(): readonly LogCounts[] {
    return this.list().map(({ name, store: { newest }, counters }) => ({
      name,
      lines: newest.record,
      bytes: newest.offset - newest.record * RECORD_OVERHEAD_BYTES,
      dropped: counters.dropped.lines,
      missed: counters.missed,
    }));
  }

  get followers(): number {
    return this.#listeners.size;
  }

  /** Calls the forwarder when a source was added or is gone. */
  onChange(forwarder: () => void): void {
    this.#forwarders.add(forwarder);
  }

  /**
   * The source of this name, made if it does not exist; undefined when it cannot be made: too many
   * open files, no memory. `rule`: the rule in the present definition of the service.
   */
  open(name: string, rule?: LogRule): Source | undefined {
    const known = this.#sources.get(name);
    if (known !== undefined) {
      this.#follow(known, rule);
      return known;
    }
    try {
      this.#lastId += 1;
      return this.#add(name, { id: this.#lastId, place: this.#freeRow(), markers: [], rule }, true);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      this.#dependencies.warn(
        `what ${name} says is not captured (${code ?? message}): it goes to the container's output`,
      );
      return undefined;
    }
  }

  #follow(source: Source, rule: LogRule | undefined): void {
    if (rule === undefined && source.rule === undefined) return;
    const before = source.rule?.output;
    source.rule = rule;
    if (before !== rule?.output) for (const forwarder of this.#forwarders) forwarder();
  }

  /** Stores the last output of a source whose processes are gone, and calls `done`. */
  drain(name: string, done: () => void): void {
    const source = this.#sources.get(name);
    if (source === undefined) done();
    else source.drain(done);
  }

  /** Takes over a source from the record of an earlier controller. */
  restore(name: string, record: SourceRecord): void {
    this.#add(name, record, false);
  }

  /**
   * Takes over sources whose record is lost, with their lines: otherwise nobody would read the
   * pipes of their services, and the services would wait for ever. Returns the names of the
   * sources, cut off where they are long.
   */
  recover(): readonly string[] {
    const known = new Set(this.list().map(({ id }) => id));
    const lost = heldSources(this.#dependencies.held).filter(
      ({ name, record: { id } }) => !known.has(id) && !this.get(name),
    );
    for (const { name, record } of lost) this.restore(name, record);
    return lost.map(({ name }) => name);
  }

  /** The service is forgotten, and its log with it. */
  remove(name: string): void {
    const source = this.#sources.get(name);
    if (source === undefined) return;
    this.#sources.delete(name);
    source.close();
    this.#dependencies.erase(name);
    this.#tell();
  }

  /** Puts a marker into the log of a service. */
  mark({ status, previousState, wasReady }: Change): void {
    const source = this.#sources.get(status.name);
    if (source === undefined) return;
    const common = { run: status.run, runId: status.runId };
    if (status.pid !== 0 && source.startedRun !== status.run) source.mark({ kind: 'started', ...common });
    // A oneshot is ready after its end: no run is.
    if (status.ready && !wasReady && status.pid !== 0) source.mark({ kind: 'ready', ...common });
    const last = status.lastExit;
    if (status.state === 'finishing' && previousState !== 'finishing' && last?.run === status.run)
      source.mark({ kind: 'exited', ...common, status: last.status });
  }

  /** The container ends: see {@link Source.writeOut}. */
  writeOut(): void {
    for (const source of this.list()) source.writeOut();
  }

  #add(name: string, record: SourceRecord, fresh: boolean): Source {
    let used = 0;
    for (const { rule } of this.#sources.values()) used += rule?.bufferBytes ?? this.#dependencies.storeBytes;
    const wanted = record.rule?.bufferBytes ?? this.#dependencies.storeBytes;
    const storeBytes = used < this.#dependencies.allStoresBytes ? wanted : 0;
    const counters = new Counters(this.#counters, record.place, fresh);
    const source = new Source(name, record, { ...this.#dependencies, storeBytes }, this.#intake, counters);
    this.#sources.set(name, source);
    this.#tell();
    return source;
  }

  #freeRow(): number {
    const taken = new Set(this.list().map(({ row }) => row));
    let row = 0;
    while (taken.has(row)) row++;
    return row;
  }

  #tell(): void {
    this.#sorted = undefined;
    for (const forwarder of this.#forwarders) forwarder();
    for (const listener of this.#listeners) listener();
  }
}
