import type { LogSource, Marker, Position } from '../../types/logs.js';
import { HEAD_BYTES, looksLikeRecord, MAX_RECORD_BYTES, NEWLINE, TIME_BYTES } from '../store/cri.js';
import { CursorError, type ReaderState } from './cursor.js';
import { compareTime, type Filter } from './filter.js';
import { type Loss, lossBetween, NO_LOSS, nextHeld } from './held.js';
import { type Limit, markerOrdinal, partOfRun, UNLIMITED } from './run-limit.js';
import { type Budget, TailSearch } from './tail-search.js';

/**
 * Takes a wanted record: from `start` to its line end at `end`. Returns whether there is room for
 * more.
 */
export interface LineSink {
  put(name: string, buffer: Buffer, start: number, end: number): boolean;
}

/** The range of lines that a reader wants from a source. */
export interface Begin {
  readonly run?: 'current' | 'previous';
  readonly tail?: number;
  /** Reading ends at the present end of the log. */
  readonly bounded: boolean;
}

const BEGINNING: Position = { offset: 0, record: 0 };

/**
 * How a reader goes through one source: its position, the reported markers, the lines it missed.
 * Holds no records between turns.
 */
export class SourceReader {
  readonly name: string;
  readonly source: LogSource;
  readonly #filter: Filter;
  #position: Position;
  #toldMarker = -1;
  #dropped: Loss;
  #limit: Limit = UNLIMITED;
  #unreadable = NO_LOSS;
  #confined = false;
  #search: TailSearch | undefined;
  #window: Window | undefined;
  #head = '';
  #headRecord = -1;

  constructor(source: LogSource, filter: Filter, begin: Begin) {
    this.source = source;
    this.name = source.name;
    this.#filter = filter;
    this.#dropped = { ...source.dropped };
    this.#position = nextHeld(source.store, BEGINNING);
    this.#beginAt(this.#position);
    if (begin.bounded) this.boundHere();
    if (begin.run !== undefined) this.#confineTo(begin.run);
    if (begin.tail !== undefined) this.#searchTail(begin.tail);
  }

