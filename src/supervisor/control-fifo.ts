import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { native, type ReadableWatch } from '../process/native.js';
import { unlessThere } from './make-supervise.js';

const MODE = 0o600;
/** After so many commands the others have their turn. */
const COMMANDS_IN_A_ROW = 16;

const byte = Buffer.alloc(1);

/**
 * Opens a FIFO for both reading and writing, made where it is missing: writers always find a
 * reader, and we never see its end. Throws where it cannot be made, or is something else.
 */
export function openFifo(path: string): number {
  unlessThere(() => native().mkfifo(path, MODE));
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  if (fstatSync(fd).isFIFO()) return fd;
  closeSync(fd);
  throw new Error(`${path} is not a FIFO`);
}

/**
 * Reads commands, a byte each, and has one carried out after the other. Commands that are not yet
 * read wait in the FIFO, also for a later controller.
 */
export class ControlFifo {
  readonly #fd: number;
  readonly #obey: (command: string) => Promise<void>;
  readonly #watch: ReadableWatch;
  #closed = false;
  #paused = false;

  constructor(fd: number, obey: (command: string) => Promise<void>) {
    this.#fd = fd;
    this.#obey = obey;
    this.#watch = native().watchReadable(fd, () => void this.#readCommands());
    native().watchOn(this.#watch, true);
  }

  close(): void {
    this.#closed = true;
    native().endWatch(this.#watch);
    closeSync(this.#fd);
  }

  /** Leaves commands in the FIFO, for the next controller, or reads on. */
  pause(paused: boolean): void {
    this.#paused = paused;
    native().watchOn(this.#watch, !paused);
  }

  async #readCommands(): Promise<void> {
    native().watchOn(this.#watch, false);
    for (let count = 1; !this.#closed && !this.#paused; count++) {
      const command = this.#next();
      if (command === undefined) break;
      await this.#obey(command);
      if (count % COMMANDS_IN_A_ROW === 0) await nextTurn();
    }
    if (!this.#closed && !this.#paused) native().watchOn(this.#watch, true);
  }

  /** undefined when there is none. */
  #next(): string | undefined {
    try {
      return readSync(this.#fd, byte) === 1 ? byte.toString('latin1') : undefined;
    } catch {
      // EAGAIN.
      return undefined;
    }
  }
}
