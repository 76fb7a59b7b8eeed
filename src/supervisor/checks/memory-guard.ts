import { monotonicMs } from '../../process/clock.js';
import type { MemoryMax } from '../definition/definition.js';

/** A run that has just begun may grow fast, and so may one that is near its limit. */
const SHORTEST_MS = 100;
/** Of a run that is far from its limit, and does not grow. */
const LONGEST_MS = 10_000;

/**
 * Looks at the memory of one run, the more often the nearer it is to its limit and the faster it
 * grows.
 */
export class MemoryGuard {
  readonly #rule: MemoryMax;
  readonly #look: () => number;
  readonly #exceeded: (bytes: number) => void;
  #timer: NodeJS.Timeout | undefined;
  #intervalMs = SHORTEST_MS;
  #last: { readonly bytes: number; readonly atMs: number } | undefined;
  /** Since when it has used more. */
  #overSinceMs: number | undefined;
  /** Reported, and not below the limit since. */
  #reported = false;

  /** `look` returns the bytes in use. `exceeded` is called once each time the limit is passed. */
  constructor(rule: MemoryMax, look: () => number, exceeded: (bytes: number) => void) {
    this.#rule = rule;
    this.#look = look;
    this.#exceeded = exceeded;
  }

  start(): void {
    this.#timer ??= this.#later(this.#intervalMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #later(ms: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.#timer = undefined;
      const now = { bytes: this.#look(), atMs: monotonicMs() };
      this.#intervalMs = this.#pace(now);
      this.#last = now;
      this.#timer = this.#later(this.#intervalMs);
      // May stop the guard.
      this.#judge(now);
    }, ms).unref();
  }

  #judge({ bytes, atMs }: { readonly bytes: number; readonly atMs: number }): void {
    if (bytes <= this.#rule.bytes) {
      this.#overSinceMs = undefined;
      this.#reported = false;
      return;
    }
    this.#overSinceMs ??= atMs;
    if (this.#reported || atMs - this.#overSinceMs < this.#rule.forMs) return;
    this.#reported = true;
    this.#exceeded(bytes);
  }

  #pace({ bytes, atMs }: { readonly bytes: number; readonly atMs: number }): number {
    const left = 1 - Math.min(1, bytes / this.#rule.bytes);
    const byNearness = this.#reported ? LONGEST_MS : LONGEST_MS * left ** 2;
    const grownBytes = this.#last === undefined ? 0 : bytes - this.#last.bytes;
    const reachedMs =
      this.#last === undefined || grownBytes <= 0
        ? Number.POSITIVE_INFINITY
        : ((this.#rule.bytes - bytes) * (atMs - this.#last.atMs)) / grownBytes;
    return Math.max(SHORTEST_MS, Math.min(byNearness, reachedMs / 2, this.#intervalMs * 2));
  }
}
