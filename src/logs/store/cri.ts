/**
 * The CRI log format of Kubernetes: `2026-11-23T03:22:11.123456789Z stdout F text`, where `P` marks
 * a piece of a line that goes on in the next record (Kubernetes, "CRI logging format"). Every
 * record has a head of the same length.
 */

import { wallOffsetNs } from '../../process/clock.js';
import { native } from '../../process/native.js';

export type Stream = 'stdout' | 'stderr';

/**
 * The layout of a record, `2026-11-23T03:22:11.123456789Z stdout F text`. addon-logs.c has the same
 * numbers; a test holds the two together.
 */
export const TIME_BYTES = 30;
/** `2026-11-23T03:22:11` */
export const SECONDS_BYTES = 19;
/** Where the letter is that tells `stdout` from `stderr`. */
export const STREAM_LETTER_AT = 34;
export const STREAM_LETTERS: Readonly<Record<Stream, number>> = { stdout: 0x6f, stderr: 0x65 };
/** Where `F` or `P` is. */
const TAG_AT = 38;
export const HEAD_BYTES = 40;
/** A record without its text: head and line end. */
export const RECORD_OVERHEAD_BYTES = HEAD_BYTES + 1;
/** A longer line is cut into pieces of this size, as container runtimes do. */
export const MAX_CONTENT_BYTES = 16 * 1024;
export const MAX_RECORD_BYTES = HEAD_BYTES + MAX_CONTENT_BYTES + 1;

export const NEWLINE = 10;
const PARTIAL = 'P'.charCodeAt(0);
const SPACE = 0x20;

/**
 * Takes finished records: the first `length` bytes of the buffer, which is used again after the
 * call. Answers whether there may be more.
 */
export type RecordSink = (buffer: Buffer, length: number, records: number) => boolean;

/** So much is appended to a store at once, at most: no more than the smallest segment holds. */
export const MAX_APPEND_BYTES = 64 * 1024;
/** Where records are put together; shared by all, as nothing is kept in it between calls. */
const out = Buffer.allocUnsafe(MAX_APPEND_BYTES);
/** Where the text was left, how long the records are, and how many. */
const stamped = new Int32Array(3);

/** Turns what a stream says into records, a whole chunk with one look at the clock. */
export class LineStamper {
  readonly #stream: Stream;
  readonly #sink: RecordSink;
  readonly #head = Buffer.alloc(HEAD_BYTES);

  constructor(stream: Stream, sink: RecordSink) {
    this.#stream = stream;
    this.#sink = sink;
  }

  /**
   * Takes the lines between `start` and `end` that are ended, or too long for one record. Returns
   * where it has come to: to the beginning of a line that is not ended, or to where the sink had
   * enough for now.
   */
  write(text: Buffer, start: number, end: number, now: string): number {
    this.#setHead(now, 'F');
    for (let at = start; at < end; ) {
      native().stamp(text, at, end, this.#head, out, stamped);
      const [next = end, length = 0, records = 0] = stamped;
      if (length === 0) return next;
      at = next;
      if (!this.#sink(out, length, records)) return at;
    }
    return end;
  }

  /**
   * Takes a line that is not ended, as it is: its writer has ended, or says nothing more for now
   * (`goesOn`).
   */
  end(line: Buffer, now: string, goesOn = false): void {
    this.#setHead(now, goesOn ? 'P' : 'F');
    const length = this.#head.copy(out) + line.copy(out, HEAD_BYTES);
    out[length] = NEWLINE;
    this.#sink(out, length + 1, 1);
  }

  #setHead(now: string, tag: 'F' | 'P'): void {
    this.#head.write(`${now} ${this.#stream} ${tag} `, 'latin1');
  }
}

/** The parts of a record. The content is a view into the buffer it was read into. */
export interface CriRecord {
  readonly time: string;
  readonly stream: Stream;
  /** The line goes on in the next record of this stream. */
  readonly partial: boolean;
  readonly content: Buffer;
}

/** Whether the record that begins here is of standard error. */
export const isStderr = (buffer: Buffer, start: number): boolean =>
  buffer[start + STREAM_LETTER_AT] === STREAM_LETTERS.stderr;

/** Whether the line of the record that begins here goes on in the next one. */
export const isPartial = (buffer: Buffer, start: number): boolean => buffer[start + TAG_AT] === PARTIAL;

/** Whether a record may begin here: a head has spaces at three places. */
export const looksLikeRecord = (buffer: Buffer, start: number): boolean =>
  [TIME_BYTES, TAG_AT - 1, HEAD_BYTES - 1].every((at) => buffer[start + at] === SPACE);

/** Reads the record between `start` and its line end at `end`. */
export function parseRecord(buffer: Buffer, start: number, end: number): CriRecord {
  return {
    time: buffer.toString('latin1', start, start + TIME_BYTES),
    stream: isStderr(buffer, start) ? 'stderr' : 'stdout',
    partial: isPartial(buffer, start),
    content: buffer.subarray(start + HEAD_BYTES, end),
  };
}

let lastMs = -1;
let lastText = '';

/**
 * The wall-clock time as CRI has it, with nanoseconds: `2026-11-23T03:22:11.123456789Z`. Goes back
 * only when the clock does.
 */
export function criTime(): string {
  const ns = process.hrtime.bigint() + wallOffsetNs();
  const ms = Number(ns / 1_000_000n);
  if (ms !== lastMs) {
    lastMs = ms;
    lastText = new Date(ms).toISOString().slice(0, 23);
  }
  return `${lastText}${String(ns % 1_000_000n).padStart(6, '0')}Z`;
}
