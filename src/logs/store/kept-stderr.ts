import { readSync, writeSync } from 'node:fs';
import type { HeldRange } from '../../types/logs.js';
import { isStderr, MAX_RECORD_BYTES, NEWLINE } from './cri.js';

/** `MYK1` */
const MAGIC = 0x314b594d;
const HEADER_BYTES = 8;
/** More gaps between lines than anybody wants to read. */
const MAX_RANGES = 64;
const NUMBERS = 4;
/** The number of ranges, and of each: where it begins (offset, record), its bytes and records. */
const TABLE_BYTES = 8 * (1 + NUMBERS * MAX_RANGES);

/** Records of standard error that follow each other. */
export interface StderrRun {
  offset: number;
  record: number;
  bytes: number;
  records: number;
}

const textBytes = (storeBytes: number): number => Math.max(MAX_RECORD_BYTES, Math.floor(storeBytes / 16));
const halfBytes = (storeBytes: number): number => TABLE_BYTES + textBytes(storeBytes);

/**
 * The last records of standard error that the store has otherwise overwritten: a part of its memfd
 * that a burst on standard output cannot reach. This part has two halves: the invalid half is
 * written, then the header names it, so that a killed controller loses nothing.
 */
export class KeptStderr {
  readonly #fd: number;
  readonly #headerAt: number;
  readonly #halvesAt: number;
  readonly #storeBytes: number;
  #half: 0 | 1 = 0;
  #runs: readonly StderrRun[] = [];

  /** `headerAt` and `halvesAt`: places in the memfd that are its own. */
  constructor(fd: number, headerAt: number, halvesAt: number, storeBytes: number) {
    this.#fd = fd;
    this.#headerAt = headerAt;
    this.#halvesAt = halvesAt;
    this.#storeBytes = storeBytes;
    this.#load();
  }

