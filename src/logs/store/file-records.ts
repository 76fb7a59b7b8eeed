import { fstatSync, ftruncateSync, readSync } from 'node:fs';
import { isStderr, NEWLINE } from './cri.js';
import { BEGINNING, type StreamPosition } from './store.js';

/** The number of some records, and how much of them is standard error. */
export interface RecordCounts {
  readonly records: number;
  readonly stderrBytes: number;
  readonly stderrRecords: number;
}

/** The position behind records that have so many bytes. */
export const advanced = (from: StreamPosition, bytes: number, counts: RecordCounts): StreamPosition => ({
  offset: from.offset + bytes,
  record: from.record + counts.records,
  stderrOffset: from.stderrOffset + counts.stderrBytes,
  stderrRecord: from.stderrRecord + counts.stderrRecords,
});

/**
 * Counts what is in a file that begins at `base`, from a position on that is `known` to be in it,
 * if it is; half a record at its end is cut off.
 */
export function endOfFile(base: StreamPosition, fd: number, known: StreamPosition = base): StreamPosition {
  const buffer = Buffer.allocUnsafe(64 * 1024);
  const isThere = known.offset >= base.offset && known.offset - base.offset <= fstatSync(fd).size;
  let end = isThere ? known : base;
  let at = end.offset - base.offset;
  for (;;) {
    const length = readSync(fd, buffer, 0, buffer.length, at);
    const whole = buffer.subarray(0, length).lastIndexOf(NEWLINE) + 1;
    if (whole === 0) {
      if (length > 0) shorten(fd, at);
      return end;
    }
    end = advanced(end, whole, countRecords(buffer, whole));
    at += whole;
  }
}

/** The position at which a cut-off file begins, if its last record ends at `end`. */
export function baseOfRest(end: StreamPosition, fd: number): StreamPosition {
  const { offset, record, stderrOffset, stderrRecord } = endOfFile(BEGINNING, fd);
  return {
    offset: end.offset - offset,
    record: end.record - record,
    stderrOffset: end.stderrOffset - stderrOffset,
    stderrRecord: end.stderrRecord - stderrRecord,
  };
}

/** Counts the whole records in a buffer. */
export function countRecords(buffer: Buffer, length: number): RecordCounts {
  const count = { records: 0, stderrBytes: 0, stderrRecords: 0 };
  for (let start = 0; start < length; ) {
    const end = buffer.indexOf(NEWLINE, start) + 1;
    count.records++;
    if (isStderr(buffer, start)) {
      count.stderrRecords++;
      count.stderrBytes += end - start;
    }
    start = end;
  }
  return count;
}

/** Cuts off the incomplete record at the end, if possible. */
export function shorten(fd: number, bytes: number): void {
  try {
    ftruncateSync(fd, bytes);
  } catch {
    // A file that may not be changed: nothing to clean up.
  }
}
