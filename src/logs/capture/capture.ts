import { closeSync } from 'node:fs';
import { native, type ReadableWatch } from '../../process/native.js';
import { criTime, LineStamper, NEWLINE, type Stream } from '../store/cri.js';
import type { WritableStore } from '../store/store.js';
import { type Intake, TEXT_AT } from './intake.js';

/** An unterminated line is stored as it is after this time: a prompt is worth seeing. */
const UNFINISHED_MS = 1_000;
/** More than a pipe holds: a writer that goes on meanwhile does not keep us. */
const DRAIN_BYTES = 1 << 20;
/** A drain waits this long for a pause to end, so that the end of a run is published in time. */
const DRAIN_PATIENCE_MS = 50;
/** Less than is read at once: a pipe that gave this much may hold more. */
const BACKLOG_BYTES = 32 * 1024;

/** The parts that a capture works with. */
export interface CaptureParts {
  readonly stream: Stream;
  /** The end of the pipe that is read. */
  readonly fd: number;
  readonly store: WritableStore;
  readonly intake: Intake;
  /** The stream's own in the intake. */
  readonly row: number;
  /** Called after each append. */
  readonly stored: () => void;
  /** How many bytes of records of the stream were not stored. */
  readonly dropped: () => number;
}

/**
 * - `reading`: reads and stores what comes.
 * - `paused`: reads nothing, so that the writer waits when the pipe is full. Lines that were read
 *   already may be unstored.
 * - `insisting`: reads and stores, and refuses to pause: somebody waits for a drain, or the end.
 *
 * | | reading | paused | insisting |
 * |---|---|---|---|
 * | `pause` | paused | – | – |
 * | `resume` | – | reading, once the unstored lines are stored | – |
 * | `drain` | done at once | waits for `resume`, at most {@link DRAIN_PATIENCE_MS}; then insisting | done at once, then reading |
 * | `close` | insisting | insisting | – |
 */
type State = 'reading' | 'paused' | 'insisting';

/** Drains that a pause holds up. */
interface HeldDrains {
  readonly done: (() => void)[];
  readonly patience: NodeJS.Timeout;
}

/** Reads one pipe as long as its service lives and stores its content, line by line. */
export class Capture {
  readonly #parts: CaptureParts;
  readonly #watch: ReadableWatch;
  readonly #stamper: LineStamper;
  #state: State = 'reading';
  #drains: HeldDrains | undefined;
  /** The end of a pause that came while another text was being stored. */
  #resumption: { readonly to: 'reading' | 'insisting'; readonly immediate: NodeJS.Immediate } | undefined;
  /** Unterminated line; while paused, also complete lines not yet stored. */
  #rest: Buffer | undefined;
  #unfinished: NodeJS.Timeout | undefined;
  /**
   * While recovering: so many bytes of the records that come now were stored by an earlier
   * controller.
   */
  #storedBefore = 0;
  /** The capture of the other stream of the same writer. */
  #other: Capture | undefined;
  /** The last piece was so long that the pipe probably holds more. */
  #hasBacklog = false;

