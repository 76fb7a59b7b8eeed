import { readFileSync, readSync, writeSync } from 'node:fs';
import { native } from '../../process/native.js';
import { MAX_CONTENT_BYTES } from '../store/cri.js';

/** The size of one read from a pipe. */
const CHUNK_BYTES = 64 * 1024;
/** `MYI1` */
const MAGIC = 0x3149594d;
/** Magic, row, offset, and where the text ends that was there before: see {@link Intake.read}. */
const HEADER_BYTES = 32;
/** Offset and length. */
const REST_HEADER_BYTES = 16;
/** In {@link Intake.text}, text begins here. */
export const TEXT_AT = HEADER_BYTES;
const TEXT_BYTES = MAX_CONTENT_BYTES + CHUNK_BYTES;
/** Where the rests begin, one after the other: the header and the text rounded up to pages. */
const RESTS_AT = 96 * 1024;
const REST_BYTES = 96 * 1024;

const NOTHING = Buffer.alloc(REST_HEADER_BYTES);

/**
 * Text that an earlier controller had read, from {@link TEXT_AT} to `end` of
 * {@link Intake.text}.
 */
export interface Recovered {
  readonly end: number;
  /** How many bytes of records the stream had when nothing of the text was stored. */
  readonly offset: number;
  /**
   * True if the text is in flight: {@link Intake.done} must be called for it. False for the rest of
   * a stream.
   */
  readonly inFlight: boolean;
}

/**
 * The text on its way from a pipe to a store: read from the one, and not yet in the other. The
 * text is in a memfd that init holds, so that a controller that is killed loses none of it: the
 * next controller stores the part that this one has not stored. One text at a time is in flight.
 * The intake also keeps the rest of each stream: a line that has begun.
 */
export class Intake {
  readonly #fd: number;
  /** The text in flight. Shared by all streams, as it is stored before the next is read. */
  readonly text = Buffer.allocUnsafe(TEXT_AT + TEXT_BYTES);
  /** The text is being stored. */
  busy = false;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /**
   * Reads a pipe, and puts the text behind the rest of the stream. `offset`: how many bytes of
   * records the stream has.
   *
   * @returns where the text ends
   */
  read(pipe: number, row: number, offset: number, rest: Buffer | undefined): number {
    const { text } = this;
    const used = TEXT_AT + (rest?.copy(text, TEXT_AT) ?? 0);
    text.writeUInt32LE(MAGIC, 0);
    text.writeUInt32LE(row, 4);
    text.writeDoubleLE(offset, 8);
    text.writeDoubleLE(used, 16);
    return used + native().readPipe(pipe, this.#fd, text, used);
  }

  /**
   * Keeps the text between `start` and `end` as the rest of a stream that has so many bytes of
   * records.
   */
  keep(row: number, offset: number, start: number, end: number): void {
    const { text } = this;
    const at = start - REST_HEADER_BYTES;
    text.writeDoubleLE(offset, at);
    text.writeDoubleLE(end - start, at + 8);
    writeSync(this.#fd, text, at, end - at, rowAt(row));
  }

  /** The stream has got other records while its rest is the same. */
  moveOn(row: number, offset: number): void {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(offset, 0);
    writeSync(this.#fd, bytes, 0, bytes.length, rowAt(row));
  }

  /** The stream has no rest. */
  forget(row: number): void {
    writeSync(this.#fd, NOTHING, 0, NOTHING.length, rowAt(row));
  }

  /** The text is stored, and its rest kept. */
  done(): void {
    writeSync(this.#fd, NOTHING, 0, 4, 0);
  }

  /** The text of a stream that an earlier controller read and perhaps did not store. */
  recover(row: number): Recovered | undefined {
    const { text } = this;
    const length = readSync(this.#fd, text, 0, HEADER_BYTES, 0);
    if (length === HEADER_BYTES && text.readUInt32LE(0) === MAGIC && text.readUInt32LE(4) === row) {
      const end = positionOf(this.#fd);
      if (end > text.readDoubleLE(16)) {
        readSync(this.#fd, text, TEXT_AT, end - TEXT_AT, TEXT_AT);
        return { end, offset: text.readDoubleLE(8), inFlight: true };
      }
    }
    if (readSync(this.#fd, text, 0, REST_HEADER_BYTES, rowAt(row)) < REST_HEADER_BYTES) return undefined;
    const [offset, bytes] = [text.readDoubleLE(0), text.readDoubleLE(8)];
    if (bytes === 0) return undefined;
    readSync(this.#fd, text, TEXT_AT, bytes, rowAt(row) + REST_HEADER_BYTES);
    return { end: TEXT_AT + bytes, offset, inFlight: false };
  }
}

const rowAt = (row: number): number => RESTS_AT + row * REST_BYTES;

/**
 * Where the file is written next, proc(5): the kernel moves it in the same call that reads
 * from the pipe.
 */
const positionOf = (fd: number): number =>
  Number(/^pos:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1]);
