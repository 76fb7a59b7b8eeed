import { lstatSync, opendirSync, readlinkSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { IN } from '../process/inotify.js';

/** As Linux does it. */
const MAX_LINKS = 40;

/** For a directory on the way: another one takes its place. */
export const SELF = IN.DELETE_SELF | IN.MOVE_SELF | IN.ONLYDIR;
/** For a directory on the way in which a name is missing, or is looked for: its names, too. */
export const NAMES = SELF | IN.CREATE | IN.DELETE | IN.MOVED_FROM | IN.MOVED_TO;
/** For a directory in which a path ends: the files in it as well. */
export const END = NAMES | IN.ATTRIB | IN.CLOSE_WRITE;
/** For a symbolic link: another one takes its place, which first shows in its count of links. */
export const LINK = IN.DELETE_SELF | IN.MOVE_SELF | IN.ATTRIB | IN.DONT_FOLLOW;

/** A name on the way, in the directory of this watch. */
export interface Step {
  readonly watch: number;
  readonly name: string;
  /** The watch of the entry itself, which reports that another one takes its place. */
  readonly own: number;
}

/** A directory, as a path leads to it: by which names, in which directories. */
export interface Found {
  readonly watch: number;
  /** Without symbolic links. */
  readonly path: string;
  readonly way: readonly Step[];
  /** Nothing was missing on the way. */
  readonly whole: boolean;
}

/** A name by which a file is found, in its directory. */
export interface FileName {
  readonly directory: Found;
  readonly name: string;
}

/** Watches what a {@link PathFinder} is about to look at. */
export interface Watcher {
  /** Returns the watch descriptor; -1 where it cannot be watched. */
  add(path: string, mask: number): number;
  /** Before a name in the directory is looked for. */
  watchNames(directory: Found): void;
}

/** Follows paths through directories and symbolic links, each of which is watched first. */
export class PathFinder {
  readonly #watcher: Watcher;
  /** Directories that were found in this turn. */
  readonly #found = new Map<string, Found>();
  /** Of these, those in which something was seen. */
  readonly #filled = new Set<string>();

  constructor(watcher: Watcher) {
    this.#watcher = watcher;
  }

  get hasFound(): boolean {
    return this.#found.size > 0;
  }

  /** The next turn looks at everything again. */
  forget(): void {
    this.#found.clear();
    this.#filled.clear();
  }

  /** Watches a directory and every directory on the way to it, then looks where the way goes on. */
  directory(path: string, links = 0): Found {
    const known = this.#found.get(path);
    if (known !== undefined) return known;
    const found =
      path === '/' ? this.#root() : this.#enter(this.directory(dirname(path), links), basename(path), links);
    this.#found.set(path, found);
    return found;
  }

  #root(): Found {
    return { watch: this.#watcher.add('/', NAMES), path: '/', way: [], whole: true };
  }

  #enter(parent: Found, name: string, links: number): Found {
    if (!parent.whole || name === '.') return parent;
    if (name === '..') {
      const path = dirname(parent.path);
      return { ...parent, watch: this.#watcher.add(path, NAMES), path };
    }
    const path = under(parent.path, name);
    this.#watcher.watchNames(parent);
    const target = targetOf(path);
    const step = (own: number): readonly Step[] => [...parent.way, { watch: parent.watch, name, own }];
    if (target === 'missing' || links > MAX_LINKS) return { ...parent, way: step(-1), whole: false };
    this.#filled.add(parent.path);
    if (target === undefined) {
      const watch = this.#watcher.add(path, NAMES);
      return { watch, path, way: step(watch), whole: true };
    }
    const link = this.#watcher.add(path, LINK);
    const found = this.directory(target.startsWith('/') ? target : under(parent.path, target), links + 1);
    return { ...found, way: [...step(link), ...found.way] };
  }

  /** The names by which a file is found, each in its directory. */
  file(directory: Found, name: string, links = 0): readonly FileName[] {
    this.#watcher.watchNames(directory);
    const target = targetOf(under(directory.path, name));
    if (target !== 'missing') this.#filled.add(directory.path);
    const here = { directory, name };
    if (target === undefined || target === 'missing' || links > MAX_LINKS) return [here];
    const path = target.startsWith('/') ? target : under(directory.path, target);
    const next = this.directory(dirname(path), links + 1);
    if (!next.whole) return [here, { directory: next, name: '' }];
    this.#watcher.add(next.path, END);
    return [here, ...this.file(next, basename(path), links + 1)];
  }

  /** Whether there is something in a directory, so that it cannot be removed as it is. */
  isFilled({ path }: Found): boolean {
    if (this.#filled.has(path)) return true;
    if (!hasEntries(path)) return false;
    this.#filled.add(path);
    return true;
  }
}

const under = (directory: string, name: string): string => (directory === '/' ? `/${name}` : `${directory}/${name}`);

/** Where a symbolic link leads; undefined for what is no link. */
function targetOf(path: string): string | 'missing' | undefined {
  try {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return 'missing';
    return stat.isSymbolicLink() ? readlinkSync(path) : undefined;
  } catch {
    // Removed just now, or its directory must not be searched.
    return 'missing';
  }
}

function hasEntries(path: string): boolean {
  try {
    const directory = opendirSync(path);
    try {
      return directory.readSync() !== null;
    } finally {
      directory.closeSync();
    }
  } catch {
    return false;
  }
}
