import { lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';

/** Linux follows as many links, then gives up with ELOOP. */
const MAX_LINKS = 40;

/**
 * A root file system that may lie in a directory: its `/bin/sh` has another path on this machine.
 */
export class Root {
  readonly #root: string;

  constructor(root: string) {
    this.#root = resolve(root);
  }

  /** Where a path of the root file system is on this machine; links are followed inside of it. */
  readonly locate = (path: string): string => {
    if (this.#root === '/') return path;
    let links = 0;
    let at = '/';
    const rest = path.split('/').filter((part) => part !== '');
    for (let part = rest.shift(); part !== undefined; part = rest.shift()) {
      const next = join(at, part);
      const target = links < MAX_LINKS ? linkAt(join(this.#root, next)) : undefined;
      if (target === undefined) {
        at = next;
        continue;
      }
      links++;
      if (isAbsolute(target)) at = '/';
      rest.unshift(...target.split('/').filter((word) => word !== ''));
    }
    return join(this.#root, at);
  };

  /** The text of a file; undefined where there is none that can be read. */
  read(path: string): string | undefined {
    try {
      return readFileSync(this.locate(path), 'utf8');
    } catch {
      return undefined;
    }
  }

  /** The path of the root file system of a path of this machine. */
  inside(path: string): string {
    const absolute = resolve(path);
    if (this.#root === '/') return absolute;
    return absolute === this.#root || absolute.startsWith(`${this.#root}/`)
      ? absolute.slice(this.#root.length) || '/'
      : absolute;
  }

  /**
   * A path as it is named on the command line: below the root, or of this machine where it is there
   * already.
   */
  named(path: string): string {
    const below = this.inside(path);
    return this.#root !== '/' && below === resolve(path) && !isAbsolute(path) ? join('/', path) : below;
  }
}

function linkAt(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined;
  } catch {
    return undefined;
  }
}
