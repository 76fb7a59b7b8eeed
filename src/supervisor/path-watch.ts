import { basename, dirname } from 'node:path';
import { IN, Inotify } from '../process/inotify.js';
import { END, type Found, LINK, NAMES, PathFinder, SELF, type Step } from './path-finder.js';

/** A file that is written and then made executable is one change, not two. */
const QUIET_MS = 20;

/** Stands for every name in a directory. */
const ANY = '';

/** The watched paths. None of them needs to exist. */
export interface WatchedPaths {
  readonly files: readonly string[];
  /** Every name in them counts. */
  readonly directories: readonly string[];
}

/** A watch of the kernel: its directory or link, and the bits of what it reports. */
interface Watched {
  readonly path: string;
  mask: number;
  /** By name in the directory: the interests, and the bits that each needs. */
  readonly names: Map<string, Map<Interest, number>>;
}

/** The paths that are watched under one key. */
interface Interest {
  readonly key: string;
  paths: WatchedPaths;
  /** Names by watch descriptor, with the bits that each needs. */
  names: Names;
  /** Watch descriptors of the directories in which its paths end, by path. */
  ends: Map<string, number>;
}

type Names = Map<number, Map<string, number>>;

/**
 * Reports every change of what paths lead to: a file written or made executable, an entry made,
 * replaced or removed, and any symbolic link or directory on the way. Each directory is watched
 * before anything in it is looked at, so no change is missed. Other names in the directories on the
 * way wake nobody: an entry there is watched by itself.
 */
export class PathWatch {
  readonly #changed: (keys: ReadonlySet<string>, missed: boolean) => void;
  readonly #failed: (code: string) => void;
  readonly #inotify: Inotify;
  readonly #interests = new Map<string, Interest>();
  readonly #watches = new Map<number, Watched>();
  readonly #finder: PathFinder;
  readonly #due = new Set<string>();
  #missed = false;
  #timer: NodeJS.Timeout | undefined;

