/** How long watchers are served before it is the turn of everything else, in milliseconds. */
const TURN_MS = 4;

/**
 * Work that may wait, in turns that are short: however many watch, a service that dies is seen in
 * time.
 */
export class DeferredWork {
  readonly #waiting = new Set<() => void>();
  #scheduled = false;

  /** Runs the work soon, and only once for several calls meanwhile. */
  add(work: () => void): void {
    this.#waiting.add(work);
    this.#schedule();
  }

  delete(work: () => void): void {
    this.#waiting.delete(work);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#runTurn());
  }

  #runTurn(): void {
    this.#scheduled = false;
    const end = performance.now() + TURN_MS;
    for (const work of this.#waiting) {
      this.#waiting.delete(work);
      work();
      if (performance.now() > end) break;
    }
    if (this.#waiting.size > 0) this.#schedule();
  }
}
