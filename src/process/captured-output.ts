import { closeSync, readSync } from 'node:fs';
import { native, type ReadableWatch } from './native.js';
import type { ProcessOutput } from './process-host.js';

const PIECE_BYTES = 16 * 1024;
/** All that waits in a pipe: a process left behind that goes on writing must not keep us here. */
const MOST_PIECES = 16;

/**
 * The end of the output of a short program, kept in memory: the last bytes of stdout and of stderr.
 */
export class CapturedOutput implements ProcessOutput {
  readonly #stdout: Capture;
  readonly #stderr: Capture;

  constructor(limitBytes: number) {
    this.#stdout = new Capture(limitBytes);
    this.#stderr = new Capture(limitBytes);
  }

  get stdout(): number {
    return this.#stdout.writer;
  }

  get stderr(): number {
    return this.#stderr.writer;
  }

  /** The program has its own copies, or will never have. */
  closeWriters(): void {
    closeSync(this.#stdout.writer);
    closeSync(this.#stderr.writer);
  }

  /** The program has ended. Later output, of processes that it left behind, is discarded. */
  finish(): { readonly stdout: string; readonly stderr: string } {
    return { stdout: this.#stdout.finish(), stderr: this.#stderr.finish() };
  }
}

class Capture {
  readonly writer: number;
  readonly #reader: number;
  readonly #limitBytes: number;
  readonly #watch: ReadableWatch;
  readonly #piece = Buffer.alloc(PIECE_BYTES);
  #content = Buffer.alloc(0);

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
    [this.#reader, this.writer] = native().pipe(false);
    this.#watch = native().watchReadable(this.#reader, () => {
      if (this.#read() === 0) native().watchOn(this.#watch, false);
    });
    native().watchOn(this.#watch, true);
  }

  finish(): string {
    for (let pieces = 0; pieces < MOST_PIECES && this.#read() > 0; pieces++);
    native().endWatch(this.#watch);
    closeSync(this.#reader);
    return this.#content.toString('utf8');
  }

  /** How many bytes were taken; 0 at the end of file, -1 when there is nothing to read now. */
  #read(): number {
    let length: number;
    try {
      length = readSync(this.#reader, this.#piece, 0, PIECE_BYTES, null);
    } catch {
      return -1;
    }
    this.#content = Buffer.concat([this.#content, this.#piece.subarray(0, length)]).subarray(-this.#limitBytes);
    return length;
  }
}
