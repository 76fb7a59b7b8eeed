import type { LogOutput } from '../../types/logs.js';
import type { Source } from '../capture/source.js';
import type { Sources } from '../capture/sources.js';
import type { Forwarded, OutputIndex } from '../store/counters.js';
import { MAX_APPEND_BYTES, type Stream } from '../store/cri.js';
import type { Output } from './output.js';
import { OutputFormat } from './output-format.js';

/**
 * A writer that is faster than us waits, so that nothing is lost while the output is being read. An
 * output that has taken nothing for this long is not being read: then nobody waits, until it takes
 * something again.
 */
const PATIENCE_MS = 50;
/**
 * So much is written in one turn of the event loop, also to an output that takes all at once:
 * others have theirs.
 */
const TURN_BYTES = 512 * 1024;
/** So many sources that are gone keep their stores for an output that is not being read. */
const GONE_SOURCES = 16;

/**
 * Writes the lines of the sources to an output of the container: one more reader of their stores,
 * with a position in each, and nothing in between. An output that nobody reads holds up only its
 * forwarder; records that are overwritten meanwhile are reported as a gap.
 */
export class Forwarder {
  readonly #sources: Sources;
  readonly #output: Output;
  readonly #index: OutputIndex;
  readonly #format: OutputFormat;
  readonly #readers = new Map<Source, Reader>();
  /** Sources whose lines do not go to the output: its mode for them is `none`. */
  readonly #excluded = new Set<Source>();
  readonly #waiting = new Set<Source>();
  /** Something is being written, or looked for to be written. */
  #busy = false;
  /** The source whose piece the output has not accepted yet. */
  #writing: Source | undefined;
  readonly #flushes = new Set<Flush>();
  readonly #paused = new Set<Source>();
  #patience: NodeJS.Timeout | undefined;
  #pendingBytes = 0;
  /** Pieces that the output has taken. */
  #writes = 0;
  /** The output takes nothing. */
  #stalled = false;

