import { closeSync } from 'node:fs';
import { native, type ReadableWatch } from '../../process/native.js';
import { criTime, LineStamper, type Stream } from '../store/cri.js';
import type { WritableStore } from '../store/store.js';
import { type Intake, TEXT_AT } from './intake.js';

/** A line that has begun and is not ended is stored as it is after this: a prompt is worth seeing. */
const UNFINISHED_MS = 1_000;
/** More than a pipe holds: who writes on meanwhile does not keep us. */
const DRAIN_BYTES = 1 << 20;
/** An end that is to be published waits this long for a pause to be over. */
const DRAIN_PATIENCE_MS = 50;
const NEWLINE = 10;

/** What a capture works with. */
export interface CaptureParts {
  readonly stream: Stream;
  /** The end of the pipe that is read. */
  readonly fd: number;
  readonly store: WritableStore;
  readonly intake: Intake;
  /** The stream's own in the intake. */
  readonly place: number;
  /** Hears of each append. */
  readonly stored: () => void;
  /** How many bytes of records of the stream the store did not take. */
  readonly dropped: () => number;
}

/** Reads one pipe as long as its service lives and stores what comes, line by line. */
export class Capture {
  readonly #parts: CaptureParts;
  readonly #watch: ReadableWatch;
  readonly #stamper: LineStamper;
  #timer: NodeJS.Timeout | undefined;
  #paused = false;
  /** The beginning of a line whose end has not come; in a pause all that was read and could not be stored before. */
  #rest: Buffer | undefined;
  /** So many bytes of the records that come now have been stored by an earlier controller. */
  #storedBefore = 0;
  readonly #onResume: (() => void)[] = [];
  #resumeSoon: NodeJS.Immediate | undefined;
  /** Ends the wait of a {@link drain}. */
  #hurry: NodeJS.Timeout | undefined;
  #hurried = false;

  constructor(parts: CaptureParts) {
    this.#parts = parts;
    this.#stamper = new LineStamper(parts.stream, (buffer, length, records) => {
      this.#append(buffer, length, records);
      return !this.#paused;
    });
    this.#recover();
    this.#watch = native().watchReadable(parts.fd, () => this.#take());
    native().watchOn(this.#watch, !this.#paused);
  }

  /**
   * Stores what is in the pipe now and ends the line that has begun: its writer is gone. Calls `done` when that is done: at once
   * or, when the capture is paused, a little later.
   */
  drain(done: () => void): void {
    for (let taken = 0, length = 1; length > 0 && taken < DRAIN_BYTES && !this.#paused; taken += length)
      length = this.#take();
    if (this.#paused) {
      this.#drainLater(done);
      return;
    }
    this.#endLine(false);
    clearTimeout(this.#hurry);
    this.#hurry = undefined;
    this.#hurried = false;
    done();
  }

  /** Reads nothing for a while: the writer waits when the pipe is full. */
  pause(): void {
    clearImmediate(this.#resumeSoon);
    this.#resumeSoon = undefined;
    if (this.#paused || this.#hurried) return;
    this.#paused = true;
    native().watchOn(this.#watch, false);
  }

  resume(): void {
    if (!this.#paused) return;
    // Somebody resumes us while another's text is being stored.
    if (this.#parts.intake.busy) {
      this.#resumeSoon ??= setImmediate(() => {
        this.#resumeSoon = undefined;
        this.resume();
      });
      return;
    }
    this.#paused = false;
    if (this.#rest !== undefined) this.#store(TEXT_AT + this.#rest.copy(this.#parts.intake.text, TEXT_AT));
    if (this.#paused) return;
    for (const then of this.#onResume.splice(0)) then();
    if (!this.#paused) native().watchOn(this.#watch, true);
  }

  /** Something else was stored as part of this stream. */
  interrupted(): void {
    if (this.#rest !== undefined) this.#parts.intake.moveOn(this.#parts.place, this.#offset);
  }

  close(): void {
    this.#hurried = true;
    this.resume();
    this.drain(() => {
      native().endWatch(this.#watch);
      closeSync(this.#parts.fd);
    });
  }

  #drainLater(done: () => void): void {
    this.#onResume.push(() => this.drain(done));
    this.#hurry ??= setTimeout(() => {
      this.#hurried = true;
      this.resume();
    }, DRAIN_PATIENCE_MS);
  }

  /** Takes and stores a piece of what is in the pipe, and returns how much it was. */
  #take(): number {
    const { fd, intake, place } = this.#parts;
    const begin = TEXT_AT + (this.#rest?.length ?? 0);
    const end = intake.take(fd, place, this.#offset, this.#rest);
    if (end === begin) return 0;
    this.#store(end);
    intake.done();
    return end - begin;
  }

  /** Stores the lines of the text in flight, and keeps the rest. */
  #store(end: number): void {
    const { intake, place } = this.#parts;
    intake.busy = true;
    const start = this.#stamper.write(intake.text, TEXT_AT, end, criTime());
    intake.busy = false;
    if (start < end) intake.keep(place, this.#offset, start, end);
    else if (this.#rest !== undefined) intake.forget(place);
    this.#rest = start < end ? Buffer.from(intake.text.subarray(start, end)) : undefined;
    if (this.#rest === undefined) this.#stopTimer();
    else if (this.#timer !== undefined) this.#timer.refresh();
    else {
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        // What waits in a pause is more than a line; its end comes when it goes on.
        if (!this.#paused) this.#endLine(true);
      }, UNFINISHED_MS);
      this.#timer.unref();
    }
  }

  /** The line that has begun is over: its writer is gone, or says nothing more for now. */
  #endLine(goesOn: boolean): void {
    this.#stopTimer();
    if (this.#rest === undefined) return;
    this.#stamper.end(this.#rest, criTime(), goesOn);
    this.#rest = undefined;
    this.#parts.intake.forget(this.#parts.place);
  }

  #append(buffer: Buffer, length: number, records: number): void {
    const { store, stream, stored } = this.#parts;
    const known = Math.min(this.#storedBefore, length);
    this.#storedBefore -= known;
    const fresh = buffer.subarray(known, length);
    if (fresh.length > 0) store.append(fresh, fresh.length, records - linesOf(buffer, known), stream);
    stored();
  }

  /** Goes on where an earlier controller was killed: stores what it had taken in, without what it had stored of it. */
  #recover(): void {
    const { intake, place } = this.#parts;
    const recovered = intake.recover(place);
    if (recovered === undefined) return;
    this.#storedBefore = Math.max(0, this.#offset - recovered.offset);
    this.#rest = intake.text.subarray(TEXT_AT, recovered.end);
    this.#store(recovered.end);
    if (recovered.inFlight) intake.done();
    // The line that had begun was stored as it was.
    if (this.#storedBefore > 0 && this.#rest !== undefined) {
      this.#rest = undefined;
      intake.forget(place);
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
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

function linesOf(buffer: Buffer, length: number): number {
  let lines = 0;
  for (let at = buffer.indexOf(NEWLINE); at >= 0 && at < length; at = buffer.indexOf(NEWLINE, at + 1)) lines++;
  return lines;
}

/** The pipes of a source, as a service gets them: what it writes to and what we read from. */
export interface Pipes {
  readonly stdout: readonly [read: number, write: number];
  readonly stderr: readonly [read: number, write: number];
}

export function closePipes({ stdout, stderr }: Pipes): void {
  // The read ends belong to those who read them.
  for (const [, write] of [stdout, stderr]) closeSync(write);
}
