import { monotonicMs } from '../process/clock.js';

/** Calls once, at a moment that may change until then, and never before it. */
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
      if (monotonicMs() < atMs) {
        this.#wait(atMs);
        return;
      }
      this.#atMs = undefined;
      this.#due();
    };
    this.#timer = setTimeout(ring, Math.max(0, Math.ceil(atMs - monotonicMs())));
  }
}
