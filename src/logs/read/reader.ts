import type { LogSource, LogSources, Marker } from '../../types/logs.js';
import { MAX_RECORD_BYTES, TIME_BYTES } from '../store/cri.js';
import { decodeCursor, encodeCursor } from './cursor.js';
import { Filter, type FilterOptions } from './filter.js';
import type { Loss } from './held.js';
import { type LineSink, SourceReader } from './source-reader.js';
import type { Budget } from './tail-search.js';

/** The selection that a client wants to read. */
export interface ReadOptions extends FilterOptions {
  /** Whether a source is selected; also called for later sources. */
  readonly selected: (name: string) => boolean;
  readonly follow: boolean;
  /** The last so many wanted lines of each source. Not with `cursors`. */
  readonly tail?: number;
  readonly run?: 'current' | 'previous';
  /** Where an earlier reading was in each source. */
  readonly cursors?: ReadonlyMap<string, string>;
}

/**
 * The result of a turn. `busy`: nothing yet, ask again in another turn; `idle`: nothing until there
 * is news.
 */
export type ReadResult =
  | { readonly kind: 'lines' | 'caught_up' | 'busy' | 'idle' | 'end' }
  | { readonly kind: 'gap'; readonly name: string; readonly loss: Loss }
  | { readonly kind: 'marker'; readonly name: string; readonly marker: Marker };

/**
 * The bytes that one turn may read: a fraction of a millisecond, unless a pattern is looked for.
 */
const TURN_BYTES = 256 * 1024;
const SLOW_TURN_BYTES = 32 * 1024;

/**
 * Reads several sources as one, in the order of their times as far as they are stored. Between two
 * requests the reader keeps only positions: an idle client costs nothing.
 */
export class LogReader {
  readonly #sources: LogSources;
  readonly #options: ReadOptions;
  readonly #filter: Filter;
  #readers: readonly SourceReader[] = [];
  /** Readers whose position the client does not know yet. */
  readonly #moved = new Set<SourceReader>();
  readonly #subscriptions = new Map<LogSource, () => void>();
  #unsubscribe: () => void = () => undefined;
  #listener: () => void = () => undefined;
  #located = false;
  #caughtUp = false;
  #ended = false;
  #following = false;

