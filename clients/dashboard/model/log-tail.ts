import { mergedLogs } from '../../svctl/hosts/merged-logs.js';
import {
  isLost,
  type LogGap,
  type LogMarker,
  type LogOptions,
  LogStream,
  logBatches,
  type ReadResponse,
} from '../../typescript/src/index.js';
import type { Host } from './host.js';

/**
 * One row of a log view. Text is as it was captured: the code that shows a row makes its text
 * printable.
 */
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
  /** The services to read, and their hosts; without names, all services. */
  readonly from: readonly { readonly host: Host; readonly names: readonly string[] }[];
  readonly options: Pick<LogOptions, 'grep' | 'run' | 'stream' | 'tail'>;
}

/** Follows logs, of several hosts in the order of their times, and keeps the last entries. */
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
    void this.#read(query);
  }

  close(): void {
    this.#end.abort();
  }

  /**
   * Drops the entries before a number, because they are shown elsewhere. Drops them in portions, as
   * #trim does.
   */
  forget(before: number): void {
    const shown = before - this.first;
    if (shown < Math.min(1000, this.entries.length)) return;
    this.entries = this.entries.slice(shown);
    this.first = before;
  }

  async #read({ from, options }: LogQuery): Promise<void> {
    const { signal } = this.#end;
    const follow = options.run !== 'previous';
    const sources = from.map(({ host, names }) => ({
      host,
      batches: logBatches(host.logs.connection, names, { ...options, follow, signal }),
      fail: (error: unknown) => this.#failed(host, error, from.length > 1),
    }));
    for await (const portion of mergedLogs(sources)) {
      if (signal.aborted) return;
      for (const { host, response } of portion) this.#add(host, response);
      this.#trim();
      this.changed();
    }
  }

  #add(host: Host, { event }: ReadResponse): void {
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
    }
  }

  #failed(host: Host, error: unknown, several: boolean): void {
    if (this.#end.signal.aborted) return;
    const why = error instanceof Error ? error.message : String(error);
    // A my_init that is away: the next attempt is the view's.
    const words = isLost(error) ? `${why}; F5 reads again` : why;
    this.problem = several ? `${host.name}: ${words}` : words;
    this.changed();
  }

  /** In larger portions than single entries: each moves the whole array. */
  #trim(): void {
    const surplus = this.entries.length - this.#limit;
    if (surplus < this.#limit / 10) return;
    this.entries = this.entries.slice(surplus);
    this.first += surplus;
  }
}
