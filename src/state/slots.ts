import { fstatSync, readSync, writeSync } from 'node:fs';
import { crc32 } from './crc32.js';

/**
 * A slot lies within one page of memory, so that a killed writer cannot leave half of it behind.
 */
const SLOT_BYTES = 4_096;
const HEADER_BYTES = 12;
/**
 * The version of the slots, which grows when an older controller could not read them any more. One
 * more field in a record is no reason: a controller leaves out the fields that it does not know.
 */
export const SLOTS_VERSION = 1;
/** `MYI` and the version as a digit: the first bytes of a slot. */
const MAGIC = 0x49594d;
const VERSION_AT = 3;
const DIGIT = 0x30;

/**
 * A memfd that survives the controller, with a slot for each record: JSON with a checksum. A slot
 * that is torn, foreign or of a newer version is skipped; all other slots stay readable.
 */
export class Slots {
  readonly #fd: number;
  readonly #places = new Map<string, number>();
  readonly #free: number[] = [];
  #end = 0;
  #newer = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** How many slots of a newer version there were to {@link load}. */
  get newer(): number {
    return this.#newer;
  }

  /** Everything on record, by key. */
  load(): ReadonlyMap<string, unknown> {
    const records = new Map<string, unknown>();
    this.#end = Math.ceil(fstatSync(this.#fd).size / SLOT_BYTES);
    const slot = Buffer.alloc(SLOT_BYTES);
    for (let place = 0; place < this.#end; place++) {
      // The last slot is as long as its content.
      slot.fill(0);
      readSync(this.#fd, slot, 0, SLOT_BYTES, place * SLOT_BYTES);
      const version = versionOf(slot);
      if (version > SLOTS_VERSION) this.#newer += 1;
      const record = version <= SLOTS_VERSION ? decode(slot) : undefined;
      if (record === undefined) this.#free.push(place);
      else {
        this.#places.set(record.key, place);
        records.set(record.key, record.value);
      }
    }
    return records;
  }

  /**
   * Puts a value on record, and returns whether it fits into a slot. A value that is too large (a
   * path of thousands of letters) is not recorded: the next controller does without it.
   */
  write(key: string, value: unknown): boolean {
    const payload = Buffer.from(JSON.stringify({ key, value }));
    if (payload.length > SLOT_BYTES - HEADER_BYTES) {
      // The earlier value is no longer true.
      this.erase(key);
      return false;
    }
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt32LE(MAGIC, 0);
    header.writeUInt8(DIGIT + SLOTS_VERSION, VERSION_AT);
    header.writeUInt32LE(payload.length, 4);
    header.writeUInt32LE(crc32(payload), 8);
    let place = this.#places.get(key);
    if (place === undefined) {
      place = this.#free.pop() ?? this.#end++;
      this.#places.set(key, place);
    }
    writeSync(this.#fd, Buffer.concat([header, payload]), 0, HEADER_BYTES + payload.length, place * SLOT_BYTES);
    return true;
  }

  erase(key: string): void {
    const place = this.#places.get(key);
    if (place === undefined) return;
    this.#places.delete(key);
    this.#free.push(place);
    writeSync(this.#fd, Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, place * SLOT_BYTES);
  }
}

/** The version of a slot, 0 if the bytes are none. */
function versionOf(slot: Buffer): number {
  const version = slot.readUInt8(VERSION_AT) - DIGIT;
  return slot.readUIntLE(0, VERSION_AT) === MAGIC && version > 0 ? version : 0;
}

function decode(slot: Buffer): { readonly key: string; readonly value: unknown } | undefined {
  if (versionOf(slot) === 0) return undefined;
  const length = slot.readUInt32LE(4);
  if (length > SLOT_BYTES - HEADER_BYTES) return undefined;
  const payload = slot.subarray(HEADER_BYTES, HEADER_BYTES + length);
  if (crc32(payload) !== slot.readUInt32LE(8)) return undefined;
  try {
    const record: unknown = JSON.parse(payload.toString('utf8'));
    if (typeof record !== 'object' || record === null || !('key' in record) || !('value' in record)) return undefined;
    return typeof record.key === 'string' ? { key: record.key, value: record.value } : undefined;
  } catch {
    return undefined;
  }
}
