import type { ServerResponse } from 'node:http';

/** A line each so often, so that the page sees when nothing more will come. */
const BEAT_MS = 5_000;

/**
 * A stream of lines of JSON to the page. A line is made only when the page has room for it: waiting
 * data is held once, by the model, and never grows here.
 */
export class Output {
  readonly #response: ServerResponse;
  readonly #delayMs: number;
  readonly #lines: () => Iterable<object>;
  readonly #beat: NodeJS.Timeout;
  #timer: NodeJS.Timeout | undefined;

  /** `lines` are those that the page has not seen yet; an endless page ends the iteration early. */
  constructor(response: ServerResponse, delayMs: number, lines: () => Iterable<object>, ended: () => void) {
    this.#response = response;
    this.#delayMs = delayMs;
    this.#lines = lines;
    response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
    response.on('drain', () => this.changed());
    this.#beat = setInterval(() => {
      if (!response.writableNeedDrain) response.write('{"kind":"beat"}\n');
    }, BEAT_MS);
    response.once('close', () => {
      clearInterval(this.#beat);
      clearTimeout(this.#timer);
      ended();
    });
    this.#write();
  }

  /** Something may have to be sent. */
  changed(): void {
    this.#timer ??= setTimeout(() => this.#write(), this.#delayMs);
  }

  #write(): void {
    this.#timer = undefined;
    if (this.#response.writableNeedDrain || this.#response.destroyed) return;
    for (const line of this.#lines()) {
      if (this.#response.write(`${JSON.stringify(line)}\n`)) continue;
      return;
    }
  }
}