  /**
   * `changed` is called with the keys whose paths may lead to something else, when these are
   * watched again. `missed`: the kernel has dropped reports, any key may be concerned, or none.
   * `failed`: the kernel has no watch left, some changes will be missed. Throws where it has none
   * at all.
   */
  constructor(changed: (keys: ReadonlySet<string>, missed: boolean) => void, failed: (code: string) => void) {
    this.#changed = changed;
    this.#failed = failed;
    this.#inotify = new Inotify((watch, mask, name) => this.#report(watch, mask, name));
    this.#finder = new PathFinder({
      add: (path, mask) => this.#add(path, mask),
      watchNames: (found) => this.#watchNames(found),
    });
  }

  /**
   * Watches these paths under a key, in the place of those before. From the return on no change is
   * missed.
   */
  watch(key: string, paths: WatchedPaths): void {
    const interest: Interest = this.#interests.get(key) ?? { key, paths, names: new Map(), ends: new Map() };
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

  /** Follows all paths again, whatever the kernel has reported. */
  refresh(): void {
    this.#finder.forget();
    for (const interest of this.#interests.values()) this.#follow(interest);
    this.#finder.forget();
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
    this.#watches.clear();
  }

  #follow(interest: Interest): void {
    const names: Names = new Map();
    const ends = new Map<string, number>();
    const use = (watch: number, name: string, mask: number): void => {
      if (watch < 0) return;
      const known = names.get(watch) ?? new Map<string, number>();
      names.set(watch, known.set(name, (known.get(name) ?? 0) | mask));
    };
    const useWay = (way: readonly Step[], last: Found): void => {
      // A directory that is empty may be removed while a process still has it open: then only the
      // directory above tells.
      const isFirm = this.#finder.isFilled(last);
      for (const { watch, name, own } of way) use(watch, name, isFirm && own >= 0 ? SELF : NAMES);
      for (const { own } of way) if (this.#watches.get(own)?.mask === LINK) use(own, ANY, LINK);
    };
    const useFound = (path: string, found: Found): void => {
      useWay(found.way, found);
      if (!found.whole || found.watch < 0 || ends.has(path)) return;
      this.#add(found.path, END);
      ends.set(path, found.watch);
    };
    for (const path of interest.paths.files) {
      const found = this.#finder.directory(dirname(path));
      const file = found.whole ? this.#finder.file(found, basename(path)) : [];
      useFound(dirname(path), found);
      for (const { directory, name } of file) {
        useWay(directory.way, directory);
        if (directory.whole) use(directory.watch, name, END);
      }
    }
    for (const path of interest.paths.directories) {
      const found = this.#finder.directory(path);
      useFound(path, found);
      if (found.whole) use(found.watch, ANY, END);
    }
    // A directory that is away for a moment stays watched, so that it is known when it comes back.
    for (const [path, watch] of interest.ends) {
      if (ends.has(path)) continue;
      ends.set(path, watch);
      for (const [name, mask] of interest.names.get(watch) ?? []) use(watch, name, mask);
    }
    for (const [watch, each] of names) for (const [name, mask] of each) this.#register(interest, watch, name, mask);
    const before = interest.names;
    interest.names = names;
    interest.ends = ends;
    this.#drop(interest, before);
    for (const watch of names.keys()) this.#narrow(watch);
  }

  /** Before a name is looked for: another interest may have narrowed the watch in this turn. */
  #watchNames({ watch, path }: Found): void {
    const mask = this.#watches.get(watch)?.mask ?? NAMES;
    if ((mask & NAMES) !== NAMES) this.#add(path, NAMES);
  }

  /** -1 where it cannot be watched. */
  #add(path: string, mask: number): number {
    try {
      const watch = this.#inotify.add(path, mask | IN.MASK_ADD);
      const known = this.#watches.get(watch);
      if (known === undefined) this.#watches.set(watch, { path, mask, names: new Map() });
      else this.#watches.set(watch, { path, mask: known.mask | mask, names: known.names });
      return watch;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? '';
      if (code === 'ENOSPC' || code === 'ENOMEM') this.#failed(code);
      return -1;
    }
  }

  /** Has a watch report no more than somebody needs. */
  #narrow(watch: number): void {
    const watched = this.#watches.get(watch);
    if (watched === undefined || watched.mask === LINK) return;
    let needed = SELF;
    for (const interests of watched.names.values())
      for (const mask of interests.values()) {
        needed |= mask;
        if (needed === watched.mask) return;
      }
    try {
      const now = this.#inotify.add(watched.path, needed);
      if (now === watch) watched.mask = needed;
      else this.#widen(now, watched.path);
    } catch {
      // The path is gone, which the kernel reports.
    }
  }

  /** Another directory is at the path by now, and has got the mask of the one before. */
  #widen(watch: number, path: string): void {
    const watched = this.#watches.get(watch);
    if (watched === undefined) {
      this.#inotify.remove(watch);
      return;
    }
    this.#inotify.add(path, watched.mask | IN.MASK_ADD);
    // Changes meanwhile were not reported.
    for (const interests of watched.names.values()) for (const { key } of interests.keys()) this.#reportSoon(key);
  }

  #register(interest: Interest, watch: number, name: string, mask: number): void {
    const names = this.#watches.get(watch)?.names;
    const interests = names?.get(name) ?? new Map<Interest, number>();
    names?.set(name, interests.set(interest, mask));
  }

  /** Removes what was registered for an interest and is not among its names any more. */
  #drop(interest: Interest, before: Names): void {
    const isGone = !this.#interests.has(interest.key);
    for (const [watch, each] of before) {
      const names = this.#watches.get(watch)?.names;
      for (const name of each.keys()) {
        if (!isGone && interest.names.get(watch)?.has(name)) continue;
        const interests = names?.get(name);
        if (interests?.delete(interest) && interests.size === 0) names?.delete(name);
      }
      if (names?.size === 0) this.#remove(watch);
      else this.#narrow(watch);
    }
  }

  #remove(watch: number): void {
    this.#watches.delete(watch);
    this.#inotify.remove(watch);
    // The finder may remember the removed watch.
    this.#finder.forget();
  }

  #report(watch: number, mask: number, name: string): void {
    if (mask & IN.Q_OVERFLOW) {
      // The queue was full, or the container had no memory left for a report.
      this.#missed = true;
      this.#callSoon();
      return;
    }
    const known = this.#watches.get(watch)?.names;
    if (known === undefined) return;
    // Another directory had taken the place of the one that was meant.
    if (known.size === 0) this.#remove(watch);
    const isAbout = name === '' ? [...known.values()] : [known.get(name), known.get(ANY)];
    for (const interests of isAbout) for (const { key } of interests?.keys() ?? []) this.#reportSoon(key);
    if (!(mask & IN.IGNORED)) return;
    this.#watches.delete(watch);
    for (const { names, ends } of this.#interests.values()) {
      names.delete(watch);
      for (const [path, end] of ends) if (end === watch) ends.delete(path);
    }
  }

  #reportSoon(key: string): void {
    this.#due.add(key);
    this.#callSoon();
  }

  #callSoon(): void {
    this.#timer ??= setTimeout(() => this.#reportNow(), QUIET_MS);
  }

  #reportNow(): void {
    this.#timer = undefined;
    const keys = new Set(this.#due);
    const missed = this.#missed;
    this.#due.clear();
    this.#missed = false;
    this.#finder.forget();
    for (const interest of this.#interests.values()) if (missed || keys.has(interest.key)) this.#follow(interest);
    this.#changed(keys, missed);
    this.#finder.forget();
  }

  /** Found entries hold as long as nobody else has had a turn: changes since then are reported. */
  #forgetFoundSoon(): void {
    if (this.#finder.hasFound) setImmediate(() => this.#finder.forget());
  }
}
