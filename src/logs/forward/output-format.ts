import { isUtf8 } from 'node:buffer';
import { native } from '../../process/native.js';
import type { LogOutput } from '../../types/logs.js';
import type { Source } from '../capture/source.js';
import type { Forwarded, Loss } from '../store/counters.js';
import {
  criTime,
  HEAD_BYTES,
  isPartial,
  isStderr,
  NEWLINE,
  parseRecord,
  RECORD_OVERHEAD_BYTES,
  type Stream,
} from '../store/cri.js';
import type { StreamPosition } from '../store/store.js';
import { bytesOf, copyBytes } from './copy-bytes.js';

const READ_BYTES = 96 * 1024;
/** The numbers that {@link native} reports about the lines in the output buffer. */
const unstamped = new Int32Array(5);

/**
 * The next bytes of a source to write: the first `length` bytes of {@link OutputFormat.out}; may be
 * none.
 */
export interface Piece {
  readonly length: number;
  /** The progress of the output once the piece is written. */
  readonly given: Forwarded;
}

/**
 * Makes the text of an output of the container from the records of the stores, one piece of one
 * source after the other.
 */
export class OutputFormat {
  /** Only this stream; undefined: both. */
  readonly #stream: Stream | undefined;
  /** Of sources without a rule of their own. */
  readonly #mode: LogOutput;
  readonly #read = bytesOf(Buffer.allocUnsafe(READ_BYTES));
  /** As long as what was read in raw mode; other modes stop before it is full. */
  readonly #out = bytesOf(Buffer.allocUnsafe(4 * READ_BYTES));
  /** A line of this source and stream has begun on the output and is not ended. */
  #open: { readonly source: Source; readonly stderr: boolean } | undefined;
  /** Unwritten records of removed services that are not reported yet. */
  #gone = NOTHING;

  constructor(stream: Stream | undefined, mode: LogOutput) {
    this.#stream = stream;
    this.#mode = mode;
  }

  /** How the lines of a source look. */
  modeOf({ rule }: Source): LogOutput {
    return rule?.output ?? this.#mode;
  }

  get out(): Buffer {
    return this.#out.buffer;
  }

  /** The part of a source that was never stored, of the streams that are written here. */
  droppedOf(source: Source): Loss {
    return source.droppedOf(this.#stream);
  }

  /**
   * The service is gone, and nothing more of it is written: the rest of its records is
   * reported as a gap with the next piece.
   */
  leave(source: Source, { position, dropped }: Forwarded): void {
    const unwritten = this.#between(position, source.store.newest);
    const untold = this.droppedOf(source);
    this.#gone = {
      lines: this.#gone.lines + unwritten.lines + untold.lines - dropped.lines,
      bytes: this.#gone.bytes + unwritten.bytes + untold.bytes - dropped.bytes,
    };
  }

