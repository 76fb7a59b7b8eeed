import type { LineSink } from '../logs/read/source-reader.js';
import { HEAD_BYTES, isPartial, isStderr, SECONDS_BYTES, TIME_BYTES } from '../logs/store/cri.js';

/** A message of about this size is worth its own costs, and is read by any client. */
const FULL_BYTES = 64 * 1024;
/** The longest line with all that belongs to it. */
const LONGEST_LINE_BYTES = 20 * 1024;

/**
 * Lines in the protobuf encoding of `LogLines`, made of records directly: an object for each line
 * would cost several times as much as all the rest of reading
 * (https://protobuf.dev/programming-guides/encoding/). Field numbers are those of logs.proto.
 */
export class LineEncoder implements LineSink {
  readonly #prefixes = new Map<string, readonly [stdout: Buffer, stderr: Buffer]>();
  readonly #time = new TimeEncoder();
  #prefixName = '';
  #prefix: readonly [stdout: Buffer, stderr: Buffer] = prefixesOf('');
  #used = 0;

  put(name: string, buffer: Buffer, start: number, end: number): boolean {
    if (name !== this.#prefixName) this.#usePrefix(name);
    const prefix = this.#prefix[isStderr(buffer, start) ? 1 : 0];
    const time = this.#time.encode(buffer, start);
    const timeBytes = this.#time.length;
    const textBytes = end - start - HEAD_BYTES;
    const partial = isPartial(buffer, start);
    const lineBytes =
      prefix.length + timeBytes + 1 + varintBytes(textBytes) + textBytes + (partial ? PARTIAL_FIELD.length : 0);

    let at = this.#used;
    out[at++] = LINES_TAG;
    at = putVarint(lineBytes, at);
    at = copy(prefix, 0, prefix.length, at);
    at = copy(time, 0, timeBytes, at);
    out[at++] = TEXT_TAG;
    at = putVarint(textBytes, at);
    at = copy(buffer, start + HEAD_BYTES, end, at);
    if (partial) at = copy(PARTIAL_FIELD, 0, PARTIAL_FIELD.length, at);
    this.#used = at;
    return at < FULL_BYTES;
  }

  /** The lines since the last call as a `ReadResponse`; `rest` are its other fields, encoded. */
  finish(rest: Uint8Array): Buffer {
    const header = Buffer.allocUnsafe(6);
    header[0] = EVENT_LINES_TAG;
    const headerBytes = encodeVarint(header, this.#used, 1);
    const message = Buffer.allocUnsafe(headerBytes + this.#used + rest.length);
    header.copy(message, 0, 0, headerBytes);
    out.copy(message, headerBytes, 0, this.#used);
    message.set(rest, headerBytes + this.#used);
    this.#used = 0;
    return message;
  }

  #usePrefix(name: string): void {
    let prefix = this.#prefixes.get(name);
    if (prefix === undefined) {
      prefix = prefixesOf(name);
      this.#prefixes.set(name, prefix);
    }
    this.#prefixName = name;
    this.#prefix = prefix;
  }
}

/** Where messages are put together; nothing stays in it between turns. */
const out = Buffer.allocUnsafe(FULL_BYTES + LONGEST_LINE_BYTES);

// A tag is the number of the field, and 2 for bytes and messages or 0 for numbers.
const EVENT_LINES_TAG = (1 << 3) | 2;
const LINES_TAG = (1 << 3) | 2;
const SERVICE_TAG = (1 << 3) | 2;
const STREAM_TAG = (2 << 3) | 0;
const TIME_TAG = (3 << 3) | 2;
const TEXT_TAG = (4 << 3) | 2;
const PARTIAL_FIELD = Buffer.from([(5 << 3) | 0, 1]);
const SECONDS_TAG = (1 << 3) | 0;
const NANOS_TAG = (2 << 3) | 0;

/** The fields `service` and `stream`. */
function prefixesOf(name: string): readonly [Buffer, Buffer] {
  const bytes = Buffer.from(name);
  const head = Buffer.alloc(1 + varintBytes(bytes.length));
  head[0] = SERVICE_TAG;
  encodeVarint(head, bytes.length, 1);
  const of = (stream: number): Buffer => Buffer.concat([head, bytes, Buffer.from([STREAM_TAG, stream])]);
  return [of(1), of(2)];
}

/**
 * The field `time`. Many records in a row have the same time, as they were captured at once; most
 * the same second.
 */
class TimeEncoder {
  length = 0;
  readonly #last = Buffer.alloc(TIME_BYTES);
  readonly #field = Buffer.alloc(24);
  #seconds = 0;

  encode(buffer: Buffer, start: number): Buffer {
    const last = this.#last;
    // The last digits are the likeliest to differ.
    for (let index = TIME_BYTES - 1; index >= 0; index--)
      if (buffer[start + index] !== last[index]) return this.#encodeAnew(buffer, start);
    return this.#field;
  }

  #encodeAnew(buffer: Buffer, start: number): Buffer {
    if (buffer.compare(this.#last, 0, SECONDS_BYTES, start, start + SECONDS_BYTES) !== 0) {
      const seconds = Date.parse(`${buffer.toString('latin1', start, start + SECONDS_BYTES)}Z`) / 1000;
      this.#seconds = Number.isFinite(seconds) ? Math.max(0, seconds) : 0;
    }
    buffer.copy(this.#last, 0, start, start + TIME_BYTES);
    let nanos = 0;
    for (let index = SECONDS_BYTES + 1; index < TIME_BYTES - 1; index++)
      nanos = nanos * 10 + (((buffer[start + index] as number) - 0x30) & 0xf);
    const field = this.#field;
    field[0] = TIME_TAG;
    field[2] = SECONDS_TAG;
    let at = encodeVarint(field, this.#seconds, 3);
    field[at++] = NANOS_TAG;
    at = encodeVarint(field, nanos, at);
    field[1] = at - 2;
    this.length = at;
    return field;
  }
}

function putVarint(value: number, at: number): number {
  return encodeVarint(out, value, at);
}

/** Writes a number in groups of seven bits, the lowest first; returns where the next byte goes. */
function encodeVarint(into: Buffer, value: number, start: number): number {
  let at = start;
  let rest = value;
  while (rest >= 0x80) {
    into[at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  into[at++] = rest;
  return at;
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes++;
  return bytes;
}

/** A native copy costs as much as some dozens of bytes by hand. */
const BY_HAND_BYTES = 32;

function copy(from: Buffer, start: number, end: number, at: number): number {
  const length = end - start;
  if (length > BY_HAND_BYTES) from.copy(out, at, start, end);
  else for (let index = 0; index < length; index++) out[at + index] = from[start + index] as number;
  return at + length;
}
