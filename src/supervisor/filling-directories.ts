import { monotonicMs } from '../process/clock.js';
import type { ServiceName } from '../types/service.js';

/**
 * A new directory that cannot be started yet is being filled, until nothing has changed in it for
 * so long.
 */
export const FILLING_MS = 500;

/** New directories that cannot be started yet, and when the last change was seen there. */
export class FillingDirectories {
  readonly #changedMs = new Map<ServiceName, number>();
  readonly #lookAgain: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** `lookAgain` is called when a directory may have been filled. */
  constructor(lookAgain: () => void) {
    this.#lookAgain = lookAgain;
  }

  /** Whether a directory that cannot be started yet still has time to be filled. */
  hasTime(name: ServiceName, patienceMs: number): boolean {
    const since = this.#changedMs.get(name) ?? monotonicMs();
    this.#changedMs.set(name, since);
    return monotonicMs() - since < patienceMs;
  }

  /** Changes were seen in some of the directories. */
  noteChanges(isChanged: (name: ServiceName) => boolean): void {
    for (const name of this.#changedMs.keys()) if (isChanged(name)) this.#changedMs.set(name, monotonicMs());
  }

  forget(name: ServiceName): void {
    this.#changedMs.delete(name);
  }

  /** Sets the timer for the directory whose time is over first. */
  schedule(): void {
    this.stop();
    if (this.#changedMs.size === 0) return;
    const leftMs = Math.min(...this.#changedMs.values()) + FILLING_MS - monotonicMs();
    this.#timer = setTimeout(this.#lookAgain, Math.max(1, Math.ceil(leftMs)));
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