  /** The piece of a source that follows the last one given. */
  next(source: Source, given: Forwarded): Piece {
    const dropped = this.droppedOf(source);
    let used = this.#tellGap('removed services', this.#gone, 'output_stalled', 0, this.#mode);
    this.#gone = NOTHING;
    used += this.#tellDropped(source, given.dropped, dropped, used);
    let { position } = given;
    const { oldest, newest } = source.store;
    if (position.offset < oldest.offset) {
      used += this.#tellMissed(source, position, oldest, used);
      position = oldest;
    }
    if (this.#between(position, newest).lines === 0) return { length: used, given: { position: newest, dropped } };
    const length = source.store.read(position.offset, this.#read.buffer);
    // Lines that should be there and cannot be read are passed over.
    if (length === 0 && oldest.offset === source.store.oldest.offset)
      return { length: used + this.#tellMissed(source, position, newest, used), given: { position: newest, dropped } };
    return this.#lines(source, length, { length: used, given: { position, dropped } });
  }

  /** Appends the lines of the records read to the output buffer, as far as there is room. */
  #lines(source: Source, length: number, before: Piece): Piece {
    const mode = this.modeOf(source);
    let used = before.length;
    let { record, stderrOffset, stderrRecord } = before.given.position;
    let start = 0;
    while (start < length) {
      if (mode === 'raw' && this.#open === undefined) {
        native().unstamp(this.#read.buffer, start, length, this.#streams, this.#out.buffer, used, unstamped);
        const [next = length, end = used, records = 0, stderrBytes = 0, stderrRecords = 0] = unstamped;
        [start, used] = [next, end];
        record += records;
        stderrOffset += stderrBytes;
        stderrRecord += stderrRecords;
        if (start === length) break;
      }
      const end = this.#read.buffer.indexOf(NEWLINE, start);
      if (end < 0 || used + this.#mostBytes(source, end - start) > this.#out.buffer.length) break;
      const stderr = isStderr(this.#read.buffer, start);
      if (this.#wants(stderr)) used = this.#put(source, start, end, used, stderr);
      if (stderr) {
        stderrOffset += end + 1 - start;
        stderrRecord++;
      }
      start = end + 1;
      record++;
    }
    const offset = before.given.position.offset + start;
    return { length: used, given: { ...before.given, position: { offset, record, stderrOffset, stderrRecord } } };
  }

  /** As `unstamp` wants it. */
  get #streams(): number {
    return (this.#wants(false) ? 1 : 0) + (this.#wants(true) ? 2 : 0);
  }

  #wants(stderr: boolean): boolean {
    return this.#stream === undefined || (this.#stream === 'stderr') === stderr;
  }

  #put(source: Source, start: number, end: number, at: number, stderr: boolean): number {
    let used = at;
    const mode = this.modeOf(source);
    if (mode === 'json') {
      used += this.#endOpenLine(used);
      return used + this.#out.buffer.write(jsonLine(source, this.#read.buffer, start, end), used);
    }
    const goesOn = this.#open !== undefined && this.#open.source === source && this.#open.stderr === stderr;
    if (!goesOn) used += this.#endOpenLine(used);
    if (!goesOn && mode === 'prefix') used += this.#out.buffer.write(`${source.name} | `, used);
    copyBytes(this.#read, start + HEAD_BYTES, end, this.#out, used);
    used += end - start - HEAD_BYTES;
    if (!isPartial(this.#read.buffer, start)) {
      this.#out.buffer[used++] = NEWLINE;
      if (goesOn) this.#open = undefined;
    } else if (!goesOn) this.#open = { source, stderr };
    return used;
  }

  #endOpenLine(at: number): number {
    if (this.#open === undefined) return 0;
    this.#open = undefined;
    this.#out.buffer[at] = NEWLINE;
    return 1;
  }

  /** The records between two positions, of the streams that are written here. */
  #between(from: StreamPosition, to: StreamPosition): Loss {
    const stderr = lossOf(to.stderrRecord - from.stderrRecord, to.stderrOffset - from.stderrOffset);
    if (this.#stream === 'stderr') return stderr;
    const both = lossOf(to.record - from.record, to.offset - from.offset);
    if (this.#stream === undefined) return both;
    return { lines: both.lines - stderr.lines, bytes: both.bytes - stderr.bytes };
  }

  /** Says what was overwritten between two places. */
  #tellMissed(source: Source, from: StreamPosition, to: StreamPosition, at: number): number {
    const loss = this.#between(from, to);
    if (loss.lines > 0) source.counters.addMissed(loss.lines);
    return this.#tellGap(source.name, loss, 'output_stalled', at, this.modeOf(source));
  }

  /** Says what was never stored. */
  #tellDropped(source: Source, reported: Loss, dropped: Loss, at: number): number {
    const loss = { lines: dropped.lines - reported.lines, bytes: dropped.bytes - reported.bytes };
    return this.#tellGap(source.name, loss, 'disk_full', at, this.modeOf(source));
  }

  #tellGap(service: string, { lines, bytes }: Loss, cause: keyof typeof CAUSES, at: number, mode: LogOutput): number {
    if (lines === 0) return 0;
    if (mode === 'json') {
      const gap = { time: criTime(), service, gap: { lines, bytes, cause } };
      return this.#out.buffer.write(`${JSON.stringify(gap)}\n`, at);
    }
    const ended = this.#endOpenLine(at);
    const what = lines === 1 ? '1 line' : `${lines} lines`;
    const line = `*** ${service}: ${what} (${bytes} bytes) ${lines === 1 ? 'was' : 'were'} lost here: ${CAUSES[cause]}\n`;
    return ended + this.#out.buffer.write(line, at + ended);
  }

  /** A JSON string has at most six characters for a byte, and base64 less than two. */
  #mostBytes(source: Source, recordBytes: number): number {
    return (this.modeOf(source) === 'json' ? 8 : 1) * recordBytes + source.name.length + 128;
  }
}

const NOTHING: Loss = { lines: 0, bytes: 0 };

const CAUSES = {
  output_stalled: "nobody read the container's output in time",
  disk_full: 'the disk did not take them',
} as const;

const lossOf = (lines: number, recordBytes: number): Loss => ({
  lines,
  bytes: recordBytes - lines * RECORD_OVERHEAD_BYTES,
});

/** The text as a string, as it nearly always is; bytes that are no text are given beside it. */
function jsonLine(source: Source, buffer: Buffer, start: number, end: number): string {
  const { time, stream, partial, content } = parseRecord(buffer, start, end);
  const text = content.toString('utf8');
  const bytes = isUtf8(content) ? undefined : content.toString('base64');
  return `${JSON.stringify({ time, service: source.name, stream, text, bytes, ...(partial && { partial }) })}\n`;
}
