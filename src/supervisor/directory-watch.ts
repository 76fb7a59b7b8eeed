import { type FSWatcher, watch } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Cause, ServiceName } from '../types/service.js';
import type { RescanResult } from '../types/system.js';
import { identityOf, type Listing, listServices } from './directory-listing.js';
import { loggedBy } from './service-directory.js';
import type { ServiceSet } from './service-set.js';

/** Several changes in a row (a file written, then made executable) are looked at once. */
const QUIET_MS = 20;
/** Where the kernel does not tell of changes (no inotify watches left), look every so often. */
const POLL_MS = 5_000;
/** What a service is made of. Anything else in its directory is its own affair: it may well write there at each start. */
const PARTS = new Set(['run', 'finish', 'down', 'check', 'conf', 'env', 'service.yaml']);

interface Watched {
  readonly watcher: FSWatcher;
  readonly path: string;
  readonly identity: string;
}

/** Keeps the set of services in step with the service directory: at once, by inotify. */
export class DirectoryWatch {
  readonly #directory: string;
  readonly #set: ServiceSet;
  readonly #listing: () => Listing;
  readonly #warn: (text: string) => void;
  /** What was warned of, so that it is said once. */
  #warned = new Set<string>();
  #listed = 0;
  /** A service is to be added when another one has gone. */
  #postponed = false;
  #top: Watched | undefined;
  readonly #services = new Map<ServiceName, Watched>();
  #scanTimer: NodeJS.Timeout | undefined;
  #pollTimer: NodeJS.Timeout | undefined;
  readonly #refreshTimers = new Map<ServiceName, NodeJS.Timeout>();
  #watching = false;
  #unsubscribe = (): void => {};

  /** `list`: the services that there should be. */
  constructor(
    directory: string,
    set: ServiceSet,
    warn: (text: string) => void,
    list: () => Listing = () => listServices(directory),
  ) {
    this.#directory = directory;
    this.#listing = list;
    this.#set = set;
    this.#warn = warn;
  }

  /** How many services there are in the directory, started or still to be. */
  get listed(): number {
    return this.#listed;
  }

  /** Compares the directory with the set: new services are started, those that are gone are stopped and forgotten. */
  scan(cause: Cause = { kind: 'scan' }): RescanResult {
    const listing = this.#list();
    if (listing === undefined) return { added: [], removed: [], skipped: [] };
    const { found, skipped } = listing;
    this.#listed = found.size;
    const removed = this.#set
      .list()
      .map(({ name }) => name)
      .filter((name) => !found.has(name));
    this.#postponed = false;
    for (const name of removed) {
      // A logger goes when nobody writes to it any more.
      const service = loggedBy(name);
      if (service !== undefined && this.#set.get(service) !== undefined) this.#postponed = true;
      else this.#set.remove(name);
    }
    // A directory that got another name is not run twice at once: the service of the old name has to be gone first.
    const leaving = new Set(removed.map((name) => this.#set.service(name)?.identity));
    const added: string[] = [];
    for (const [name, { directory, identity }] of found) {
      if (leaving.has(identity) && this.#set.get(name) === undefined) this.#postponed = true;
      else {
        if (this.#set.add(name, directory, cause)) added.push(name);
        this.#set.service(name)?.isIn(identity);
      }
    }
    if (this.#watching) this.#watchServices();
    return { added, removed, skipped };
  }

  /** From now on every change is noticed. */
  start(): void {
    this.#watching = true;
    this.#unsubscribe = this.#set.subscribe(({ removed }) => {
      if (removed && this.#postponed) this.#scanSoon();
    });
    this.#watchTop();
    // What happened between the first scan and now.
    this.scan();
    this.#recheck();
  }

  stop(): void {
    this.#watching = false;
    this.#unsubscribe();
    this.#top?.watcher.close();
    this.#top = undefined;
    for (const { watcher } of this.#services.values()) watcher.close();
    this.#services.clear();
    for (const timer of this.#refreshTimers.values()) clearTimeout(timer);
    clearTimeout(this.#scanTimer);
    clearInterval(this.#pollTimer);
  }

  #list(): Listing | undefined {
    try {
      const listing = this.#listing();
      this.#warnOnce(
        listing.skipped.map(({ name, reason }) => `${join(this.#directory, name)} is left out: ${reason}`),
      );
      return listing;
    } catch (error) {
      // An unmounted directory is no order to stop everything.
      const { code } = error as NodeJS.ErrnoException;
      this.#warnOnce([`${this.#directory} cannot be read (${code}); services stay as they are`]);
      return undefined;
    }
  }

  #warnOnce(texts: readonly string[]): void {
    for (const text of texts) if (!this.#warned.has(text)) this.#warn(text);
    this.#warned = new Set(texts);
  }

  /** Watches the service directory or, while there is none, the nearest one above it that exists. */
  #watchTop(): void {
    for (;;) {
      const path = this.#nearestDirectory();
      const identity = identityOf(path) ?? '';
      if (this.#top?.path === path && this.#top.identity === identity) return;
      this.#top?.watcher.close();
      this.#top = this.#watchDirectory(path, identity, () => this.#scanSoon());
      if (this.#top === undefined) return;
      // Looks again: it may have been made before it was watched for.
    }
  }

  #nearestDirectory(): string {
    let path = this.#directory;
    while (identityOf(path) === undefined && path !== dirname(path)) path = dirname(path);
    return path;
  }

  #watchServices(): void {
    for (const { name, directory } of this.#set.list()) {
      const identity = identityOf(directory);
      const before = this.#services.get(name);
      if (identity === undefined || before?.identity === identity) continue;
      before?.watcher.close();
      const watched = this.#watchDirectory(directory, identity, (file) => {
        if (PARTS.has(file)) this.#refreshSoon(name);
      });
      if (watched) this.#services.set(name, watched);
      // Another directory has taken its name.
      if (before) this.#refreshSoon(name);
    }
    for (const [name, { watcher }] of this.#services)
      if (this.#set.get(name) === undefined) {
        watcher.close();
        this.#services.delete(name);
      }
  }

  #watchDirectory(path: string, identity: string, changed: (file: string) => void): Watched | undefined {
    try {
      const watcher = watch(path, (_event, file) => changed(file ?? ''));
      watcher.on('error', () => watcher.close());
      return { watcher, path, identity };
    } catch {
      this.#poll();
      return undefined;
    }
  }

  #scanSoon(): void {
    this.#scanTimer ??= setTimeout(() => {
      this.#scanTimer = undefined;
      this.#watchTop();
      this.scan();
    }, QUIET_MS);
  }

  #refreshSoon(name: ServiceName): void {
    if (this.#refreshTimers.has(name)) return;
    const timer = setTimeout(() => {
      this.#refreshTimers.delete(name);
      const service = this.#set.service(name);
      if (service && identityOf(service.directory) !== undefined) service.refresh();
    }, QUIET_MS);
    this.#refreshTimers.set(name, timer);
  }

  #recheck(): void {
    for (const { name } of this.#set.list()) this.#set.service(name)?.recheck();
  }

  #poll(): void {
    if (this.#pollTimer || !this.#watching) return;
    this.#warn(`changes of ${this.#directory} cannot be watched (inotify limit?); looking every ${POLL_MS / 1000} s`);
    this.#pollTimer = setInterval(() => {
      this.#watchTop();
      this.scan();
      this.#recheck();
    }, POLL_MS);
  }
}
