import type { HeldRange, LogStore, Position } from '../../types/logs.js';
import { RECORD_OVERHEAD_BYTES } from '../store/cri.js';

/** Records that can no longer be read, or were never stored. */
export interface Loss {
  readonly lines: number;
  readonly bytes: number;
}

export const NO_LOSS: Loss = { lines: 0, bytes: 0 };

/** The first record that is held at this position or after it. */
export function nextHeld(store: LogStore, position: Position): Position {
  if (position.offset >= store.oldest.offset) return position;
  for (const { begin, end } of store.kept) {
    if (position.offset < begin.offset) return begin;
    if (position.offset < end.offset) return position;
  }
  return store.oldest;
}

/** The records held between two positions. */
export function heldBetween(store: LogStore, from: Position, to: Position): readonly HeldRange[] {
  return [...store.kept, { begin: store.oldest, end: store.newest }]
    .map(({ begin, end }) => ({
      begin: begin.offset < from.offset ? from : begin,
      end: end.offset > to.offset ? to : end,
    }))
    .filter(({ begin, end }) => begin.offset < end.offset);
}

export function lossBetween(from: Position, to: Position): Loss {
  const lines = Math.max(0, to.record - from.record);
  return { lines, bytes: Math.max(0, to.offset - from.offset - lines * RECORD_OVERHEAD_BYTES) };
}