  /** Ranges that are not in the store itself, whose oldest record is at `oldest`. */
  ranges(oldest: number): readonly HeldRange[] {
    if (this.#runs.length === 0) return [];
    return this.#runs.filter(({ offset, bytes }) => offset + bytes <= oldest).map(rangeOf);
  }

  /**
   * Reads whole records from an offset on, up to the end of their range. 0 when the offset is not
   * kept.
   */
  read(offset: number, into: Buffer): number {
    let at = this.#halvesAt + this.#half * halfBytes(this.#storeBytes) + TABLE_BYTES;
    for (const run of this.#runs) {
      const start = offset - run.offset;
      if (start >= 0 && start < run.bytes) {
        const length = readSync(this.#fd, into, 0, Math.min(into.length, run.bytes - start), at + start);
        return into.subarray(0, length).lastIndexOf(NEWLINE) + 1;
      }
      at += run.bytes;
    }
    return 0;
  }

  /**
   * Keeps the last of these records too, and drops the oldest if there is no room; `read` reads the
   * store.
   */
  add(runs: readonly StderrRun[], read: (offset: number, into: Buffer) => number): void {
    const room = textBytes(this.#storeBytes);
    const half = Buffer.alloc(TABLE_BYTES + room);
    const latest = newest([...this.#runs, ...runs], room);
    const kept: StderrRun[] = [];
    let at = TABLE_BYTES;
    for (const run of latest) {
      const into = half.subarray(at, at + run.bytes);
      const own = this.read(run.offset, into) || read(run.offset, into);
      const whole = wholeRecords(run, into.subarray(0, own));
      if (whole === undefined) continue;
      into.copyWithin(0, whole.offset - run.offset, own);
      kept.push(whole);
      at += whole.bytes;
    }
    half.writeDoubleLE(kept.length, 0);
    kept.forEach(({ offset, record, bytes, records }, index) => {
      [offset, record, bytes, records].forEach((number, column) => {
        half.writeDoubleLE(number, 8 * (1 + NUMBERS * index + column));
      });
    });
    const next = this.#half === 0 ? 1 : 0;
    writeSync(this.#fd, half, 0, at, this.#halvesAt + next * halfBytes(this.#storeBytes));
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt32LE(MAGIC, 0);
    header.writeUInt32LE(next, 4);
    writeSync(this.#fd, header, 0, header.length, this.#headerAt);
    this.#half = next;
    this.#runs = kept;
  }

  #load(): void {
    const header = Buffer.alloc(HEADER_BYTES);
    if (readSync(this.#fd, header, 0, HEADER_BYTES, this.#headerAt) < HEADER_BYTES) return;
    if (header.readUInt32LE(0) !== MAGIC) return;
    this.#half = header.readUInt32LE(4) === 1 ? 1 : 0;
    const table = Buffer.alloc(TABLE_BYTES);
    readSync(this.#fd, table, 0, TABLE_BYTES, this.#halvesAt + this.#half * halfBytes(this.#storeBytes));
    const number = (index: number): number => table.readDoubleLE(8 * index);
    this.#runs = Array.from({ length: Math.min(number(0), MAX_RANGES) }, (_, index) => {
      const first = 1 + NUMBERS * index;
      return {
        offset: number(first),
        record: number(first + 1),
        bytes: number(first + 2),
        records: number(first + 3),
      };
    });
  }
}

/**
 * Notes records of standard error that were appended; `limit`: how many bytes of them are of
 * interest.
 */
export function noteStderr(runs: StderrRun[], run: StderrRun, limit: number): void {
  const last = runs.at(-1);
  if (last !== undefined && last.offset + last.bytes === run.offset) {
    last.bytes += run.bytes;
    last.records += run.records;
  } else runs.push({ ...run });
  while (runs.length > MAX_RANGES) runs.shift();
  while (runs.length > 1 && total(runs) - (runs[0]?.bytes ?? 0) >= limit) runs.shift();
}

/**
 * Finds the records of standard error among the whole records in a buffer, the first of which is at
 * this position.
 */
export function findStderr(records: Buffer, offset: number, record: number): StderrRun[] {
  const runs: StderrRun[] = [];
  let index = record;
  for (let start = 0; start < records.length; index++) {
    const end = records.indexOf(NEWLINE, start) + 1;
    if (end === 0) break;
    const run = { offset: offset + start, record: index, bytes: end - start, records: 1 };
    if (isStderr(records, start)) noteStderr(runs, run, records.length);
    start = end;
  }
  return runs;
}

/** A run, or the end of one, which need not begin with a record. */
interface CutRun extends StderrRun {
  readonly cut: boolean;
}

/** The last of the runs that have room; the first of them may be cut. */
function newest(runs: readonly StderrRun[], room: number): readonly CutRun[] {
  const found: CutRun[] = [];
  let left = room;
  for (const run of runs.toReversed()) {
    if (left === 0 || found.length === MAX_RANGES) break;
    const bytes = Math.min(run.bytes, left);
    found.unshift({ ...run, offset: run.offset + run.bytes - bytes, bytes, cut: bytes < run.bytes });
    left -= bytes;
  }
  return found;
}

/** The whole records of a run that were read. */
function wholeRecords(run: CutRun, text: Buffer): StderrRun | undefined {
  let records = 0;
  for (let at = text.indexOf(NEWLINE); at >= 0; at = text.indexOf(NEWLINE, at + 1)) records++;
  const start = run.cut ? text.indexOf(NEWLINE) + 1 : 0;
  const whole = run.cut ? records - 1 : records;
  if (whole <= 0) return undefined;
  const end = run.record + run.records;
  return { offset: run.offset + start, record: end - whole, bytes: text.length - start, records: whole };
}

const total = (runs: readonly StderrRun[]): number => runs.reduce((sum, { bytes }) => sum + bytes, 0);

const rangeOf = ({ offset, record, bytes, records }: StderrRun): HeldRange => ({
  begin: { offset, record },
  end: { offset: offset + bytes, record: record + records },
});
