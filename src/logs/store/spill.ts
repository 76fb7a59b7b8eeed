import { closeSync, readSync, writeSync } from 'node:fs';
import { NEWLINE, type Stream } from './cri.js';
import { advanced, countRecords } from './file-records.js';
import type { StreamPosition } from './store.js';

/** `MYS1` */
const MAGIC = 0x3153594d;
/** Magic, the size of the ring, and the position behind the last record. */
const HEADER_BYTES = 48;
/** Where the ring begins: the header rounded up to a page. */
const RING_AT = 4_096;

/**
 * Records that wait for room on the disk: a ring in a memfd that init holds. The position of a
 * record in the log determines its place in the ring, and the ring begins where the files end:
 * records written to the files leave the ring in the same instant, so that a killed controller
 * neither loses nor repeats one.
 */
export class Spill {
  readonly #fd: number;
  readonly #bytes: number;
  #end: StreamPosition;

  /**
   * Takes over the records that an earlier controller left in the memfd; without them begins empty.
   */
  constructor(fd: number, bytes: number, begin: StreamPosition) {
    const left = readHeader(fd);
    this.#fd = fd;
    this.#bytes = left?.bytes ?? bytes;
    this.#end = left?.end ?? begin;
  }

  /** Behind the last record. */
  get end(): StreamPosition {
    return this.#end;
  }

  /** Where the oldest record can be. */
  get reach(): number {
    return this.#end.offset - this.#bytes;
  }

  /**
   * Appends as many whole records of one stream as there is room for. `begin`: where the ring
   * begins. Returns how many bytes were taken. A part of the ring is for standard error alone.
   */
  append(records: Buffer, stream: Stream, begin: number): number {
    const room = this.#bytes - (stream === 'stdout' ? this.#bytes / 16 : 0) - (this.#end.offset - begin);
    const length = records.length <= room ? records.length : wholeWithin(records, room);
    if (length === 0) return 0;
    const at = this.#end.offset % this.#bytes;
    const first = Math.min(length, this.#bytes - at);
    writeSync(this.#fd, records, 0, first, RING_AT + at);
    if (first < length) writeSync(this.#fd, records, first, length - first, RING_AT);
    this.#end = advanced(this.#end, length, countRecords(records, length));
    // Only the header counts, so it is written last.
    this.#writeHeader();
    return length;
  }

  /** Reads whole records from an offset in the ring on; 0 at the end. */
  read(offset: number, into: Buffer): number {
    const wanted = Math.min(into.length, this.#end.offset - offset);
    if (wanted <= 0) return 0;
    const at = offset % this.#bytes;
    const first = Math.min(wanted, this.#bytes - at);
    readSync(this.#fd, into, 0, first, RING_AT + at);
    if (first < wanted) readSync(this.#fd, into, first, wanted - first, RING_AT);
    return into.subarray(0, wanted).lastIndexOf(NEWLINE) + 1;
  }

  close(): void {
    closeSync(this.#fd);
  }

  #writeHeader(): void {
    const { offset, record, stderrOffset, stderrRecord } = this.#end;
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt32LE(MAGIC, 0);
    [this.#bytes, offset, record, stderrOffset, stderrRecord].forEach((number, index) => {
      header.writeDoubleLE(number, 8 + 8 * index);
    });
    writeSync(this.#fd, header, 0, HEADER_BYTES, 0);
  }
}

const wholeWithin = (records: Buffer, room: number): number =>
  room <= 0 ? 0 : records.subarray(0, room).lastIndexOf(NEWLINE) + 1;

function readHeader(fd: number): { readonly bytes: number; readonly end: StreamPosition } | undefined {
  const header = Buffer.alloc(HEADER_BYTES);
  if (readSync(fd, header, 0, HEADER_BYTES, 0) < HEADER_BYTES || header.readUInt32LE(0) !== MAGIC) return undefined;
  const number = (index: number): number => header.readDoubleLE(8 + 8 * index);
  return {
    bytes: number(0),
    end: { offset: number(1), record: number(2), stderrOffset: number(3), stderrRecord: number(4) },
  };
}
