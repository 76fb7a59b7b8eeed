/** Every change is recorded and published: at most one in this time. */
const PAUSE_MS = 1_000;

/**
 * The text that a service reports about itself, STATUS of sd_notify(3): the first text at once,
 * then the latest one of each pause.
 */
export class StatusText {
  readonly #tell: (text: string, run: number) => void;
  #latest: { readonly text: string; readonly run: number } | undefined;
  #isPause = false;

  constructor(tell: (text: string, run: number) => void) {
    this.#tell = tell;
  }

  say(text: string, run: number): void {
    this.#latest = { text, run };
    if (!this.#isPause) this.#next();
  }

  #next(): void {
    const latest = this.#latest;
    this.#latest = undefined;
    this.#isPause = latest !== undefined;
    if (latest === undefined) return;
    setTimeout(() => this.#next(), PAUSE_MS).unref();
    this.#tell(latest.text, latest.run);
  }
}
