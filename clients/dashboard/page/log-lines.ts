// The lines of a log that is read, the newest 100,000.
import type { LogMessage, LogRow } from '../web/protocol.js';
import { Refused, stream } from './server.js';

const HELD = 100_000;
const RETRY_MS = 1000;

export class LogLines {
  rows: LogRow[] = [];
  /** How many were dropped before the first. */
  dropped = 0;
  problem = '';
  readonly #changed: () => void;
  readonly #end = new AbortController();

  constructor(query: URLSearchParams, changed: () => void) {
    this.#changed = changed;
    void this.#read(query);
  }

  close(): void {
    this.#end.abort();
  }

  /** The number of the nearest line that matches, from one on, upwards or downwards. */
  find(search: RegExp, from: number, step: 1 | -1): number | undefined {
    for (let index = from - this.dropped; index >= 0 && index < this.rows.length; index += step) {
      if (search.test(this.rows[index]?.text ?? '')) return index + this.dropped;
    }
    return undefined;
  }

  async #read(query: URLSearchParams): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted) {
      try {
        this.rows = [];
        this.dropped = 0;
        for await (const messages of stream<LogMessage>(`/api/logs?${query}`, signal)) {
          for (const message of messages) this.#take(message);
          this.#trim();
          this.#changed();
        }
      } catch (error) {
        if (signal.aborted) return;
        this.problem = error instanceof Refused ? error.message : 'the connection was lost; reading again';
        this.#changed();
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  #take(message: LogMessage): void {
    switch (message.kind) {
      case 'rows':
        for (const row of message.rows) this.rows.push(row);
        break;
      case 'skipped': {
        const text = `${message.count} lines came too fast for this page and were skipped`;
        this.rows.push({ kind: 'gap', host: 0, service: '', atMs: 0, text });
        break;
      }
      case 'problem':
        this.problem = message.problem;
        break;
      case 'beat':
        break;
      default:
        message satisfies never;
    }
  }

  /** In large portions: each moves the whole array. */
  #trim(): void {
    const surplus = this.rows.length - HELD;
    if (surplus < HELD / 10) return;
    this.rows = this.rows.slice(surplus);
    this.dropped += surplus;
  }
}