  /** `stream`: only this one; undefined: both. */
  constructor(sources: Sources, output: Output, stream: Stream | undefined, mode: LogOutput) {
    this.#sources = sources;
    this.#output = output;
    this.#index = stream === 'stderr' ? 1 : 0;
    this.#format = new OutputFormat(stream, mode);
    sources.onChange(() => this.#follow());
    this.#follow();
  }

  /** Resolves when all lines up to now are written, without waiting for later ones. */
  flushed(): Promise<void> {
    const left = new Map<Source, number>();
    for (const [source, { given }] of this.#readers) {
      const { offset } = source.store.newest;
      if (given.position.offset < offset) left.set(source, offset);
    }
    if (left.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#flushes.add({ left, resolve }));
  }

  #follow(): void {
    const current = new Set(this.#sources.list());
    for (const source of current) {
      if (this.#format.modeOf(source) === 'none') this.#exclude(source);
      else if (!this.#readers.has(source)) this.#read(source);
    }
    for (const source of this.#excluded) if (!current.has(source)) this.#excluded.delete(source);
    // The output of a source that is gone is still written.
    const gone = [...this.#readers.keys()].filter((source) => !current.has(source) && source !== this.#writing);
    for (const source of gone.slice(0, -GONE_SOURCES)) this.#forget(source);
    for (const source of gone.slice(-GONE_SOURCES)) this.#wake(source);
  }

  #read(source: Source): void {
    const { counters, store } = source;
    // Lines from the time when the output excluded the source are not written later.
    if (this.#excluded.delete(source))
      counters.setForwarded(this.#index, { position: store.newest, dropped: this.#format.droppedOf(source) });
    const forget = source.onStored(() => this.#wake(source));
    this.#readers.set(source, { forget, given: counters.forwarded(this.#index) });
    this.#wake(source);
  }

  #exclude(source: Source): void {
    this.#excluded.add(source);
    if (this.#readers.has(source) && source !== this.#writing) this.#forget(source);
  }

  #forget(source: Source): void {
    const reader = this.#readers.get(source);
    if (reader !== undefined) this.#format.leave(source, reader.given);
    reader?.forget();
    this.#readers.delete(source);
    this.#waiting.delete(source);
    this.#paused.delete(source);
    this.#tellFlushes(source, Number.POSITIVE_INFINITY);
  }

  #tellFlushes(source: Source, offset: number): void {
    for (const flush of this.#flushes) {
      if (offset >= (flush.left.get(source) ?? 0)) flush.left.delete(source);
      if (flush.left.size > 0) continue;
      this.#flushes.delete(flush);
      flush.resolve();
    }
  }

  #wake(source: Source): void {
    this.#waiting.add(source);
    if (!this.#busy) this.#next();
    if (this.#busy && !this.#stalled && this.#isFarBehind(source)) this.#pause(source);
  }

  /** True if the next append would overwrite records that are not written yet. */
  #isFarBehind(source: Source): boolean {
    const given = this.#readers.get(source)?.given;
    const { newest, reachBytes } = source.store;
    return given !== undefined && newest.offset - given.position.offset > reachBytes - MAX_APPEND_BYTES;
  }

  #pause(source: Source): void {
    this.#paused.add(source);
    source.pause(this);
    if (this.#patience !== undefined) return;
    this.#pendingBytes = this.#output.pendingBytes();
    this.#patience = setTimeout(() => this.#lookOnceMore(), PATIENCE_MS);
  }

  /**
   * Looks again after a turn of the event loop: if the controller itself did not run for long, only
   * then is it known how much the output accepted meanwhile.
   */
  #lookOnceMore(): void {
    const writes = this.#writes;
    setImmediate(() => {
      if (this.#writes === writes && this.#patience !== undefined) this.#losePatience();
    });
  }

  #losePatience(): void {
    const before = this.#pendingBytes;
    this.#pendingBytes = this.#output.pendingBytes();
    if (this.#pendingBytes < before) {
      this.#patience?.refresh();
      return;
    }
    this.#stalled = true;
    this.#resume([...this.#paused]);
  }

  #resume(sources: readonly Source[]): void {
    // A resumed source may be paused again at once, so all are deleted first.
    for (const source of sources) this.#paused.delete(source);
    if (this.#paused.size === 0) {
      clearTimeout(this.#patience);
      this.#patience = undefined;
    }
    for (const source of sources) source.resume(this);
  }

  /** Writes a piece of one source after the other, as long as the output takes them. */
  #next(): void {
    this.#busy = true;
    let room = TURN_BYTES;
    for (const source of this.#waiting) {
      if (room <= 0) {
        setImmediate(() => this.#next());
        return;
      }
      this.#waiting.delete(source);
      const reader = this.#readers.get(source);
      if (reader === undefined) continue;
      const { length, given } = this.#format.next(source, reader.given);
      if (length > 0) {
        if (!this.#output.write(this.#format.out, length, () => this.#writtenLater(source, given))) {
          this.#writing = source;
          return;
        }
        this.#written(source, given);
        room -= length;
      } else this.#reached(source, given);
    }
    this.#busy = false;
  }

  #writtenLater(source: Source, given: Forwarded): void {
    this.#writing = undefined;
    this.#written(source, given);
    this.#next();
  }

  /**
   * Recorded after the write: lines that a killed controller was writing are written again, not
   * lost.
   */
  #written(source: Source, given: Forwarded): void {
    this.#stalled = false;
    this.#writes++;
    source.counters.setForwarded(this.#index, given);
    this.#reached(source, given);
    if (this.#patience === undefined) return;
    this.#pendingBytes = this.#output.pendingBytes();
    this.#patience.refresh();
  }

  #reached(source: Source, given: Forwarded): void {
    const { offset } = given.position;
    const reader = this.#readers.get(source);
    if (reader !== undefined) reader.given = given;
    this.#tellFlushes(source, offset);
    if (offset < source.store.newest.offset) this.#waiting.add(source);
    else if (this.#sources.get(source.name) !== source) this.#forget(source);
    if (this.#paused.has(source) && !this.#isFarBehind(source)) this.#resume([source]);
  }
}

/** Somebody waits until the sources are written up to these offsets. */
interface Flush {
  readonly left: Map<Source, number>;
  readonly resolve: () => void;
}

/** The progress of an output within one source. */
interface Reader {
  readonly forget: () => void;
  given: Forwarded;
}
