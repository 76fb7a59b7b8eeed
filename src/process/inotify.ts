import { closeSync, readSync } from 'node:fs';
import { native, type ReadableWatch } from './native.js';

/** Bits of inotify(7). */
export const IN = {
  ATTRIB: 0x4,
  CLOSE_WRITE: 0x8,
  MOVED_FROM: 0x40,
  MOVED_TO: 0x80,
  CREATE: 0x100,
  DELETE: 0x200,
  DELETE_SELF: 0x400,
  MOVE_SELF: 0x800,
  Q_OVERFLOW: 0x4000,
  IGNORED: 0x8000,
  ONLYDIR: 0x0100_0000,
  DONT_FOLLOW: 0x0200_0000,
  MASK_ADD: 0x2000_0000,
} as const;

const HEAD_BYTES = 16;

/** `name`: of the entry in the watched directory, '' for the directory itself. */
type InotifyListener = (watch: number, mask: number, name: string) => void;

/**
 * The kernel's reports of changes in directories. Node's own fs.watch says nothing of an overflow,
 * and not whether a path leads to the same directory as before.
 */
export class Inotify {
  readonly #listener: InotifyListener;
  readonly #fd: number;
  readonly #readable: ReadableWatch;
  readonly #buffer = Buffer.allocUnsafeSlow(16 * 1024);

  /** Throws where the kernel has none left, EMFILE. */
  constructor(listener: InotifyListener) {
    this.#listener = listener;
    this.#fd = native().openInotify();
    this.#readable = native().watchReadable(this.#fd, () => this.#read());
    native().watchOn(this.#readable, true);
  }

  /**
   * Returns the watch descriptor: the same number for as long as the path leads to the same inode.
   * Throws as inotify_add_watch(2).
   */
  add(path: string, mask: number): number {
    return native().addWatch(this.#fd, path, mask);
  }

  remove(watch: number): void {
    native().removeWatch(this.#fd, watch);
  }

  close(): void {
    native().endWatch(this.#readable);
    closeSync(this.#fd);
  }

  #read(): void {
    for (;;) {
      let length: number;
      try {
        length = readSync(this.#fd, this.#buffer);
      } catch {
        // EAGAIN: all is read.
        return;
      }
      for (let at = 0; at < length; ) {
        const watch = this.#buffer.readInt32LE(at);
        const mask = this.#buffer.readUInt32LE(at + 4);
        const nameBytes = this.#buffer.readUInt32LE(at + 12);
        const name = this.#buffer.toString('utf8', at + HEAD_BYTES, at + HEAD_BYTES + nameBytes);
        // Filled up with NUL.
        this.#listener(watch, mask, name.split('\0', 1)[0] ?? '');
        at += HEAD_BYTES + nameBytes;
      }
    }
  }
}
