import type { Position } from '../../types/logs.js';

/** Where a reader is in the log of one source: everything before was reported to it. */
export interface ReaderState {
  /** `id` of the source. */
  readonly log: number;
  readonly position: Position;
  /** The latest reported marker, as {@link markerOrdinal} counts them; -1 before the first. */
  readonly toldMarker: number;
  /** The number of lines that were never stored, as far as the reader knows. */
  readonly dropped: { readonly lines: number; readonly bytes: number };
}

/**
 * A cursor cannot be used. `boot`: the cursor is from another boot of the container, whose log is
 * gone.
 */
export class CursorError extends Error {
  override readonly name = 'CursorError';
  constructor(
    readonly kind: 'malformed' | 'boot',
    message: string,
  ) {
    super(message);
  }
}

/**
 * The state of a reader as clients keep it. Plain text, as it holds nothing that they may not know;
 * opaque to them all the same.
 */
export function encodeCursor(bootId: string, { log, position, toldMarker, dropped }: ReaderState): string {
  const numbers = [log, position.offset, position.record, toldMarker + 1, dropped.lines, dropped.bytes];
  return `${numbers.map((number) => number.toString(36)).join('.')}@${bootId}`;
}

/** @throws CursorError */
export function decodeCursor(text: string, bootId: string): ReaderState {
  const [, numbers = '', boot] = FORM.exec(text) ?? [];
  if (boot === undefined) throw new CursorError('malformed', 'is not a cursor of a log');
  if (boot !== bootId) throw new CursorError('boot', 'the cursor is of another boot of the container');
  const [log = 0, offset = 0, record = 0, marker = 0, lines = 0, bytes = 0] = numbers
    .split('.')
    .map((digits) => Number.parseInt(digits, 36));
  return { log, position: { offset, record }, toldMarker: marker - 1, dropped: { lines, bytes } };
}

/** Ten digits of base 36 are less than 2^53. */
const FORM = /^((?:[0-9a-z]{1,10}\.){5}[0-9a-z]{1,10})@(.+)$/s;
