import { closeSync } from 'node:fs';
import { join } from 'node:path';
import type { LogRule, LogSource, Marker } from '../../types/logs.js';
import type { Counters, Loss } from '../store/counters.js';
import { criTime, LineStamper, type Stream } from '../store/cri.js';
import type { FileStoreRecord } from '../store/file-store.js';
import type { WritableStore } from '../store/store.js';
import { Capture } from './capture.js';
import { closePipes, heldName, heldPipe, type Pipe, type Pipes } from './held-parts.js';
import type { Intake } from './intake.js';
import type { LogDependencies } from './log-dependencies.js';
import { fromRecord, toRecord } from './marker-record.js';
import { openStore } from './open-store.js';
import type { SourceRecord } from './source-record.js';
import { SteadyLoss } from './steady-loss.js';

/** Some runs of a crash loop; all of them have to fit into a slot. */
const HELD_MARKERS = 24;

/** One writer: its pipes, its store, its markers, and the listeners. */
export class Source implements LogSource {
  readonly name: string;
  readonly id: number;
  readonly row: number;
  readonly store: WritableStore;
  readonly counters: Counters;
  readonly #dependencies: LogDependencies;
  readonly #pipes: Pipes;
  readonly #captures: readonly [Capture, Capture];
  readonly #listeners = new Set<() => void>();
  readonly #forwarders = new Set<() => void>();
  /** For whom the writer waits. */
  readonly #pausedFor = new Set<object>();
  readonly #loss: SteadyLoss;
  #closed = false;
  #markers: readonly Marker[];
  #rule: LogRule | undefined;
  #files: FileStoreRecord | undefined;
  #published = true;
  #loggerPipe: readonly [read: number, write: number] | undefined;
  readonly #own: LineStamper;

