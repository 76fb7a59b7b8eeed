import { lstatSync, readlinkSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { IN, Inotify } from '../process/inotify.js';

/** A file that is written and then made executable is one change, not two. */
const QUIET_MS = 20;
/** As Linux does it. */
const MAX_LINKS = 40;

/** For a directory on the way: its names. */
const WAY =
  IN.CREATE | IN.DELETE | IN.MOVED_FROM | IN.MOVED_TO | IN.DELETE_SELF | IN.MOVE_SELF | IN.ONLYDIR | IN.MASK_ADD;
/** For a directory in which a path ends: the files in it as well. */
const END = WAY | IN.ATTRIB | IN.CLOSE_WRITE;
/** Stands for every name in a directory. */
const ANY = '';

/** The paths of which changes count. They need not exist. */
export interface WatchedPaths {
  readonly files: readonly string[];
  /** Every name in them counts. */
  readonly directories: readonly string[];
}

/** The paths that are watched under one key. */
interface Interest {
  readonly key: string;
  paths: WatchedPaths;
  /** Names by watch descriptor. */
  names: Map<number, Set<string>>;
  /** Watch descriptors of the directories in which its paths end, by path. */
  ends: Map<string, number>;
}

/** A directory, as a path leads to it: by which names, in which directories. */
interface Found {
  readonly watch: number;
  /** Without symbolic links. */
  readonly path: string;
  readonly way: readonly (readonly [watch: number, name: string])[];
  /** Nothing was missing on the way. */
  readonly whole: boolean;
}

/**
 * Reports every change of what paths lead to: a file written or made executable, an entry made,
 * replaced or removed, and any symbolic link or directory on the way. Each directory is watched
 * before anything in it is looked at, so no change is missed.
 */
export class PathWatch {
  readonly #changed: (keys: ReadonlySet<string>) => void;
  readonly #failed: (code: string) => void;
  readonly #inotify: Inotify;
  readonly #interests = new Map<string, Interest>();
  /** The interest in names, by watch descriptor. */
  readonly #directories = new Map<number, Map<string, Set<Interest>>>();
  /** Directories that were found in this turn. */
  readonly #found = new Map<string, Found>();
  readonly #due = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  /**
   * `changed` is called with the keys whose paths may lead to something else, when these are
   * watched anew. `failed`: the kernel has no watch left, some changes will be missed. Throws where
   * it has none at all.
   */
  constructor(changed: (keys: ReadonlySet<string>) => void, failed: (code: string) => void) {
    this.#changed = changed;
    this.#failed = failed;
    this.#inotify = new Inotify((watch, mask, name) => this.#report(watch, mask, name));
  }

  /**
   * Watches these paths under a key, in the place of those before. From the return on no change is
   * missed.
   */
  watch(key: string, paths: WatchedPaths): void {
    const interest = this.#interests.get(key) ?? { key, paths, names: new Map(), ends: new Map() };
    interest.paths = paths;
    this.#interests.set(key, interest);
    this.#follow(interest);
    this.#forgetFoundSoon();
  }

  unwatch(key: string): void {
    const interest = this.#interests.get(key);
    if (interest === undefined) return;
    this.#interests.delete(key);
    this.#due.delete(key);
    this.#drop(interest, interest.names);
  }

  /** Follows all paths anew, whatever the kernel has reported. */
  refresh(): void {
    this.#found.clear();
    for (const interest of this.#interests.values()) this.#follow(interest);
    this.#found.clear();
  }

  /**
   * Tells directories under one path from each other, also when an inode is used again. Undefined
   * where it is not known.
   */
  directoryAt(key: string, path: string): number | undefined {
    return this.#interests.get(key)?.ends.get(path);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#inotify.close();
    this.#interests.clear();
    this.#directories.clear();
  }

  #follow(interest: Interest): void {
    const names = new Map<number, Set<string>>();
    const ends = new Map<string, number>();
    const use = (watch: number, name: string): void => {
      if (watch < 0) return;
      const known = names.get(watch);
      if (known) known.add(name);
      else names.set(watch, new Set([name]));
    };
    const useFound = (path: string, found: Found): void => {
      for (const [watch, name] of found.way) use(watch, name);
      if (!found.whole || found.watch < 0 || ends.has(path)) return;
      this.#add(found.path, END);
      ends.set(path, found.watch);
    };
    for (const path of interest.paths.directories) {
      const found = this.#directory(path, 0);
      useFound(path, found);
      if (found.whole) use(found.watch, ANY);
    }
    for (const path of interest.paths.files) {
      const found = this.#directory(dirname(path), 0);
      useFound(dirname(path), found);
      if (found.whole) for (const [watch, name] of this.#file(found, basename(path), 0)) use(watch, name);
    }
    // A directory that is away for a moment stays watched, so that it is known when it comes back.
    for (const [path, watch] of interest.ends) {
      if (ends.has(path)) continue;
      ends.set(path, watch);
      for (const name of interest.names.get(watch) ?? []) use(watch, name);
    }
    for (const [watch, each] of names) for (const name of each) this.#register(interest, watch, name);
    const before = interest.names;
    interest.names = names;
    interest.ends = ends;
    this.#drop(interest, before);
  }

  /** Watches a directory and every directory on the way to it, then looks where the way goes on. */
  #directory(path: string, links: number): Found {
    const known = this.#found.get(path);
    if (known !== undefined) return known;
    const found =
      path === '/' ? this.#root() : this.#enter(this.#directory(dirname(path), links), basename(path), links);
    this.#found.set(path, found);
    return found;
  }

  #root(): Found {
    return { watch: this.#add('/', WAY), path: '/', way: [], whole: true };
  }

  #enter(parent: Found, name: string, links: number): Found {
    if (!parent.whole || name === '.') return parent;
    if (name === '..') {
      const path = dirname(parent.path);
      return { ...parent, watch: this.#add(path, WAY), path };
    }
    const path = under(parent.path, name);
    const way = [...parent.way, [parent.watch, name] as const];
    const target = targetOf(path);
    if (target === 'missing' || links > MAX_LINKS) return { ...parent, way, whole: false };
    if (target === undefined) return { watch: this.#add(path, WAY), path, way, whole: true };
    const found = this.#directory(target.startsWith('/') ? target : under(parent.path, target), links + 1);
    return { ...found, way: [...way, ...found.way] };
  }

  /** The names by which a file is found, from its directory on. */
  #file(directory: Found, name: string, links: number): Found['way'] {
    const target = targetOf(under(directory.path, name));
    const here = [directory.watch, name] as const;
    if (target === undefined || target === 'missing' || links > MAX_LINKS) return [here];
    const path = target.startsWith('/') ? target : under(directory.path, target);
    const next = this.#directory(dirname(path), links + 1);
    if (!next.whole) return [here, ...next.way];
    this.#add(next.path, END);
    return [here, ...next.way, ...this.#file(next, basename(path), links + 1)];
  }

  /** -1 where it cannot be watched. */
  #add(path: string, mask: number): number {
    try {
      return this.#inotify.add(path, mask);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? '';
      if (code === 'ENOSPC' || code === 'ENOMEM') this.#failed(code);
      return -1;
    }
  }

  #register(interest: Interest, watch: number, name: string): void {
    const names = this.#directories.get(watch) ?? new Map<string, Set<Interest>>();
    this.#directories.set(watch, names);
    const interests = names.get(name) ?? new Set();
    names.set(name, interests.add(interest));
  }

  /** Removes what was registered for an interest and is not among its names any more. */
  #drop(interest: Interest, before: Interest['names']): void {
    const isGone = !this.#interests.has(interest.key);
    for (const [watch, each] of before)
      for (const name of each) {
        if (!isGone && interest.names.get(watch)?.has(name)) continue;
        const names = this.#directories.get(watch);
        const interests = names?.get(name);
        if (!interests?.delete(interest) || interests.size > 0) continue;
        names?.delete(name);
        if (names?.size !== 0) continue;
        this.#directories.delete(watch);
        this.#inotify.remove(watch);
      }
  }

  #report(watch: number, mask: number, name: string): void {
    if (mask & IN.Q_OVERFLOW) {
      for (const key of this.#interests.keys()) this.#reportSoon(key);
      return;
    }
    const known = this.#directories.get(watch);
    if (known === undefined) return;
    const isAbout = name === '' ? [...known.values()] : [known.get(name), known.get(ANY)];
    for (const interests of isAbout) for (const { key } of interests ?? []) this.#reportSoon(key);
    if (!(mask & IN.IGNORED)) return;
    this.#directories.delete(watch);
    for (const { names, ends } of this.#interests.values()) {
      names.delete(watch);
      for (const [path, end] of ends) if (end === watch) ends.delete(path);
    }
  }

  #reportSoon(key: string): void {
    this.#due.add(key);
    this.#timer ??= setTimeout(() => this.#reportNow(), QUIET_MS);
  }

  #reportNow(): void {
    this.#timer = undefined;
    const keys = new Set(this.#due);
    this.#due.clear();
    this.#found.clear();
    for (const key of keys) {
      const interest = this.#interests.get(key);
      if (interest) this.#follow(interest);
    }
    this.#changed(keys);
    this.#found.clear();
  }

  /** Found entries hold as long as nobody else has had a turn: changes since then are reported. */
  #forgetFoundSoon(): void {
    if (this.#found.size > 0) setImmediate(() => this.#found.clear());
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
