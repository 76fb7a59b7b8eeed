import type { HeldRange, LogStore, Position } from '../../types/logs.js';
import { HEAD_BYTES, NEWLINE } from '../store/cri.js';
import type { Filter } from './filter.js';
import { heldBetween, nextHeld } from './held.js';

/** The work that one reading may do before others have their turn. */
export interface Budget {
  bytes: number;
}

/** Shared by all searches, as nothing is kept in it between calls. */
const buffer = Buffer.allocUnsafe(64 * 1024);

/**
 * Finds the beginning of the last N wanted records: counts the wanted records if a filter is set,
 * then skips the surplus.
 */
export class TailSearch {
  readonly #store: LogStore;
  readonly #filter: Filter;
  readonly #lines: number;
  /** The records held when the search began. */
  readonly #ranges: readonly HeldRange[];
  readonly #from: Position;
  #range = 0;
  #at: Position;
  /** Wanted records so far; undefined once their number is known. */
  #counted: number | undefined;
  /** Wanted records still to be passed over. */
  #skip = 0;

  constructor(store: LogStore, filter: Filter, { begin, end }: HeldRange, lines: number) {
    this.#store = store;
    this.#filter = filter;
    this.#lines = lines;
    this.#ranges = heldBetween(store, begin, end);
    this.#from = this.#ranges[0]?.begin ?? end;
    this.#at = this.#from;
    const records = this.#ranges.reduce((sum, range) => sum + range.end.record - range.begin.record, 0);
    if (filter.empty) this.#skip = Math.max(0, records - lines);
    else this.#counted = 0;
  }

  /** Where the tail begins; undefined while the budget does not suffice. */
  look(budget: Budget): Position | undefined {
    for (;;) {
      // The writer has overtaken the search: the tail is the rest.
      const held = nextHeld(this.#store, this.#at);
      if (held.offset !== this.#at.offset) return held;
      const range = this.#ranges[this.#range];
      if (this.#counted === undefined && this.#skip === 0) return this.#at;
      if (range === undefined) {
        if (this.#counted === undefined) return this.#at;
        this.#beginSkipping(this.#counted);
      } else {
        if (budget.bytes <= 0) return undefined;
        const length = this.#store.read(this.#at.offset, buffer);
        if (length === 0) return this.#from;
        this.#lookThrough(range, length, budget);
      }
    }
  }

  #beginSkipping(counted: number): void {
    this.#counted = undefined;
    this.#skip = Math.max(0, counted - this.#lines);
    this.#range = 0;
    this.#at = this.#from;
  }

  #lookThrough({ end }: HeldRange, length: number, budget: Budget): void {
    let { offset, record } = this.#at;
    let start = 0;
    const done = (): boolean => this.#counted === undefined && this.#skip === 0;
    while (start < length && record < end.record && !done() && budget.bytes > 0) {
      const newline = buffer.indexOf(NEWLINE, start + HEAD_BYTES);
      if (newline < 0) break;
      if (this.#filter.empty || this.#filter.wants(buffer, start, newline)) {
        if (this.#counted === undefined) this.#skip--;
        else this.#counted++;
      }
      const bytes = newline + 1 - start;
      record++;
      offset += bytes;
      budget.bytes -= bytes;
      start += bytes;
    }
    this.#at = { offset, record };
    if (record < end.record) return;
    this.#range++;
    this.#at = this.#ranges[this.#range]?.begin ?? this.#at;
  }
}
