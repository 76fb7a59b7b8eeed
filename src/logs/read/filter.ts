import { HEAD_BYTES, STREAM_LETTER_AT, STREAM_LETTERS, type Stream, TIME_BYTES } from '../store/cri.js';
import { type Matcher, matcherOf } from './pattern/matcher.js';

/** The records that a reader wants. Times are wall-clock milliseconds. */
export interface FilterOptions {
  readonly stream?: Stream;
  /** From this time on. */
  readonly sinceMs?: number;
  /** Before this time. */
  readonly untilMs?: number;
  /** A pattern, as pattern/pattern.ts reads it. */
  readonly grep?: string;
}

/** The last character of a time is the same in all. */
const TIME_DIGITS = TIME_BYTES - 1;

/** Says of each record whether it is wanted, without taking it apart. */
export class Filter {
  /** Every record is wanted. */
  readonly empty: boolean;
  /** Says so with some effort. */
  readonly slow: boolean;
  readonly #letter: number | undefined;
  readonly #since: Buffer | undefined;
  readonly #until: Buffer | undefined;
  readonly #matches: Matcher | undefined;

  /** @throws PatternError */
  constructor({ stream, sinceMs, untilMs, grep }: FilterOptions) {
    this.#letter = stream === undefined ? undefined : STREAM_LETTERS[stream];
    this.#since = timeBytes(sinceMs);
    this.#until = timeBytes(untilMs);
    this.#matches = grep === undefined ? undefined : matcherOf(grep);
    this.slow = grep !== undefined;
    this.empty = [stream, sinceMs, untilMs, grep].every((option) => option === undefined);
  }

  /** Whether the record between `start` and its line end at `end` is wanted. */
  wants(buffer: Buffer, start: number, end: number): boolean {
    if (this.#letter !== undefined && buffer[start + STREAM_LETTER_AT] !== this.#letter) return false;
    if (this.#since !== undefined && compareTime(buffer, start, this.#since) < 0) return false;
    if (this.#until !== undefined && compareTime(buffer, start, this.#until) >= 0) return false;
    return this.#matches === undefined || this.#matches(buffer, start + HEAD_BYTES, end);
  }

  /** Whether something of this time, in CRI's format, is wanted. */
  wantsTime(time: string): boolean {
    const bytes = Buffer.from(time, 'latin1');
    if (this.#since !== undefined && compareTime(bytes, 0, this.#since) < 0) return false;
    return this.#until === undefined || compareTime(bytes, 0, this.#until) < 0;
  }
}

/**
 * CRI times are of one length, so that the order of their bytes is the order of time: below 0 when
 * the record is older than `time`.
 */
export function compareTime(buffer: Buffer, start: number, time: Buffer): number {
  for (let index = 0; index < TIME_DIGITS; index++) {
    const difference = (buffer[start + index] as number) - (time[index] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}

function timeBytes(ms: number | undefined): Buffer | undefined {
  if (ms === undefined) return undefined;
  const held = Math.min(Math.max(Math.ceil(ms), 0), LATEST_MS);
  return Buffer.from(`${new Date(held).toISOString().slice(0, 23)}000000Z`, 'latin1');
}

/** Later years have more digits. */
const LATEST_MS = Date.UTC(9999, 11, 31);
