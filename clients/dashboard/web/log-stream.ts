import { markerWords } from '../../svctl/phrases.js';
import type { Host } from '../model/host.js';
import { type LogEntry, type LogQuery, LogTail } from '../model/log-tail.js';
import type { LogMessage, LogRow } from './protocol.js';

/** As many as the page holds. */
const HELD = 100_000;
const ROWS_AT_ONCE = 500;

/** The lines of a log that one page has not seen yet. A page that is too slow skips the oldest. */
export class LogStream {
  readonly #tail: LogTail;
  readonly #hosts: readonly Host[];
  /** The number of the next entry for the page. */
  #next = 0;
  #problem = '';

  constructor(hosts: readonly Host[], query: LogQuery, changed: () => void) {
    this.#hosts = hosts;
    this.#tail = new LogTail(query, changed, HELD);
  }

  *news(): Generator<LogMessage> {
    for (;;) {
      const { first, entries, problem } = this.#tail;
      if (first > this.#next) {
        yield { kind: 'skipped', count: first - this.#next };
        this.#next = first;
      }
      const rows = entries.slice(this.#next - first, this.#next - first + ROWS_AT_ONCE);
      this.#next += rows.length;
      if (rows.length > 0) yield { kind: 'rows', rows: rows.map((entry) => this.#row(entry)) };
      this.#tail.forget(this.#next);
      if (rows.length > 0) continue;
      if (problem !== this.#problem) yield { kind: 'problem', problem };
      this.#problem = problem;
      return;
    }
  }

  close(): void {
    this.#tail.close();
  }

  #row(entry: LogEntry): LogRow {
    const host = this.#hosts.indexOf(entry.host);
    switch (entry.kind) {
      case 'line': {
        const { service, atMs, stderr, text } = entry;
        return { kind: 'line', host, service, atMs, stderr, text };
      }
      case 'gap': {
        const { service, lines } = entry.gap;
        return {
          kind: 'gap',
          host,
          service,
          atMs: 0,
          text: lines === 1n ? '1 line was lost' : `${lines} lines were lost`,
        };
      }
      case 'marker': {
        const { service, time } = entry.marker;
        return { kind: 'marker', host, service, atMs: time?.getTime() ?? 0, text: markerWords(entry.marker) };
      }
      default:
        return entry satisfies never;
    }
  }
}
