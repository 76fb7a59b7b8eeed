import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Cause, ServiceName } from '../types/service.js';
import type { RescanResult } from '../types/system.js';
import { problemOfRun } from './definition/read-directory.js';
import { isSameDirectory, type ListedService, type Listing } from './directory-listing.js';
import { FILLING_MS, FillingDirectories } from './filling-directories.js';
import { PathWatch, type WatchedPaths } from './path-watch.js';
import type { Service } from './service.js';
import { loggedBy, watchedPathsOf } from './service-directory.js';
import type { ServiceSet } from './service-set.js';

/** Where the kernel has no inotify watches left, look every so often. */
const POLL_MS = 5_000;
const SCAN: Cause = { kind: 'scan' };
const GONE: Cause = { kind: 'scan', message: 'its definition is gone' };
/** Keys of paths that belong to no single service; no service has such a name. */
const DIRECTORY = '/';
const FILES = '/files';

/** Where services come from. */
export interface ServiceSource {
  /** The services that there should be. Throws where the services directory cannot be read. */
  list(): Listing;
  /** Files in which services are defined. */
  readonly files: WatchedPaths;
  /** Loads what reads a definition: the first `service.yaml` needs more than `run`. */
  load(): Promise<void>;
  /** Reads these files again. */
  prepare(): Promise<void>;
}

/** Keeps the set of services in step with the services directory: at once, by inotify. */
export class DirectoryWatch {
  readonly #directory: string;
  readonly #set: ServiceSet;
  readonly #warn: (text: string) => void;
  readonly #source: ServiceSource;
  /** Warnings of the last scan, so that each is given once. */
  #warned = new Set<string>();
  #listed = 0;
  #scanned = false;
  /** A service is to be added when another one is gone. */
  #postponed = false;
  #paths: PathWatch | undefined;
  /** The directory of each service that is watched, and its further files. */
  readonly #watched = new Map<ServiceName, string>();
  /** Watch descriptors of the directories that the services were added from. */
  readonly #addedFrom = new Map<ServiceName, number>();
  readonly #filling = new FillingDirectories(() => this.scan());
  #pollTimer: NodeJS.Timeout | undefined;
  #watching = false;
  #unsubscribe = (): void => {};

  constructor(directory: string, set: ServiceSet, source: ServiceSource, warn: (text: string) => void) {
    this.#directory = directory;
    this.#source = source;
    this.#set = set;
    this.#warn = warn;
  }

  /** How many services there are in the directory, started or still to be. */
  get listed(): number {
    return this.#listed;
  }

