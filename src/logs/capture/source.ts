import { closeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { InitLink } from '../../process/init-link.js';
import { native } from '../../process/native.js';
import { fieldsOf, numberOf, textOf, wordOf } from '../../state/fields.js';
import type { RecordKind } from '../../state/records.js';
import { LOG_OUTPUTS, type LogRule, type LogSource, type Marker } from '../../types/logs.js';
import type { Counters, Loss } from '../store/counters.js';
import { criTime, LineStamper, type Stream } from '../store/cri.js';
import { type FileLimits, FileStore, type FileStoreRecord, readFileStoreRecord } from '../store/file-store.js';
import { MemoryStore, type WritableStore } from '../store/store.js';
import { Capture, closePipes, type Pipes } from './capture.js';
import type { Intake } from './intake.js';
import { fromRecord, type MarkerRecord, readMarker, toRecord } from './marker-record.js';
import { SteadyLoss } from './steady-loss.js';

/** Some runs of a crash loop; all of them have to fit into a slot. */
const HELD_MARKERS = 24;

/** What init holds is called after its source as far as that fits, MAX_NAME of src/init/my_init.h. */
const HELD_NAME_LENGTH = 32;
const HELD_PIPE = /^log\.(?<id>\d+)\.(?<place>\d+)\.(?<name>.+)\.out\.r$/;

/** What survives a controller of a source. */
export interface SourceRecord {
  readonly id: number;
  /** Its row in the intake and in the counters; on record under the name that earlier versions gave it. */
  readonly place: number;
  readonly markers: readonly MarkerRecord[];
  /** What its definition says of its log. */
  readonly rule?: LogRule | undefined;
  /** Where the store is files. */
  readonly files?: FileStoreRecord | undefined;
}

/** A source, by name. */
export const LOG_RECORD: RecordKind<SourceRecord> = {
  key: 'log',
  decode: (value) => {
    const { id, place, markers, rule, files } = fieldsOf(value);
    const [number, row] = [numberOf(id), numberOf(place)];
    if (number === undefined || row === undefined) return undefined;
    const known = (Array.isArray(markers) ? markers : []).map(readMarker).filter((marker) => marker !== undefined);
    return { id: number, place: row, markers: known, rule: readRule(rule), files: readFileStoreRecord(files) };
  },
};

function readRule(value: unknown): LogRule | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { output, bufferBytes, file } = fieldsOf(value);
  return { output: wordOf(output, LOG_OUTPUTS), bufferBytes: numberOf(bufferBytes), file: textOf(file) };
}

/** What the sources need of the world. */
export interface LogWorld {
  readonly link: InitLink;
  readonly bootId: string;
  readonly held: ReadonlyMap<string, number>;
  /** The number of this controller. */
  readonly generation: number;
  /** The size of a store in memory, in bytes. */
  readonly storeBytes: number;
  /** The size of all stores in memory together; what is made when it is used up is as small as can be. */
  readonly allStoresBytes: number;
  /** Where the stores are files; undefined: in memory. */
  readonly directory: string | undefined;
  readonly files: FileLimits;
  warn(text: string): void;
  record(name: string, record: SourceRecord): void;
  erase(name: string): void;
}

/** The sources of which init holds something, whether they are on record or not. */
export function heldSources(
  held: LogWorld['held'],
): readonly { readonly name: string; readonly record: SourceRecord }[] {
  return [...held.keys()].flatMap((key) => {
    const { id, place, name } = HELD_PIPE.exec(key)?.groups ?? {};
    return name === undefined ? [] : [{ name, record: { id: Number(id), place: Number(place), markers: [] } }];
  });
}

/** One writer: its pipes, its store, what happened to it, and who is told. */
export class Source implements LogSource {
  readonly name: string;
  readonly id: number;
  readonly row: number;
  readonly store: WritableStore;
  readonly counters: Counters;
  readonly #world: LogWorld;
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
  #told = true;
  #loggerPipe: readonly [read: number, write: number] | undefined;
  readonly #own: LineStamper;

  constructor(name: string, record: SourceRecord, world: LogWorld, intake: Intake, counters: Counters) {
    this.name = name;
    this.counters = counters;
    this.row = record.place;
    this.#world = world;
    this.id = record.id;
    this.#markers = record.markers.map((marker) => fromRecord(marker, name, world.bootId));
    this.#files = record.files;
    this.#rule = record.rule;
    this.#loss = new SteadyLoss(
      () => ({ stdout: counters.droppedOf('stdout'), stderr: counters.droppedOf('stderr') }),
      () => this.#stored(),
    );
    this.store = this.#makeStore();
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
   * The pipe to the logger of the service (`log/run`), made when it is first asked for: what the logger reads, what the service
   * writes to. init and we keep both ends open, so that either side can be started anew and nothing is lost.
   */
  get loggerPipe(): readonly [read: number, write: number] {
    this.#loggerPipe ??= this.#pipe('logger');
    return this.#loggerPipe;
  }