  constructor(name: string, record: SourceRecord, dependencies: LogDependencies, intake: Intake, counters: Counters) {
    this.name = name;
    this.counters = counters;
    this.row = record.place;
    this.#dependencies = dependencies;
    this.id = record.id;
    this.#markers = record.markers.map((marker) => fromRecord(marker, name, dependencies.bootId));
    this.#files = record.files;
    this.#rule = record.rule;
    this.#loss = new SteadyLoss(
      () => ({ stdout: counters.droppedOf('stdout'), stderr: counters.droppedOf('stderr') }),
      () => this.#stored(),
    );
    this.store = this.#openStore();
    this.#pipes = { stdout: this.#pipe('out'), stderr: this.#pipe('err') };
    const stored = (): void => this.#stored();
    const { store, row } = this;
    const [out, err] = [this.#pipes.stdout[0], this.#pipes.stderr[0]];
    const capture = (stream: Stream, fd: number, streamRow: number): Capture =>
      new Capture({
        stream,
        fd,
        store,
        intake,
        row: streamRow,
        stored,
        dropped: () => counters.droppedBytes(stream),
      });
    this.#captures = [capture('stdout', out, 2 * row), capture('stderr', err, 2 * row + 1)];
    Capture.pair(...this.#captures);
    this.#own = new LineStamper('stderr', (buffer, length, records) => {
      this.store.append(buffer, length, records, 'stderr');
      stored();
      return true;
    });
    this.#record();
  }

  /**
   * The pipe to the logger of the service (`log/run`), made when it is first asked for: the service
   * writes to one end, the logger reads the other. init and we keep both ends open, so that either
   * side can be started again and nothing is lost.
   */
  get loggerPipe(): readonly [read: number, write: number] {
    this.#loggerPipe ??= this.#pipe('logger');
    return this.#loggerPipe;
  }

  /** Ends the input of the logger: it sees the end after it has read all lines. */
  endLogger(): void {
    if (this.#loggerPipe === undefined) return;
    closeSync(this.#loggerPipe[1]);
    this.#dependencies.link.release(this.#heldName('logger.w'));
    this.#loggerPipe = undefined;
  }

  /** The write ends that the writer gets as its standard output and error. */
  get output(): { readonly stdout: number; readonly stderr: number } {
    return { stdout: this.#pipes.stdout[1], stderr: this.#pipes.stderr[1] };
  }

  get rule(): LogRule | undefined {
    return this.#rule;
  }

  /**
   * The output follows a new rule at once; store and file are those with which the source began,
   * also for the next controller.
   */
  set rule(rule: LogRule | undefined) {
    this.#rule = { output: rule?.output, bufferBytes: this.#rule?.bufferBytes, file: this.#rule?.file };
    this.#record();
  }

  get markers(): readonly Marker[] {
    return this.#markers;
  }

  /** The latest run that was marked as started. */
  get startedRun(): number {
    return this.#markers.findLast(({ kind }) => kind === 'started')?.run ?? 0;
  }

  get dropped(): Loss {
    return this.#loss.of();
  }

  get waiting(): number {
    return this.store.waiting;
  }

  droppedOf(stream: Stream | undefined): Loss {
    return this.#loss.of(stream);
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
      this.#closeUnread();
    };
  }

  /** Calls the forwarder in the same turn, each time something was stored. Returns what ends it. */
  onStored(forwarder: () => void): () => void {
    this.#forwarders.add(forwarder);
    return () => {
      this.#forwarders.delete(forwarder);
      this.#closeUnread();
    };
  }

  /** Lets the writer wait, for a forwarder that is about to catch up. */
  pause(forwarder: object): void {
    this.#pausedFor.add(forwarder);
    for (const capture of this.#captures) capture.pause();
  }

  resume(forwarder: object): void {
    this.#pausedFor.delete(forwarder);
    // The first capture may store lines, and a forwarder may then pause both again.
    for (const capture of this.#captures) if (this.#pausedFor.size === 0) capture.resume();
  }

  mark(marker: Omit<Marker, 'position' | 'time'>): void {
    this.#markers = [
      ...this.#markers.slice(1 - HELD_MARKERS),
      { ...marker, position: this.store.newest, time: criTime() },
    ];
    this.#record();
    this.#stored();
  }

  /** Stores a line of our own. */
  say(text: string): void {
    const line = Buffer.from(`${text}\n`);
    this.#own.write(line, 0, line.length, criTime());
    this.#captures[1].interrupted();
  }

  /**
   * Stores all that was written until now, since the writer is gone, and calls `done`: at once or,
   * when it is paused, a little later.
   */
  drain(done: () => void): void {
    const [first, second] = this.#captures;
    first.drain(() =>
      second.drain(() => {
        this.#loss.publish();
        done();
      }),
    );
  }

  /** The end: lines that still wait for room on the disk go there now, or nowhere. */
  writeOut(): void {
    this.store.flush();
    const { waiting } = this.store;
    if (waiting > 0)
      this.#dependencies.warn(
        `the log of ${this.name} ends without its last ${waiting === 1 ? 'line' : `${waiting} lines`}: the disk did not take them`,
      );
  }

  close(): void {
    for (const capture of this.#captures) capture.close();
    this.#loss.close();
    closePipes(this.#pipes);
    if (this.#loggerPipe) for (const fd of this.#loggerPipe) closeSync(fd);
    this.writeOut();
    for (const part of ['store', 'spill', 'out.r', 'out.w', 'err.r', 'err.w', 'logger.r', 'logger.w'])
      this.#dependencies.link.release(this.#heldName(part));
    this.#stored();
    this.#closed = true;
    this.counters.close();
    this.#closeUnread();
  }

  /** Closes the store of a source that is gone, once nobody reads it any more. */
  #closeUnread(): void {
    if (this.#closed && this.#listeners.size === 0 && this.#forwarders.size === 0) this.store.close();
  }

  #openStore(): WritableStore {
    return openStore(
      {
        name: this.name,
        path: this.#filePath(),
        left: this.#files,
        counters: this.counters,
        heldName: (part) => this.#heldName(part),
        rotated: (record) => {
          this.#files = record;
          this.#record();
        },
        dropped: (stream, lines, bytes) => this.#drop(stream, lines, bytes),
      },
      this.#dependencies,
    );
  }

  /** undefined: the log is kept in memory. */
  #filePath(): string | undefined {
    const { directory } = this.#dependencies;
    return this.#rule?.file ?? (directory === undefined ? undefined : join(directory, `${this.name}.log`));
  }

  #drop(stream: Stream, lines: number, bytes: number): void {
    const first = this.counters.dropped.lines === 0;
    // Counted first: the warning is a line of the log, too.
    this.counters.addDropped(stream, { lines, bytes });
    this.#loss.grown();
    if (first) this.#dependencies.warn(`the log of ${this.name} loses lines: the disk does not take them`);
  }

  #pipe(stream: string): Pipe {
    return heldPipe(this.#dependencies, (end) => this.#heldName(`${stream}.${end}`), stream === 'logger');
  }

  #heldName(part: string): string {
    return heldName(this, part);
  }

  #record(): void {
    this.#dependencies.record(this.name, {
      id: this.id,
      place: this.row,
      markers: this.#markers.map(toRecord),
      files: this.#files,
      rule: this.#rule,
    });
  }

  /** Tells the forwarders at once, and the readers once for all that comes in a turn. */
  #stored(): void {
    for (const forwarder of this.#forwarders) forwarder();
    if (!this.#published || this.#listeners.size === 0) return;
    this.#published = false;
    setImmediate(() => {
      this.#published = true;
      for (const listener of this.#listeners) listener();
    });
  }
}
