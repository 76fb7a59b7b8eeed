import {
  isLost,
  type LogGap,
  type LogMarker,
  type LogOptions,
  LogStream,
  logBatches,
} from '../../typescript/src/index.js';
import type { Host } from './host.js';

/** One row of a log view. Text is as it was captured: whoever shows it makes it printable. */
export type LogEntry =
  | {
      readonly kind: 'line';
      readonly host: Host;
      readonly service: string;
      readonly atMs: number;
      readonly stderr: boolean;
      readonly text: string;
    }
  | { readonly kind: 'gap'; readonly host: Host; readonly gap: LogGap }
  | { readonly kind: 'marker'; readonly host: Host; readonly marker: LogMarker };

export interface LogQuery {
  /** Which services of which hosts; no names are all. */
  readonly from: readonly { readonly host: Host; readonly names: readonly string[] }[];
  readonly options: Pick<LogOptions, 'grep' | 'run' | 'stream' | 'tail'>;
}

/** Follows the logs of services, and keeps the last entries. */
export class LogTail {
  /** The first entry's number among all that came. */
  first = 0;
  entries: LogEntry[] = [];
  problem = '';
  readonly #limit: number;
  readonly #end = new AbortController();

  constructor(
    query: LogQuery,
    readonly changed: () => void,
    limit: number,
  ) {
    this.#limit = limit;
    for (const { host, names } of query.from) void this.#read(host, names, query.options);
  }

  close(): void {
    this.#end.abort();
  }

  /** Drops the entries before a number: they have been shown elsewhere. In portions, as #trim. */
  forget(before: number): void {
    const shown = before - this.first;
    if (shown < Math.min(1000, this.entries.length)) return;
    this.entries = this.entries.slice(shown);
    this.first = before;
  }

  async #read(host: Host, names: readonly string[], options: LogQuery['options']): Promise<void> {
    const { signal } = this.#end;
    const follow = options.run !== 'previous';
    try {
      for await (const { event } of logBatches(host.logs.connection, names, { ...options, follow, signal })) {
        switch (event?.$case) {
          case 'lines':
            for (const { service, time, stream, text } of event.value.lines) {
              const stderr = stream === LogStream.LOG_STREAM_STDERR;
              const atMs = time?.getTime() ?? 0;
              this.entries.push({ kind: 'line', host, service, atMs, stderr, text: text.toString() });
            }
            break;
          case 'gap':
            this.entries.push({ kind: 'gap', host, gap: event.value });
            break;
          case 'marker':
            this.entries.push({ kind: 'marker', host, marker: event.value });
            break;
          default:
            continue;
        }
        this.#trim();
        this.changed();
      }
    } catch (error) {
      if (signal.aborted) return;
      this.problem = error instanceof Error ? error.message : String(error);
      // A my_init that is away: the next attempt is the view's.
      if (isLost(error)) this.problem = `${this.problem}; F5 reads again`;
      this.changed();
    }
  }

  /** In larger portions than single entries: each moves the whole array. */
  #trim(): void {
    const surplus = this.entries.length - this.#limit;
    if (surplus < this.#limit / 10) return;
    this.entries = this.entries.slice(surplus);
    this.first += surplus;
  }
}
