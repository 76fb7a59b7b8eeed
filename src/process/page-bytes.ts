import { readFileSync } from 'node:fs';

/** `AT_PAGESZ`, getauxval(3): a number and its value, 8 bytes each. */
const PAGE_SIZE = 6n;
const ENTRY_BYTES = 16;
/** Where there is no /proc. */
const USUAL_BYTES = 4_096;

let known: number | undefined;

/** The bytes of a page of memory: 4 KiB nearly everywhere, 16 or 64 KiB on some arm64 kernels. */
export function pageBytes(): number {
  known ??= read();
  return known;
}

function read(): number {
  let vector: Buffer;
  try {
    vector = readFileSync('/proc/self/auxv');
  } catch {
    return USUAL_BYTES;
  }
  for (let at = 0; at + ENTRY_BYTES <= vector.length; at += ENTRY_BYTES)
    if (vector.readBigUInt64LE(at) === PAGE_SIZE) return Number(vector.readBigUInt64LE(at + ENTRY_BYTES / 2));
  return USUAL_BYTES;
}
