import { setTimeout as delay } from 'node:timers/promises';
import type { ReadResponse } from '../../typescript/src/index.js';

/** A host whose log is still being read may come with older lines for so long. */
const READING_MS = 5_000;
/** A new line waits so long for older ones of other hosts, whose links may be slower. */
const LIVE_MS = 200;
/** So many lines are handed on together. */
const LINES_AT_ONCE = 500;

export interface LogSource<Host> {
  readonly host: Host;
  readonly batches: AsyncIterable<ReadResponse>;
  /** Told once, when the reading fails: the others go on. */
  readonly fail: (error: unknown) => void;
}

/** One line, gap or marker of a host. */
export interface HostResponse<Host> {
  readonly host: Host;
  readonly response: ReadResponse;
}

/**
 * The logs of several hosts as one, in the order of their times, until all of them end. The next
 * portion is read when the portion before has been handled.
 */
export async function* mergedLogs<Host>(
  sources: readonly LogSource<Host>[],
): AsyncGenerator<readonly HostResponse<Host>[], void, undefined> {
  const bell = new Bell();
  const readers = sources.map((source) => new Reader(source, bell));
  for (;;) {
    const portion: HostResponse<Host>[] = [];
    while (portion.length < LINES_AT_ONCE) {
      const next = pick(readers);
      if (next === undefined) break;
      portion.push({ host: next.host, response: next.shift() });
    }
    if (portion.length > 0) {
      yield portion;
      continue;
    }
    const left = readers.filter(({ done }) => !done);
    if (left.length === 0) return;
    await bell.rings(readers.some(({ head }) => head !== undefined) ? LIVE_MS / 4 : undefined);
  }
}

/**
 * The reader with the oldest event; undefined while a reader that has no event yet may still come
 * with an older one.
 */
function pick<Host>(readers: readonly Reader<Host>[]): Reader<Host> | undefined {
  let oldest: Reader<Host> | undefined;
  let oldestMs = Number.POSITIVE_INFINITY;
  for (const reader of readers) {
    const { head } = reader;
    if (head === undefined) continue;
    // The pieces of a long line stay together.
    if (reader.inLine) return reader;
    if (head.timeMs >= oldestMs) continue;
    oldest = reader;
    oldestMs = head.timeMs;
  }
  const arrivedMs = oldest?.head?.arrivedMs ?? 0;
  return readers.some((reader) => reader.mayBeOlder(arrivedMs)) ? undefined : oldest;
}

interface Item {
  readonly timeMs: number;
  readonly arrivedMs: number;
  readonly response: ReadResponse;
}

/** Reads the log of one host, one batch ahead of the output. */
class Reader<Host> {
  readonly host: Host;
  /** The last piece that was handed on is not the end of its line. */
  inLine = false;
  done = false;
  #items: Item[] = [];
  #next = 0;
  #live = false;
  #emptySinceMs = performance.now();
  #emptied: (() => void) | undefined;

  constructor(source: LogSource<Host>, bell: Bell) {
    this.host = source.host;
    void this.#read(source, bell);
  }

  get head(): Item | undefined {
    return this.#items[this.#next];
  }

  shift(): ReadResponse {
    const item = this.head;
    if (item === undefined) throw new RangeError('nothing has been read');
    this.#next++;
    const { event } = item.response;
    this.inLine = event?.$case === 'lines' && event.value.lines[0]?.partial === true;
    if (this.head === undefined) {
      this.#emptySinceMs = performance.now();
      this.#emptied?.();
    }
    return item.response;
  }

  mayBeOlder(arrivedMs: number): boolean {
    if (this.done || this.head !== undefined) return false;
    const now = performance.now();
    return this.#live ? now - arrivedMs < LIVE_MS : now - this.#emptySinceMs < READING_MS;
  }

  async #read({ batches, fail }: LogSource<Host>, bell: Bell): Promise<void> {
    try {
      let lastMs = 0;
      for await (const response of batches) {
        if (response.event?.$case === 'caughtUp') this.#live = true;
        const arrivedMs = performance.now();
        // An entry without a time of its own stays after the entry before it.
        this.#items = singles(response).map((single) => {
          lastMs = timeOf(single) ?? lastMs;
          return { timeMs: lastMs, arrivedMs, response: single };
        });
        this.#next = 0;
        bell.ring();
        if (this.head !== undefined) await new Promise<void>((resolve) => (this.#emptied = resolve));
      }
    } catch (error) {
      fail(error);
    }
    this.done = true;
    bell.ring();
  }
}

/** The answer as answers of one line each; none for events that are not shown. */
function singles(response: ReadResponse): ReadResponse[] {
  switch (response.event?.$case) {
    case 'lines':
      return response.event.value.lines.map((line) => ({
        cursor: undefined,
        event: { $case: 'lines', value: { lines: [line] } },
      }));
    case 'gap':
    case 'marker':
      return [response];
    default:
      return [];
  }
}

function timeOf({ event }: ReadResponse): number | undefined {
  if (event?.$case === 'lines') return event.value.lines[0]?.time?.getTime();
  return event?.$case === 'marker' ? event.value.time?.getTime() : undefined;
}

/** Wakes the waiting function when any of several events happens. */
class Bell {
  #ring: () => void = () => undefined;
  #rung = false;

  ring(): void {
    this.#rung = true;
    this.#ring();
  }

  /** Resolves when it rings, has rung since the last time, or after the limit. */
  async rings(limitMs: number | undefined): Promise<void> {
    const given = new AbortController();
    const rung = new Promise<void>((resolve) => {
      this.#ring = resolve;
    });
    if (!this.#rung) {
      const limit = limitMs === undefined ? [] : [delay(limitMs, undefined, { signal: given.signal })];
      await Promise.race([rung, ...limit]);
      given.abort();
    }
    this.#rung = false;
  }
}