  /** Nobody writes to the logger any more: it sees the end of its input when it has read all of it. */
  endLogger(): void {
    if (this.#loggerPipe === undefined) return;
    closeSync(this.#loggerPipe[1]);
    this.#world.link.release(this.#heldName('logger.w'));
    this.#loggerPipe = undefined;
  }

  /** What the writer gets as its standard output and error. */
  get output(): { readonly stdout: number; readonly stderr: number } {
    return { stdout: this.#pipes.stdout[1], stderr: this.#pipes.stderr[1] };
  }

  get rule(): LogRule | undefined {
    return this.#rule;
  }

  /** The output follows a new rule at once; store and file are those with which the source began. */
  set rule(rule: LogRule | undefined) {
    this.#rule = rule;
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
    // What the first one stores may have a forwarder pause both again.
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

  /** Stores all that was written until now, since the writer is gone, and calls `done`: at once or, when it is paused, a little later. */
  drain(done: () => void): void {
    const [first, second] = this.#captures;
    first.drain(() =>
      second.drain(() => {
        this.#loss.publish();
        done();
      }),
    );
  }

  close(): void {
    for (const capture of this.#captures) capture.close();
    this.#loss.close();
    closePipes(this.#pipes);
    if (this.#loggerPipe) for (const fd of this.#loggerPipe) closeSync(fd);
    for (const part of ['store', 'out.r', 'out.w', 'err.r', 'err.w', 'logger.r', 'logger.w'])
      this.#world.link.release(this.#heldName(part));
    this.#stored();
    this.#closed = true;
    this.counters.close();
    this.#closeUnread();
  }

  /** Those who still read a source that is gone find its end first. */
  #closeUnread(): void {
    if (this.#closed && this.#listeners.size === 0 && this.#forwarders.size === 0) this.store.close();
  }

  #makeStore(): WritableStore {
    const { files, storeBytes, warn, held } = this.#world;
    const path = this.#filePath();
    const { end } = this.counters;
    try {
      // What an earlier controller had to keep in memory stays there.
      if (path !== undefined && !held.has(this.#heldName('store')))
        return new FileStore(
          path,
          files,
          this.#files && { ...this.#files, end },
          {
            appended: (end) => this.counters.setEnd(end),
            dropped: (stream, lines, bytes) => this.#drop(stream, lines, bytes),
            rotated: (record) => {
              this.#files = record;
              this.#record();
            },
          },
          end,
        );
    } catch (error) {
      warn(
        `the log of ${this.name} is kept in memory: ${dirname(path ?? '')} cannot be used (${(error as NodeJS.ErrnoException).code})`,
      );
    }
    return new MemoryStore(memfd(this.#world, this.#heldName('store')), storeBytes, this.counters.furthest);
  }

  /** undefined: the log is kept in memory. */
  #filePath(): string | undefined {
    const { directory } = this.#world;
    return this.#rule?.file ?? (directory === undefined ? undefined : join(directory, `${this.name}.log`));
  }

  #drop(stream: Stream, lines: number, bytes: number): void {
    const first = this.counters.dropped.lines === 0;
    // Counted first: the warning is a line of the log, too.
    this.counters.addDropped(stream, { lines, bytes });
    this.#loss.grown();
    if (first) this.#world.warn(`the log of ${this.name} loses lines: the disk does not take them`);
  }

  #pipe(stream: string): readonly [read: number, write: number] {
    const held = [
      this.#world.held.get(this.#heldName(`${stream}.r`)),
      this.#world.held.get(this.#heldName(`${stream}.w`)),
    ];
    if (held[0] !== undefined && held[1] !== undefined) return [held[0], held[1]];
    const [read, write] = native().pipe(stream === 'logger');
    this.#world.link.hold(this.#heldName(`${stream}.r`), read);
    this.#world.link.hold(this.#heldName(`${stream}.w`), write);
    return [read, write];
  }

  #heldName(part: string): string {
    return `log.${this.id}.${this.row}.${this.name.slice(0, HELD_NAME_LENGTH)}.${part}`;
  }

  #record(): void {
    this.#world.record(this.name, {
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
    if (!this.#told || this.#listeners.size === 0) return;
    this.#told = false;
    setImmediate(() => {
      this.#told = true;
      for (const listener of this.#listeners) listener();
    });
  }
}

/** A memfd that survives the controller: that of an earlier one, or a new one. */
export function memfd({ held, link }: Pick<LogWorld, 'held' | 'link'>, name: string): number {
  const left = held.get(name);
  if (left !== undefined) return left;
  const fd = native().memfd('log');
  link.hold(name, fd);
  return fd;
}
