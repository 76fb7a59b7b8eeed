import { monotonicMs } from '../process/clock.js';

/** Calls once, at a moment that may change until then. */
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
    if (atMs === undefined) return;
    const ring = (): void => {
      this.#atMs = undefined;
      this.#due();
    };
    this.#timer = setTimeout(ring, Math.max(0, Math.ceil(atMs - monotonicMs())));
  }
}
