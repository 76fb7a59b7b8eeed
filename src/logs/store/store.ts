import { closeSync, fstatSync, readSync, writeSync } from 'node:fs';
import type { HeldRange, LogStore, Position } from '../../types/logs.js';
import { MAX_RECORD_BYTES, type Stream } from './cri.js';
import { findStderr, KeptStderr, noteStderr, type StderrRun } from './kept-stderr.js';

/** A position in a log, and how much of the records before it is standard error. */
export interface StreamPosition extends Position {
  readonly stderrOffset: number;
  readonly stderrRecord: number;
}

export const BEGINNING: StreamPosition = { offset: 0, record: 0, stderrOffset: 0, stderrRecord: 0 };

/** A segment holds at least this, so that the longest record fits several times. */
export const MIN_SEGMENT_BYTES = 4 * MAX_RECORD_BYTES;

const HEADER_BYTES = 4_096;
/** In the header, behind the part that all versions know. */
const KEPT_HEADER_AT = 2_048;
/** `MYL2` */
const MAGIC = 0x324c594d;
/**
 * Magic, which segment is active, size of a segment; and for each segment the fields of a
 * {@link Segment}.
 */
const HEADER_USED_BYTES = 16 + 2 * 8 * 8;

/** A store as its writer sees it. */
export interface WritableStore extends LogStore {
  readonly oldest: StreamPosition;
  readonly newest: StreamPosition;
  /** Appends whole records of one stream: the first `length` bytes. */
  append(buffer: Buffer, length: number, records: number, stream?: Stream): void;
  /** How many bytes can follow a record before it is overwritten. */
  readonly reachBytes: number;
  /** Lines that are in memory until the disk takes them. */
  readonly waiting: number;
  /** Writes out waiting records, as far as the disk has room. */
  flush(): void;
  /** Gives its descriptors back; there is nothing to be read from then on. */
  close(): void;
}

interface Segment {
  base: StreamPosition;
  bytes: number;
  records: number;
  stderrBytes: number;
  stderrRecords: number;
  /** Where the records of standard error are; undefined in a segment of an earlier controller. */
  stderr: StderrRun[] | undefined;
}

/**
 * Two segments of fixed size in a memfd that init holds: bounded, off the JavaScript heap, there
 * for the next controller. When one is full the other starts over; the last records of standard
 * error in it are kept apart, see {@link KeptStderr}. Only the header counts: it is written after
 * the records it describes.
 */
export class MemoryStore implements WritableStore {
  readonly #fd: number;
  readonly #segmentBytes: number;
  readonly #segments: readonly [Segment, Segment];
  readonly #kept: KeptStderr;
  #active: 0 | 1 = 0;
  readonly #header = Buffer.alloc(HEADER_USED_BYTES);
  #closed = false;

  /**
   * Takes over the records that an earlier controller left in the memfd; without them the log
   * continues at `begin`.
   */
  constructor(fd: number, totalBytes: number, begin = BEGINNING) {
    this.#fd = fd;
    const left = readHeader(fd);
    this.#segmentBytes = left?.segmentBytes ?? Math.max(MIN_SEGMENT_BYTES, Math.floor(totalBytes / 2));
    this.#segments = left?.segments ?? [emptySegment(begin), emptySegment(begin)];
    this.#active = left?.active ?? 0;
    const both = 2 * this.#segmentBytes;
    this.#kept = new KeptStderr(fd, KEPT_HEADER_AT, HEADER_BYTES + both, both);
  }

  /** Memory waits for no disk. */
  readonly waiting = 0;

  flush(): void {}

  get kept(): readonly HeldRange[] {
    return this.#closed ? [] : this.#kept.ranges(this.oldest.offset);
  }

  get reachBytes(): number {
    return this.#segmentBytes;
  }

  get oldest(): StreamPosition {
    const other = this.#segments[this.#active === 0 ? 1 : 0];
    return other.bytes > 0 ? other.base : this.#segments[this.#active].base;
  }

