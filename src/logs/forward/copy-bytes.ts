/** Memory that is copied from and to. */
export interface Bytes {
  readonly buffer: Buffer;
  readonly view: DataView;
}

export const bytesOf = (buffer: Buffer): Bytes => ({
  buffer,
  view: new DataView(buffer.buffer, buffer.byteOffset, buffer.length),
});

/** From here on a call of the runtime is cheaper than a loop. */
const LONG_BYTES = 200;

/**
 * Copies the bytes from `start` to `end`: lines are short, and most of the cost of `Buffer.copy` is
 * the call.
 */
export function copyBytes(from: Bytes, start: number, end: number, to: Bytes, at: number): void {
  const length = end - start;
  if (length >= LONG_BYTES) {
    from.buffer.copy(to.buffer, at, start, end);
    return;
  }
  let index = 0;
  for (; index + 4 <= length; index += 4) to.view.setUint32(at + index, from.view.getUint32(start + index, true), true);
  for (; index < length; index++) to.buffer[at + index] = from.buffer[start + index] as number;
}
