import { type Loss, sumOf } from '../store/counters.js';
import type { Stream } from '../store/cri.js';

/** On a full disk each line is a loss: readers learn their sum, this often at most. */
const INTERVAL_MS = 1_000;

type Losses = Readonly<Record<Stream, Loss>>;

/** The lines of a source that were never stored, as readers learn of them. */
export class SteadyLoss {
  readonly #counted: () => Losses;
  readonly #published: () => void;
  #losses: Losses;
  #timer: NodeJS.Timeout | undefined;

  /** `counted`: the loss at this moment. `published`: called when there is more to tell. */
  constructor(counted: () => Losses, published: () => void) {
    this.#counted = counted;
    this.#published = published;
    this.#losses = counted();
  }

  /** Of one stream, or of both. */
  of(stream?: Stream): Loss {
    return stream === undefined ? sumOf(this.#losses.stdout, this.#losses.stderr) : this.#losses[stream];
  }

  /** More was lost: readers learn of it at once, or when the interval is over. */
  grown(): void {
    if (this.#timer !== undefined) return;
    this.publish();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.publish()) this.grown();
    }, INTERVAL_MS);
    this.#timer.unref();
  }

  /** Tells readers now: nothing more is to come. Returns whether there was more to tell. */
  publish(): boolean {
    const before = this.of();
    this.#losses = this.#counted();
    if (this.of().lines === before.lines) return false;
    this.#published();
    return true;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.publish();
  }
}