  /**
   * Compares the directory with the set: new services are started, those that are gone are stopped
   * and forgotten.
   */
  scan(cause: Cause = SCAN, patienceMs = FILLING_MS): RescanResult {
    const listing = this.#list();
    if (listing === undefined) return { added: [], removed: [], skipped: [] };
    const { found, skipped } = listing;
    this.#listed = found.size;
    this.#scanned = true;
    this.#postponed = false;
    // An order for fewer replicas is the cause of their end.
    const removed = this.#remove(found, cause.kind === 'api' ? cause : GONE);
    // A directory that got another name is not run twice at once: the service of the old name has
    // to be gone first.
    const leaving = removed.flatMap((name) => this.#set.service(name)?.identity ?? []);
    const added: string[] = [];
    for (const [name, service] of found) {
      if (this.#isReplaced(name, service)) {
        this.#postponed = true;
        this.#set.remove(name, GONE);
      } else if (this.#set.get(name) === undefined && leaving.some((each) => isSameDirectory(each, service.identity))) {
        this.#postponed = true;
      } else if (!this.#isBeingFilled(name, service, patienceMs) && this.#add(name, service, cause)) added.push(name);
    }
    this.#unwatchOthers(found);
    if (this.#watching) this.#filling.schedule();
    return { added, removed, skipped };
  }

  /** Looks at everything again, whatever the kernel has reported. */
  async rescan(): Promise<RescanResult> {
    this.#paths?.refresh();
    await this.#source.prepare();
    const result = this.scan(SCAN, 0);
    this.#refresh(() => true, isTriedAgain);
    this.#set.openAll();
    return result;
  }

  /** From now on every change is noticed. */
  start(): void {
    this.#watching = true;
    this.#unsubscribe = this.#set.subscribe(({ removed, status }) => {
      if (!removed) return;
      this.#addedFrom.delete(status.name);
      setImmediate(() => this.#removed());
    });
    this.#openPaths();
    void this.#catchUp();
  }

  /** A service is gone: others may have waited for its name, its directory or its log file. */
  #removed(): void {
    if (!this.#watching) return;
    if (this.#postponed) this.scan();
    this.#recheck();
  }

  /**
   * Looks for changes between the first scan, or the last one of an earlier controller, and now.
   */
  async #catchUp(): Promise<void> {
    const isResumed = !this.#scanned;
    await this.#source.prepare();
    if (!this.#watching) return;
    this.scan();
    this.#recheck();
    // Services whose definitions were in files that could not be read before.
    if (isResumed)
      this.#refresh(
        ({ directory }) => !this.#isOurs(directory),
        () => false,
      );
  }

  stop(): void {
    this.#watching = false;
    this.#unsubscribe();
    this.#paths?.close();
    this.#paths = undefined;
    this.#filling.stop();
    clearInterval(this.#pollTimer);
  }

  #openPaths(): void {
    try {
      this.#paths = new PathWatch(
        (keys, missed) => void this.#changed(keys, missed),
        (code) => this.#poll(code),
      );
      this.#paths.watch(DIRECTORY, { files: [], directories: [this.#directory] });
      this.#paths.watch(FILES, this.#source.files);
    } catch (error) {
      this.#poll((error as NodeJS.ErrnoException).code ?? '');
    }
  }

  async #changed(keys: ReadonlySet<string>, missed: boolean): Promise<void> {
    this.#filling.noteChanges((name) => missed || keys.has(name));
    await (missed || keys.has(FILES) ? this.#source.prepare() : this.#source.load());
    if (!this.#watching) return;
    this.scan();
    const isReported = ({ name }: Service): boolean => keys.has(FILES) || keys.has(name);
    this.#refresh(
      (service) => missed || isReported(service),
      (service) => isReported(service) || isTriedAgain(service),
    );
  }

  /**
   * `isEvident`: something has changed, even if the definition is the same. The content of `run` is
   * no part of the definition.
   */
  #refresh(isConcerned: (service: Service) => boolean, isEvident: (service: Service) => boolean): void {
    for (const service of this.#set.services())
      if (isConcerned(service) && !service.machine.removed) service.refresh(isEvident(service));
  }

  /** A service is watched before it is looked at. */
  #list(): Listing | undefined {
    let listing = this.#read();
    if (this.#paths === undefined || listing === undefined) return listing;
    let isComplete = true;
    for (const [name, { directory }] of listing.found) {
      if (this.#watch(name, directory)) isComplete = false;
    }
    if (!isComplete) listing = this.#read();
    this.#warnOnce(
      listing?.skipped.map(({ name, reason }) => `${join(this.#directory, name)} is left out: ${reason}`) ?? [],
    );
    return listing;
  }

  /** Watches the files of a service. Returns false where these are watched already. */
  #watch(name: ServiceName, directory: string): boolean {
    const environment = this.#set.service(name)?.definition.environment.files ?? [];
    const watched = [directory, ...environment.map(({ path }) => path)].join('\n');
    if (this.#paths === undefined || this.#watched.get(name) === watched) return false;
    this.#watched.set(name, watched);
    const { files, directories } = watchedPathsOf(name, directory);
    this.#paths.watch(name, { files: [...files, ...environment.map(({ path }) => path)], directories });
    return true;
  }

  #read(): Listing | undefined {
    try {
      return this.#source.list();
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

  #remove(found: Listing['found'], cause: Cause): readonly ServiceName[] {
    const removed = this.#set
      .list()
      .map(({ name }) => name)
      .filter((name) => !found.has(name));
    for (const name of removed) {
      // A logger goes when nobody writes to it any more.
      const service = loggedBy(name);
      if (service !== undefined && this.#set.get(service) !== undefined) this.#postponed = true;
      else this.#set.remove(name, cause);
    }
    return removed;
  }

  /** Another directory has taken the name of one that a service was added from. */
  #isReplaced(name: ServiceName, { directory, identity }: ListedService): boolean {
    const service = this.#set.service(name);
    if (service === undefined) return false;
    const before = this.#addedFrom.get(name);
    const now = this.#paths?.directoryAt(name, directory);
    if (before !== undefined && now !== undefined) return before !== now;
    return !isSameDirectory(identity, service.identity);
  }

  /** A directory is made first and filled then, mostly within milliseconds. */
  #isBeingFilled(name: ServiceName, { directory }: ListedService, patienceMs: number): boolean {
    const isNew = this.#paths !== undefined && this.#set.get(name) === undefined;
    if (!isNew || !this.#isOurs(directory) || isUsable(name, directory)) {
      this.#filling.forget(name);
      return false;
    }
    return this.#filling.hasTime(name, patienceMs);
  }

  /** A service that is defined in a file for many has an empty directory, elsewhere. */
  #isOurs(directory: string): boolean {
    return directory.startsWith(`${this.#directory}/`);
  }

  #add(name: ServiceName, { directory, identity }: ListedService, cause: Cause): boolean {
    const isNew = this.#set.add(name, directory, cause);
    this.#filling.forget(name);
    this.#set.service(name)?.isIn(identity);
    const watch = this.#paths?.directoryAt(name, directory);
    if (watch !== undefined) this.#addedFrom.set(name, watch);
    this.#watch(name, directory);
    return isNew;
  }

  #unwatchOthers(found: Listing['found']): void {
    for (const name of this.#watched.keys())
      if (!found.has(name) && this.#set.get(name) === undefined) {
        this.#paths?.unwatch(name);
        this.#watched.delete(name);
        this.#filling.forget(name);
      }
  }

  #recheck(): void {
    for (const service of this.#set.services()) service.recheck();
  }

  #poll(code: string): void {
    if (this.#pollTimer || !this.#watching) return;
    this.#warn(
      `changes of ${this.#directory} cannot be watched (${code}: raise fs.inotify.max_user_watches and max_user_instances); looking every ${POLL_MS / 1000} s`,
    );
    this.#pollTimer = setInterval(() => {
      this.scan();
      this.#recheck();
    }, POLL_MS);
  }
}

/** Failed, and tried every so often. One that is given up waits for an order or a change. */
const isTriedAgain = ({ machine }: Service): boolean => machine.state === 'failed' && machine.timerAtMs !== undefined;

const isUsable = (name: ServiceName, directory: string): boolean =>
  problemOfRun(name, directory) === undefined || existsSync(join(directory, 'service.yaml'));