  /**
   * Goes on where an earlier reading was.
   *
   * @throws CursorError malformed: no record begins there
   */
  resume(state: ReaderState): void {
    const { log, position, toldMarker, dropped } = state;
    const { newest } = this.source.store;
    // Another log: the service went and came again, or its files cannot be used any more.
    if (log !== this.source.id || position.offset > newest.offset) {
      this.resumeFromFirst();
      return;
    }
    if (nextHeld(this.source.store, position) === position && !this.#isRecordAt(position))
      throw new CursorError('malformed', `the cursor of ${this.name} leads to no line`);
    if (this.#confined && position.record < this.#position.record) return;
    this.#position = position;
    this.#toldMarker = toldMarker;
    const { lines, bytes } = this.source.dropped;
    this.#dropped = { lines: Math.min(dropped.lines, lines), bytes: Math.min(dropped.bytes, bytes) };
  }

  /** Has everything from the first line on, of which some may be lost. */
  resumeFromFirst(): void {
    if (this.#confined) return;
    this.#position = BEGINNING;
    this.#toldMarker = -1;
    this.#dropped = NO_LOSS;
  }

  state(): ReaderState {
    return { log: this.source.id, position: this.#position, toldMarker: this.#toldMarker, dropped: this.#dropped };
  }

  /** Makes the reading end at the present end of the log. */
  boundHere(): void {
    const last = this.source.markers.at(-1);
    this.#limit = { position: this.source.store.newest, marker: last === undefined ? 0 : markerOrdinal(last) + 1 };
  }

  /** Reads on, as far as there is something. */
  unbound(): void {
    this.#limit = UNLIMITED;
  }

  /** Whether the beginning has been found. Goes on looking for it, as far as the budget allows. */
  locate(budget: Budget): boolean {
    if (this.#search === undefined) return true;
    const found = this.#search.look(budget);
    if (found === undefined) return false;
    this.#search = undefined;
    this.#beginAt(found);
    return true;
  }

  /** Whether there is a record or a marker within the limits. */
  get hasMore(): boolean {
    return this.#position.record < this.#endRecord() || this.pendingMarker() !== undefined;
  }

  /** Whether the record at the position is no longer held. */
  get isAtGap(): boolean {
    return nextHeld(this.source.store, this.#position) !== this.#position;
  }

  /** The loss since the last turn; reading continues behind it. */
  nextLoss(): Loss | undefined {
    const { dropped, store } = this.source;
    const held = nextHeld(store, this.#position);
    let { lines, bytes } = this.#unreadable;
    this.#unreadable = NO_LOSS;
    const { position: limit } = this.#limit;
    if (this.#position.offset < held.offset && this.#position.offset < limit.offset) {
      const end = limit.offset < held.offset ? limit : held;
      const between = lossBetween(this.#position, end);
      lines += between.lines;
      bytes += between.bytes;
      this.#position = end;
      this.#window = undefined;
    }
    if (dropped.lines !== this.#dropped.lines || dropped.bytes !== this.#dropped.bytes) {
      lines += Math.max(0, dropped.lines - this.#dropped.lines);
      bytes += Math.max(0, dropped.bytes - this.#dropped.bytes);
      this.#dropped = { ...dropped };
    }
    return lines > 0 || bytes > 0 ? { lines, bytes } : undefined;
  }

  /** The marker that comes before the next record. */
  pendingMarker(): Marker | undefined {
    const marker = this.#nextMarker();
    return marker !== undefined && marker.position.record <= this.#position.record ? marker : undefined;
  }

  /** Passes the pending marker. Returns whether the reader wants it. */
  passMarker(marker: Marker): boolean {
    this.#toldMarker = markerOrdinal(marker);
    return this.#filter.wantsTime(marker.time);
  }

  /** The time of the next event; only when {@link hasMore}. */
  head(): string {
    const marker = this.pendingMarker();
    if (marker !== undefined) return marker.time;
    if (this.#headRecord !== this.#position.record) {
      this.#head = this.#readHead();
      this.#headRecord = this.#position.record;
    }
    return this.#head;
  }

  /** Whether a window is needed to {@link emit}. */
  get needsWindow(): boolean {
    return this.#window === undefined;
  }

  /** Gives it a buffer to read into, until {@link dropWindow}. */
  useWindow(buffer: Buffer): void {
    this.#window = { buffer, start: 0, end: 0 };
  }

  dropWindow(): void {
    this.#window = undefined;
  }

  /**
   * Gives the wanted records to the sink: up to the next marker, the limit, or a record later than
   * `bound`, as far as the budget and the window allow. Says whether the sink has room for more.
   */
  emit(sink: LineSink, budget: Budget, bound: Buffer | undefined): boolean {
    const window = this.#window;
    if (window === undefined || !this.#fill(window)) return true;
    const { buffer, end: windowEnd } = window;
    const filter = this.#filter;
    const stop = Math.min(this.#endRecord(), this.#nextMarker()?.position.record ?? Number.POSITIVE_INFINITY);
    let { offset, record } = this.#position;
    let start = window.start;
    let room = true;
    while (start < windowEnd && record < stop && room && budget.bytes > 0) {
      if (bound !== undefined && compareTime(buffer, start, bound) > 0) break;
      const end = buffer.indexOf(NEWLINE, start + HEAD_BYTES);
      if (end < 0) break;
      const length = end + 1 - start;
      if (filter.empty || filter.wants(buffer, start, end)) room = sink.put(this.name, buffer, start, end);
      start += length;
      offset += length;
      record++;
      budget.bytes -= length;
    }
    window.start = start;
    this.#position = { offset, record };
    return room;
  }

  #endRecord(): number {
    return Math.min(this.source.store.newest.record, this.#limit.position.record);
  }

  /** Has the window hold at least one record at the position; whether it does. */
  #fill(window: Window): boolean {
    if (window.start < window.end) return true;
    const { store } = this.source;
    window.start = 0;
    window.end = this.#position.record < this.#endRecord() ? store.read(this.#position.offset, window.buffer) : 0;
    if (window.end > 0) return true;
    const { newest } = store;
    if (!this.isAtGap && this.#position.record < this.#endRecord()) {
      // A record that should be there and cannot be read will not be there later either.
      this.#unreadable = lossBetween(this.#position, newest);
      this.#position = newest;
    }
    return false;
  }

  /** The first that was not reported; markers of lost lines come behind the gap. */
  #nextMarker(): Marker | undefined {
    const { markers } = this.source;
    const last = markers.at(-1);
    const reported = this.#toldMarker;
    if (last === undefined || markerOrdinal(last) <= reported) return undefined;
    const next = markers.find((marker) => markerOrdinal(marker) > reported);
    return next !== undefined && markerOrdinal(next) < this.#limit.marker ? next : undefined;
  }

  /** Begins at a position: markers before it are not reported. */
  #beginAt(position: Position): void {
    this.#position = position;
    for (const marker of this.source.markers)
      if (marker.position.record < position.record)
        this.#toldMarker = Math.max(this.#toldMarker, markerOrdinal(marker));
  }

  #readHead(): string {
    const window = this.#window;
    if (window !== undefined && window.start < window.end)
      return window.buffer.toString('latin1', window.start, window.start + TIME_BYTES);
    const length = this.source.store.read(this.#position.offset, scratch);
    return scratch.toString('latin1', 0, Math.min(length, TIME_BYTES));
  }

  #isRecordAt({ offset, record }: Position): boolean {
    const { oldest, newest } = this.source.store;
    if (record > newest.record) return false;
    if (offset === newest.offset || record === newest.record)
      return offset === newest.offset && record === newest.record;
    if (offset === oldest.offset || record === oldest.record)
      return offset === oldest.offset && record === oldest.record;
    const length = this.source.store.read(offset, scratch);
    return length > HEAD_BYTES && looksLikeRecord(scratch, 0);
  }

  #confineTo(run: 'current' | 'previous'): void {
    const { begin, limit } = partOfRun(run, this.source.markers, this.#position);
    if (limit !== undefined) this.#limit = limit;
    if (begin === undefined) return;
    if (begin.position.offset > this.#position.offset) this.#position = begin.position;
    this.#confined = true;
    this.#toldMarker = markerOrdinal(begin) - 1;
  }

  #searchTail(lines: number): void {
    const { store, markers } = this.source;
    const end = this.#limit.position.record < store.newest.record ? this.#limit.position : store.newest;
    if (lines > 0) this.#search = new TailSearch(store, this.#filter, { begin: this.#position, end }, lines);
    else {
      this.#position = end;
      const last = markers.at(-1);
      if (last !== undefined) this.#toldMarker = markerOrdinal(last);
    }
  }
}

/** Records that were read and not yet passed on. */
interface Window {
  readonly buffer: Buffer;
  start: number;
  end: number;
}

/** Shared by all readers, as nothing is kept in it between calls. */
const scratch = Buffer.allocUnsafe(MAX_RECORD_BYTES);