  /** @throws PatternError, CursorError */
  constructor(sources: LogSources, options: ReadOptions) {
    this.#sources = sources;
    this.#options = options;
    this.#filter = new Filter(options);
    for (const source of this.#meant()) this.#add(source, options.tail, options.cursors !== undefined);
  }

  /** Calls the listener when there may be news to follow, until {@link close}. */
  subscribe(listener: () => void): void {
    if (!this.#options.follow) return;
    this.#listener = listener;
    this.#following = true;
    for (const { source } of this.#readers) this.#listen(source);
    this.#unsubscribe = this.#sources.subscribe(() => {
      this.#refresh();
      listener();
    });
  }

  close(): void {
    this.#ended = true;
    this.#unsubscribe();
    for (const unsubscribe of this.#subscriptions.values()) unsubscribe();
    this.#subscriptions.clear();
  }

  /**
   * The next thing. Lines are given to the sink, until it has no more room or something else comes.
   */
  next(sink: LineSink): ReadResult {
    if (this.#ended) return { kind: 'end' };
    const budget: Budget = { bytes: this.#filter.slow ? SLOW_TURN_BYTES : TURN_BYTES };
    if (!this.#located) {
      if (!this.#readers.every((reader) => reader.locate(budget))) return { kind: 'busy' };
      this.#located = true;
    }
    for (const reader of this.#readers) {
      const loss = reader.nextLoss();
      if (loss === undefined) continue;
      this.#moved.add(reader);
      return { kind: 'gap', name: reader.name, loss };
    }
    const ready = this.#readers.filter(({ hasMore }) => hasMore);
    return ready.length > 0 ? this.#merge(ready, sink, budget) : this.#atTheEnd();
  }

  /** The cursors of those sources whose position has changed since the last call. */
  changedCursors(): ReadonlyMap<string, string> {
    const cursors = new Map<string, string>();
    for (const reader of this.#moved)
      if (!this.#isGone(reader)) cursors.set(reader.name, encodeCursor(this.#sources.bootId, reader.state()));
    this.#moved.clear();
    return cursors;
  }

  #atTheEnd(): ReadResult {
    if (!this.#caughtUp) {
      this.#caughtUp = true;
      if (this.#options.follow) for (const reader of this.#readers) reader.unbound();
      return { kind: 'caught_up' };
    }
    if (!this.#options.follow) return { kind: 'end' };
    this.#forgetGone();
    return { kind: 'idle' };
  }

  #merge(unsorted: SourceReader[], sink: LineSink, budget: Budget): ReadResult {
    const queue = unsorted.length === 1 ? unsorted : sorted(unsorted);
    const counting = new CountingSink(sink);
    let windows = 0;
    let room = true;
    try {
      for (let reader = queue.shift(); reader !== undefined && room && budget.bytes > 0; reader = queue.shift()) {
        this.#moved.add(reader);
        const marker = reader.pendingMarker();
        if (marker !== undefined) {
          if (counting.lines > 0) break;
          if (reader.passMarker(marker)) return { kind: 'marker', name: reader.name, marker };
        } else {
          if (reader.needsWindow) {
            if (windows === WINDOWS) break;
            reader.useWindow(queue.length === 0 && windows === 0 ? wholeWindow : windowAt(windows));
            windows++;
          }
          room = reader.emit(counting, budget, boundOf(queue[0]));
        }
        // The next turn tells the gap, before anything that is later.
        if (reader.isAtGap) break;
        if (reader.hasMore) insert(queue, reader);
      }
    } finally {
      for (const reader of this.#readers) reader.dropWindow();
    }
    return { kind: counting.lines > 0 ? 'lines' : 'busy' };
  }

  #meant(): readonly LogSource[] {
    return this.#sources.list().filter(({ name }) => this.#options.selected(name));
  }

  /** `isNew`: the client has been following before the source was there. */
  #add(source: LogSource, tail: number | undefined, isNew: boolean): void {
    const { run, cursors } = this.#options;
    const reader = new SourceReader(source, this.#filter, {
      bounded: !this.#caughtUp,
      ...(run !== undefined && { run }),
      ...(tail !== undefined && { tail }),
    });
    const cursor = cursors?.get(source.name);
    if (cursor !== undefined && !this.#following) reader.resume(decodeCursor(cursor, this.#sources.bootId));
    else if (isNew) reader.resumeFromFirst();
    this.#readers = [...this.#readers, reader];
    this.#moved.add(reader);
  }

  /** Adds new sources. Sources that are gone are read to their end. */
  #refresh(): void {
    const known = new Set(this.#readers.map(({ source }) => source));
    for (const source of this.#meant()) {
      if (known.has(source)) continue;
      this.#add(source, undefined, true);
      this.#listen(source);
    }
  }

  #forgetGone(): void {
    const gone = this.#readers.filter((reader) => this.#isGone(reader));
    if (gone.length === 0) return;
    this.#readers = this.#readers.filter((reader) => !gone.includes(reader));
    for (const reader of gone) {
      this.#moved.delete(reader);
      this.#subscriptions.get(reader.source)?.();
      this.#subscriptions.delete(reader.source);
    }
  }

  #isGone({ source }: SourceReader): boolean {
    return this.#sources.get(source.name) !== source;
  }

  #listen(source: LogSource): void {
    this.#subscriptions.set(
      source,
      source.subscribe(() => this.#listener()),
    );
  }
}

/**
 * Windows are shared by all readers, as they are used within a turn only; each holds the longest
 * record.
 */
const WINDOWS = 16;
const WINDOW_BYTES = 20 * 1024;
const windowBytes = Buffer.allocUnsafe(Math.max(WINDOWS * WINDOW_BYTES, MAX_RECORD_BYTES));
const wholeWindow = windowBytes.subarray(0, 64 * 1024);
const windowAt = (index: number): Buffer => windowBytes.subarray(index * WINDOW_BYTES, (index + 1) * WINDOW_BYTES);

const boundBytes = Buffer.alloc(TIME_BYTES);

function boundOf(reader: SourceReader | undefined): Buffer | undefined {
  if (reader === undefined) return undefined;
  boundBytes.write(reader.head(), 'latin1');
  return boundBytes;
}

function sorted(readers: readonly SourceReader[]): SourceReader[] {
  const queue: SourceReader[] = [];
  for (const reader of readers) insert(queue, reader);
  return queue;
}

/** After readers of the same time, so that each has its turn. */
function insert(queue: SourceReader[], reader: SourceReader): void {
  let [low, high] = [0, queue.length];
  if (high === 0) {
    queue.push(reader);
    return;
  }
  const head = reader.head();
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((queue[middle]?.head() ?? '') <= head) low = middle + 1;
    else high = middle;
  }
  queue.splice(low, 0, reader);
}

class CountingSink implements LineSink {
  lines = 0;
  readonly #sink: LineSink;

  constructor(sink: LineSink) {
    this.#sink = sink;
  }

  put(name: string, buffer: Buffer, start: number, end: number): boolean {
    this.lines++;
    return this.#sink.put(name, buffer, start, end);
  }
}
