import { monotonicMs } from '../process/clock.js';

/** An alarm that rings so late has to let news in that came before its moment. */
const LATE_MS = 20;

/**
 * Calls once, at a moment that may change until then, and never before it. On a machine with little
 * CPU it is late, and the end of a process that waits to be read comes first.
 */
export class Alarm {
  readonly #due: () => void;
  #timer: NodeJS.Timeout | undefined;
  #atMs: number | undefined;

  constructor(due: () => void) {
    this.#due = due;
  }

  /** undefined: never. */
  set(atMs: number | undefined): void {
    if (atMs === this.#atMs) return;
    this.#atMs = atMs;
    clearTimeout(this.#timer);
    if (atMs !== undefined) this.#wait(atMs);
  }

  /** A timer of Node may end up to a millisecond early. */
  #wait(atMs: number): void {
    const ring = (): void => {
      const lateMs = monotonicMs() - atMs;
      if (lateMs < 0) this.#wait(atMs);
      // Node runs all timers that are due before it reads: a further one comes after the reading.
      else if (lateMs > LATE_MS) this.#timer = setTimeout(due, 0);
      else due();
    };
    const due = (): void => {
      this.#atMs = undefined;
      this.#due();
    };
    this.#timer = setTimeout(ring, Math.max(0, Math.ceil(atMs - monotonicMs())));
  }
}
