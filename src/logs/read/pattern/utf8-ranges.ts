type ByteRange = readonly [low: number, high: number];

/** A range of code points from 0x80 on as sequences of ranges of bytes. */
export function utf8Ranges(from: number, to: number): ByteRange[][] {
  const sequences: ByteRange[][] = [];
  const split = (low: number, high: number): void => {
    for (const limit of [0x7ff, 0xffff]) {
      if (low <= limit && high > limit) {
        split(low, limit);
        split(limit + 1, high);
        return;
      }
    }
    // Ranges whose last bytes do not run over all 64 values are cut off at both ends.
    for (const bits of [6, 12, 18]) {
      const mask = (1 << bits) - 1;
      if (low >> bits === high >> bits) continue;
      if ((low & mask) !== 0) {
        split(low, low | mask);
        split((low | mask) + 1, high);
        return;
      }
      if ((high & mask) !== mask) {
        split(low, (high & ~mask) - 1);
        split(high & ~mask, high);
        return;
      }
    }
    const [lows, highs] = [utf8(low), utf8(high)];
    sequences.push(lows.map((byte, index) => [byte, highs[index] ?? byte] as const));
  };
  split(from, to);
  return sequences;
}

function utf8(code: number): number[] {
  const tail = (shift: number): number => 0x80 | ((code >> shift) & 0x3f);
  if (code < 0x800) return [0xc0 | (code >> 6), tail(0)];
  if (code < 0x10000) return [0xe0 | (code >> 12), tail(6), tail(0)];
  return [0xf0 | (code >> 18), tail(12), tail(6), tail(0)];
}
