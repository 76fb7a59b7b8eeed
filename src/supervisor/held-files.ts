import { closeSync, fstatSync, statSync } from 'node:fs';

/** Init's operations on descriptors; `InitLink` implements them. */
export interface Holder {
  hold(name: string, fd: number): void;
  release(name: string): void;
}

/** A file that init holds, too. */
export interface HeldFile {
  readonly fd: number;
  readonly name: string;
}

const PREFIX = 'sv.';

/**
 * Files that stay open, and locked, from one controller to the next. A later controller recognises
 * a file by device and inode, not by name: a service directory may have been renamed.
 */
export class HeldFiles {
  readonly #holder: Holder;
  readonly #inherited = new Map<string, HeldFile>();
  readonly #series: string;
  #last = 0;
  #count: number;

  /** `series` tells the names of this controller from those of the ones before. */
  constructor(holder: Holder, held: ReadonlyMap<string, number>, series: number) {
    this.#holder = holder;
    this.#series = `${PREFIX}${series}.`;
    for (const [name, fd] of held)
      if (name.startsWith(PREFIX)) this.#inherited.set(inodeOf(fstatSync(fd)), { fd, name });
    this.#count = this.#inherited.size;
  }

  /** How many files init holds for us. */
  get count(): number {
    return this.#count;
  }

  /**
   * The one that an earlier controller had open at this path; undefined when there is none, or
   * another file has taken its place.
   */
  inherited(path: string): HeldFile | undefined {
    if (this.#inherited.size === 0) return undefined;
    const stat = statSync(path, { throwIfNoEntry: false });
    const identity = stat === undefined ? '' : inodeOf(stat);
    const file = this.#inherited.get(identity);
    this.#inherited.delete(identity);
    return file;
  }

  /** Has init hold a file. Closes it where that does not work. */
  hold(fd: number): HeldFile {
    this.#last += 1;
    const name = `${this.#series}${this.#last}`;
    try {
      this.#holder.hold(name, fd);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    this.#count += 1;
    return { fd, name };
  }

  /** init is to close it, too. */
  release({ name }: HeldFile): void {
    this.#count -= 1;
    this.#holder.release(name);
  }

  /** Releases the files that nobody has asked for: their services are gone. */
  releaseRest(): void {
    for (const file of this.#inherited.values()) {
      this.release(file);
      closeSync(file.fd);
    }
    this.#inherited.clear();
  }
}

const inodeOf = ({ dev, ino }: { readonly dev: number; readonly ino: number }): string => `${dev}:${ino}`;