  get newest(): StreamPosition {
    return endOf(this.#segments[this.#active]);
  }

  append(buffer: Buffer, length: number, records: number, stream: Stream = 'stdout'): void {
    if (this.#closed) return;
    if (length <= this.#segmentBytes) {
      this.#appendWhole(buffer, 0, length, records, stream);
      return;
    }
    // More than a segment at once: cut at records.
    for (let start = 0; start < length; ) {
      let end = start;
      let count = 0;
      for (;;) {
        const next = buffer.indexOf(10, end) + 1;
        if (next === 0 || next > length || next - start > this.#segmentBytes) break;
        end = next;
        count++;
      }
      if (end === start) return;
      this.#appendWhole(buffer, start, end - start, count, stream);
      start = end;
    }
  }

  read(offset: number, into: Buffer): number {
    if (this.#closed) return 0;
    return offset < this.oldest.offset ? this.#kept.read(offset, into) : this.#readSegments(offset, into);
  }

  #readSegments(offset: number, into: Buffer): number {
    const older = this.#segments[this.#active === 0 ? 1 : 0];
    const index = holds(older, offset) ? (this.#active === 0 ? 1 : 0) : this.#active;
    const segment = this.#segments[index];
    const start = offset - segment.base.offset;
    const wanted = Math.min(into.length, segment.bytes - start);
    if (wanted <= 0) return 0;
    const length = readSync(this.#fd, into, 0, wanted, this.#segmentAt(index) + start);
    return into.subarray(0, length).lastIndexOf(10) + 1;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#fd);
  }

  #appendWhole(buffer: Buffer, start: number, length: number, records: number, stream: Stream): void {
    let segment = this.#segments[this.#active];
    if (segment.bytes + length > this.#segmentBytes) {
      const base = endOf(segment);
      const next = this.#active === 0 ? 1 : 0;
      this.#keepStderr(this.#segments[next]);
      this.#active = next;
      segment = this.#segments[next];
      Object.assign(segment, emptySegment(base));
      // Before anything is overwritten: the header never names records that are gone.
      this.#writeHeader();
    }
    writeSync(this.#fd, buffer, start, length, this.#segmentAt(this.#active) + segment.bytes);
    if (stream === 'stderr' && segment.stderr !== undefined) {
      const { offset, record } = endOf(segment);
      noteStderr(segment.stderr, { offset, record, bytes: length, records }, this.#segmentBytes);
    }
    segment.bytes += length;
    segment.records += records;
    if (stream === 'stderr') {
      segment.stderrBytes += length;
      segment.stderrRecords += records;
    }
    this.#writeHeader();
  }

  /** Keeps the records of standard error in a segment that is about to be overwritten. */
  #keepStderr({ base, bytes, stderrRecords, stderr }: Segment): void {
    if (stderrRecords === 0) return;
    const read = (offset: number, into: Buffer): number => this.#readSegments(offset, into);
    let runs = stderr;
    if (runs === undefined) {
      const records = Buffer.allocUnsafe(bytes);
      runs = findStderr(records.subarray(0, read(base.offset, records)), base.offset, base.record);
    }
    this.#kept.add(runs, read);
  }

  #segmentAt(index: 0 | 1): number {
    return HEADER_BYTES + index * this.#segmentBytes;
  }

  #writeHeader(): void {
    const header = this.#header;
    header.writeUInt32LE(MAGIC, 0);
    header.writeUInt32LE(this.#active, 4);
    header.writeDoubleLE(this.#segmentBytes, 8);
    let at = 16;
    for (const { base, bytes, records, stderrBytes, stderrRecords } of this.#segments) {
      at = header.writeDoubleLE(base.offset, at);
      at = header.writeDoubleLE(base.record, at);
      at = header.writeDoubleLE(base.stderrOffset, at);
      at = header.writeDoubleLE(base.stderrRecord, at);
      at = header.writeDoubleLE(bytes, at);
      at = header.writeDoubleLE(records, at);
      at = header.writeDoubleLE(stderrBytes, at);
      at = header.writeDoubleLE(stderrRecords, at);
    }
    writeSync(this.#fd, header, 0, header.length, 0);
  }
}

const emptySegment = (base: StreamPosition): Segment => ({
  base,
  bytes: 0,
  records: 0,
  stderrBytes: 0,
  stderrRecords: 0,
  stderr: [],
});

const endOf = ({ base, bytes, records, stderrBytes, stderrRecords }: Segment): StreamPosition => ({
  offset: base.offset + bytes,
  record: base.record + records,
  stderrOffset: base.stderrOffset + stderrBytes,
  stderrRecord: base.stderrRecord + stderrRecords,
});

const holds = ({ base, bytes }: Segment, offset: number): boolean =>
  offset >= base.offset && offset < base.offset + bytes;

function readHeader(fd: number) {
  if (fstatSync(fd).size < HEADER_BYTES) return undefined;
  const header = Buffer.alloc(HEADER_USED_BYTES);
  readSync(fd, header, 0, header.length, 0);
  if (header.readUInt32LE(0) !== MAGIC) return undefined;
  const number = (index: number): number => header.readDoubleLE(16 + 8 * index);
  const segment = (first: number): Segment => ({
    base: {
      offset: number(first),
      record: number(first + 1),
      stderrOffset: number(first + 2),
      stderrRecord: number(first + 3),
    },
    bytes: number(first + 4),
    records: number(first + 5),
    stderrBytes: number(first + 6),
    stderrRecords: number(first + 7),
    stderr: undefined,
  });
  return {
    active: (header.readUInt32LE(4) === 1 ? 1 : 0) as 0 | 1,
    segmentBytes: header.readDoubleLE(8),
    segments: [segment(0), segment(8)] as const,
  };
}
