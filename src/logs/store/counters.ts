import { readSync, writeSync } from 'node:fs';
import { RECORD_OVERHEAD_BYTES, type Stream } from './cri.js';
import type { StreamPosition } from './store.js';

/** Lines, and bytes of their text. */
export interface Loss {
  readonly lines: number;
  readonly bytes: number;
}

export const sumOf = (a: Loss, b: Loss): Loss => ({ lines: a.lines + b.lines, bytes: a.bytes + b.bytes });

/**
 * The outputs of the container; where both streams have the same output there is only the first.
 */
export type OutputIndex = 0 | 1;

/** How far an output has been fed with a source, and how much loss was reported to it. */
export interface Forwarded {
  readonly position: StreamPosition;
  readonly dropped: Loss;
}

const NUMBERS = 8;
const ROW_BYTES = NUMBERS * Float64Array.BYTES_PER_ELEMENT;
/**
 * Rows of numbers: losses, positions of the two outputs, end of the files. A power of two, so that
 * no row crosses a page.
 */
const ROWS = 4;
const MISSING = 0;
const GIVEN = [1, 2] as const;
const END = 3;
/**
 * In {@link MISSING}. Lines, and behind them bytes, that were not stored; lines that the
 * container's output did not take.
 */
const DROPPED: Readonly<Record<Stream, number>> = { stdout: 0, stderr: 2 };
const MISSED = 4;

/**
 * The numbers of a source that change with each piece of its log. A memfd that init holds keeps
 * them, so that a killed controller loses none: a row is one write, which a SIGKILL cannot tear.
 */
export class Counters {
  readonly #fd: number;
  readonly #at: number;
  readonly #bytes = Buffer.alloc(ROWS * ROW_BYTES);
  readonly #missing: Float64Array;
  readonly #given: readonly [Float64Array, Float64Array];
  readonly #end: Float64Array;
  #closed = false;

  /** `row`: the source's own. `fresh`: numbers that an earlier source left there do not count. */
  constructor(fd: number, row: number, fresh: boolean) {
    this.#fd = fd;
    this.#at = row * this.#bytes.length;
    if (fresh) writeSync(fd, this.#bytes, 0, this.#bytes.length, this.#at);
    else readSync(fd, this.#bytes, 0, this.#bytes.length, this.#at);
    this.#missing = this.#row(MISSING);
    this.#given = [this.#row(GIVEN[0]), this.#row(GIVEN[1])];
    this.#end = this.#row(END);
  }

  /** The loss: lines and bytes that were not stored. */
  get dropped(): Loss {
    return sumOf(this.droppedOf('stdout'), this.droppedOf('stderr'));
  }

  /** The loss of one stream. */
  droppedOf(stream: Stream): Loss {
    const at = DROPPED[stream];
    return { lines: this.#missing[at] ?? 0, bytes: this.#missing[at + 1] ?? 0 };
  }

  /** As bytes of records. */
  droppedBytes(stream: Stream): number {
    const { lines, bytes } = this.droppedOf(stream);
    return bytes + lines * RECORD_OVERHEAD_BYTES;
  }

  addDropped(stream: Stream, { lines, bytes }: Loss): void {
    const before = this.droppedOf(stream);
    this.#missing.set([before.lines + lines, before.bytes + bytes], DROPPED[stream]);
    this.#save(MISSING);
  }

  /** Lines that the container's output did not take before they were overwritten. */
  get missed(): number {
    return this.#missing[MISSED] ?? 0;
  }

  addMissed(lines: number): void {
    this.#missing[MISSED] = this.missed + lines;
    this.#save(MISSING);
  }

  /** The progress of an output, including that of earlier controllers. */
  forwarded(output: OutputIndex): Forwarded {
    const [, , , , lines = 0, bytes = 0] = this.#given[output];
    return { position: positionOf(this.#given[output]), dropped: { lines, bytes } };
  }

  setForwarded(output: OutputIndex, { position, dropped }: Forwarded): void {
    this.#given[output].set([...numbersOf(position), dropped.lines, dropped.bytes]);
    this.#save(GIVEN[output]);
  }

  /**
   * The end of a store of files after its last write: records before it need not be counted again.
   */
  get end(): StreamPosition {
    return positionOf(this.#end);
  }

  /** The last known position of a store that is gone: its successor begins there. */
  get furthest(): StreamPosition {
    const given = this.#given.map(positionOf);
    return given.reduce((last, mark) => (mark.offset > last.offset ? mark : last), this.end);
  }

  setEnd(end: StreamPosition): void {
    this.#end.set(numbersOf(end));
    this.#save(END);
  }

  /** The source is gone, and its row may be another's. */
  close(): void {
    this.#closed = true;
  }

  #row(row: number): Float64Array {
    return new Float64Array(this.#bytes.buffer, this.#bytes.byteOffset + row * ROW_BYTES, NUMBERS);
  }

  #save(row: number): void {
    if (this.#closed) return;
    writeSync(this.#fd, this.#bytes, row * ROW_BYTES, ROW_BYTES, this.#at + row * ROW_BYTES);
  }
}

const numbersOf = ({ offset, record, stderrOffset, stderrRecord }: StreamPosition): readonly number[] => [
  offset,
  record,
  stderrOffset,
  stderrRecord,
];

function positionOf([offset = 0, record = 0, stderrOffset = 0, stderrRecord = 0]: Float64Array): StreamPosition {
  return { offset, record, stderrOffset, stderrRecord };
}
