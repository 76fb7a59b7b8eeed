import type { HeldRange } from '../../types/logs.js';
import { RECORD_OVERHEAD_BYTES, type Stream } from './cri.js';
import { countRecords } from './file-records.js';
import type { FileStore } from './file-store.js';
import type { Spill } from './spill.js';
import type { StreamPosition, WritableStore } from './store.js';

/** While records wait, the disk is tried this often. */
const RETRY_MS = 1_000;
/** So much is written out at once. */
const PIECE_BYTES = 64 * 1024;

/** The parts of a {@link SpillingStore}, and what it reports. */
export interface SpillingParts {
  /** The memory that an earlier controller left. */
  readonly held: Spill | undefined;
  /** Makes the memory; undefined when there is none to be had. */
  open(begin: StreamPosition): Spill | undefined;
  /** The memory is empty, and was given back. */
  released(): void;
  /** The disk takes no more: from now on records wait. `code` is of errno(3). */
  refused(code: string | undefined): void;
  /** So many lines of a stream with so many bytes of text are lost. */
  dropped(stream: Stream, lines: number, bytes: number): void;
}

/**
 * Files, and memory in which records wait while the disk takes none. Waiting records are bounded,
 * can be read like the rest, are written in order when there is room again, and survive the
 * controller. Records that do not fit are dropped and counted, and have no position in the log.
 */
export class SpillingStore implements WritableStore {
  readonly #files: FileStore;
  readonly #parts: SpillingParts;
  #spill: Spill | undefined;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(files: FileStore, parts: SpillingParts) {
    this.#files = files;
    this.#parts = parts;
    this.#spill = parts.held;
    if (this.#spill === undefined) return;
    // The position of the ring is unknown: the record of the files is lost.
    if (this.#spill.reach > files.newest.offset || this.#spill.end.offset <= files.newest.offset) this.#release();
    else this.#wait();
  }

  get reachBytes(): number {
    return this.#files.reachBytes;
  }

  get kept(): readonly HeldRange[] {
    return this.#files.kept;
  }

  get oldest(): StreamPosition {
    return this.#files.oldest;
  }

  get newest(): StreamPosition {
    return this.#spill?.end ?? this.#files.newest;
  }

  get waiting(): number {
    return this.newest.record - this.#files.newest.record;
  }

  append(buffer: Buffer, length: number, records: number, stream: Stream = 'stdout'): void {
    if (this.#closed) return;
    let at = this.#spill === undefined ? this.#files.append(buffer, length, records, stream) : 0;
    if (at === length) return;
    const rest = (): Buffer => buffer.subarray(at, length);
    at += this.#keep(rest(), stream);
    // The memory is full: there may be room on the disk by now.
    if (at < length && this.#writeOut()) at += this.#files.append(rest(), length - at, countOf(rest()), stream);
    if (at < length) at += this.#keep(rest(), stream);
    if (at === length) return;
    const lost = countOf(rest());
    this.#parts.dropped(stream, lost, length - at - lost * RECORD_OVERHEAD_BYTES);
  }

  read(offset: number, into: Buffer): number {
    if (this.#closed) return 0;
    return offset < this.#files.newest.offset ? this.#files.read(offset, into) : (this.#spill?.read(offset, into) ?? 0);
  }

  flush(): void {
    if (!this.#closed) this.#writeOut();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#spill?.close();
    this.#files.close();
  }

  /** Keeps records in memory, as many as there is room for; returns how many bytes they have. */
  #keep(records: Buffer, stream: Stream): number {
    if (this.#spill === undefined) {
      this.#spill = this.#parts.open(this.#files.newest);
      if (this.#spill === undefined) return 0;
      this.#wait();
      // Later: the warning itself is a line of a log.
      const { refusal } = this.#files;
      setImmediate(() => this.#parts.refused(refusal));
    }
    return this.#spill.append(records, stream, this.#files.newest.offset);
  }

  #wait(): void {
    this.#retry = setTimeout(() => {
      if (!this.#writeOut()) this.#wait();
    }, RETRY_MS);
    this.#retry.unref();
  }

  #writeOut(): boolean {
    if (this.#spill === undefined) return true;
    const piece = Buffer.allocUnsafe(PIECE_BYTES);
    for (;;) {
      const length = this.#spill.read(this.#files.newest.offset, piece);
      if (length === 0) break;
      if (this.#files.appendBoth(piece, length) < length) return false;
    }
    this.#release();
    return true;
  }

  #release(): void {
    clearTimeout(this.#retry);
    this.#spill?.close();
    this.#spill = undefined;
    this.#parts.released();
  }
}

const countOf = (records: Buffer): number => countRecords(records, records.length).records;