  constructor(parts: CaptureParts) {
    this.#parts = parts;
    this.#stamper = new LineStamper(parts.stream, (buffer, length, records) => {
      this.#append(buffer, length, records);
      return this.#state !== 'paused';
    });
    this.#recover();
    this.#watch = native().watchReadable(parts.fd, () => this.#onReadable());
    this.#setWatch();
  }

  /**
   * Makes two captures keep the order in which their writer filled the pipes, as far as that can be
   * known.
   */
  static pair(stdout: Capture, stderr: Capture): void {
    stdout.#other = stderr;
    stderr.#other = stdout;
  }

  /**
   * Stores what is in the pipe now and ends the line that has begun: its writer is gone. Calls
   * `done` afterwards: at once or, when the capture is paused, a little later.
   */
  drain(done: () => void): void {
    for (let read = 0, length = 1; length > 0 && read < DRAIN_BYTES && this.#state !== 'paused'; read += length)
      length = this.#readPiece();
    if (this.#state === 'paused') {
      // After a turn of the event loop: our own process may have been stopped that long, and the
      // pause may be over.
      this.#drains ??= {
        done: [],
        patience: setTimeout(() => setImmediate(() => this.#loseDrainPatience()), DRAIN_PATIENCE_MS),
      };
      this.#drains.done.push(done);
      return;
    }
    this.#endLine(false);
    this.#state = 'reading';
    done();
  }

  pause(): void {
    if (this.#resumption?.to === 'reading') this.#cancelResumption();
    if (this.#state !== 'reading') return;
    this.#state = 'paused';
    this.#setWatch();
  }

  resume(): void {
    if (this.#state === 'paused') this.#goOn('reading');
  }

  /** Another writer's record was stored as part of this stream. */
  interrupted(): void {
    if (this.#rest !== undefined) this.#parts.intake.moveOn(this.#parts.row, this.#offset);
  }

  close(): void {
    this.#insist();
    this.drain(() => {
      native().endWatch(this.#watch);
      closeSync(this.#parts.fd);
    });
  }

  #loseDrainPatience(): void {
    if (this.#drains !== undefined) this.#insist();
  }

  #insist(): void {
    if (this.#state === 'paused') this.#goOn('insisting');
    else this.#state = 'insisting';
  }

  /** Ends a pause: stores the lines that were read before it, then carries out the held drains. */
  #goOn(state: 'reading' | 'insisting'): void {
    // The buffer is in use: another text is being stored.
    if (this.#parts.intake.busy) {
      const to = this.#resumption?.to === 'insisting' ? 'insisting' : state;
      this.#cancelResumption();
      const immediate = setImmediate(() => {
        this.#resumption = undefined;
        if (this.#state === 'paused') this.#goOn(to);
      });
      this.#resumption = { to, immediate };
      return;
    }
    this.#state = state;
    if (this.#rest !== undefined) this.#store(TEXT_AT + this.#rest.copy(this.#parts.intake.text, TEXT_AT));
    if (this.#isPaused()) return;
    const drains = this.#drains;
    this.#drains = undefined;
    clearTimeout(drains?.patience);
    this.#setWatch();
    for (const done of drains?.done ?? []) this.drain(done);
  }

  #cancelResumption(): void {
    clearImmediate(this.#resumption?.immediate);
    this.#resumption = undefined;
  }

  /**
   * A method, because storing may pause: the compiler would still believe its last look at the
   * state.
   */
  #isPaused(): boolean {
    return this.#state === 'paused';
  }

  #setWatch(): void {
    native().watchOn(this.#watch, this.#state !== 'paused');
  }

  #onReadable(): void {
    if (this.#other !== undefined) this.#other.#readBacklog();
    // Storing the backlog may have paused both.
    if (this.#state !== 'paused') this.#readPiece();
  }

  /**
   * Reads a backlog before the other stream has its turn. Part of it is certainly older; of the
   * rest nobody can tell, and a word on standard error after a burst on standard output is worth
   * more behind the burst than overwritten by it.
   */
  #readBacklog(): void {
    if (!this.#hasBacklog) return;
    let left = native().readableBytes(this.#parts.fd);
    while (left > 0 && this.#state !== 'paused') {
      const length = this.#readPiece();
      if (length === 0) return;
      left -= length;
    }
  }

  /** Reads and stores a piece of the pipe's content, and returns its length. */
  #readPiece(): number {
    const { fd, intake, row } = this.#parts;
    const begin = TEXT_AT + (this.#rest?.length ?? 0);
    const end = intake.read(fd, row, this.#offset, this.#rest);
    const length = end - begin;
    this.#hasBacklog = length >= BACKLOG_BYTES;
    if (length === 0) return 0;
    this.#store(end);
    intake.done();
    return length;
  }

  /** Stores the lines of the text in flight, and keeps the rest. */
  #store(end: number): void {
    const { intake, row } = this.#parts;
    intake.busy = true;
    const start = this.#stamper.write(intake.text, TEXT_AT, end, criTime());
    intake.busy = false;
    if (start < end) intake.keep(row, this.#offset, start, end);
    else if (this.#rest !== undefined) intake.forget(row);
    this.#rest = start < end ? Buffer.from(intake.text.subarray(start, end)) : undefined;
    if (this.#rest === undefined) this.#stopTimer();
    else if (this.#unfinished !== undefined) this.#unfinished.refresh();
    else this.#awaitEnd();
  }

  /** Gives the line that has begun {@link UNFINISHED_MS} to end. */
  #awaitEnd(): void {
    this.#unfinished = setTimeout(() => {
      this.#unfinished = undefined;
      // During a pause the rest may be more than a line; its end comes after the pause.
      if (this.#state === 'paused') return;
      // The event loop may have been held up, and the end be in the pipe.
      if (native().readableBytes(this.#parts.fd) > 0) this.#awaitEnd();
      else this.#endLine(true);
    }, UNFINISHED_MS).unref();
  }

  /** Ends the line that has begun: its writer is gone, or says nothing more for now. */
  #endLine(goesOn: boolean): void {
    this.#stopTimer();
    if (this.#rest === undefined) return;
    this.#stamper.end(this.#rest, criTime(), goesOn);
    this.#rest = undefined;
    this.#parts.intake.forget(this.#parts.row);
  }

  #append(buffer: Buffer, length: number, records: number): void {
    const { store, stream, stored } = this.#parts;
    const known = Math.min(this.#storedBefore, length);
    this.#storedBefore -= known;
    const fresh = buffer.subarray(known, length);
    if (fresh.length > 0) store.append(fresh, fresh.length, records - linesOf(buffer, known), stream);
    stored();
  }

  /**
   * Goes on where an earlier controller was killed: stores the text that it had read and not yet
   * stored.
   */
  #recover(): void {
    const { intake, row } = this.#parts;
    const recovered = intake.recover(row);
    if (recovered === undefined) return;
    this.#storedBefore = Math.max(0, this.#offset - recovered.offset);
    this.#rest = intake.text.subarray(TEXT_AT, recovered.end);
    this.#store(recovered.end);
    if (recovered.inFlight) intake.done();
    // The line that had begun was stored as it was.
    if (this.#storedBefore > 0 && this.#rest !== undefined) {
      this.#rest = undefined;
      intake.forget(row);
    }
    this.#storedBefore = 0;
  }

  /** How many bytes of records the stream has had, stored or dropped. */
  get #offset(): number {
    const { store, stream, dropped } = this.#parts;
    const { offset, stderrOffset } = store.newest;
    return (stream === 'stderr' ? stderrOffset : offset - stderrOffset) + dropped();
  }

  #stopTimer(): void {
    clearTimeout(this.#unfinished);
    this.#unfinished = undefined;
  }
}

function linesOf(buffer: Buffer, length: number): number {
  let lines = 0;
  for (let at = buffer.indexOf(NEWLINE); at >= 0 && at < length; at = buffer.indexOf(NEWLINE, at + 1)) lines++;
  return lines;
}
