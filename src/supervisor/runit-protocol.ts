import { existsSync } from 'node:fs';
import { monotonicMs } from '../process/clock.js';
import { IN, Inotify } from '../process/inotify.js';
import type { Change, ServiceName, ServiceStatus } from '../types/service.js';
import { identityOf } from './directory-listing.js';
import { HeldFiles, type Holder } from './held-files.js';
import { makeSuperviseBelow, makeSuperviseIn } from './make-supervise.js';
import type { ServiceId } from './service-context.js';
import type { ServiceSet } from './service-set.js';
import { isInstance } from './service-template.js';
import { isFull, Locked, type SuperviseBudget, SuperviseDirectory } from './supervise-directory.js';
import { obey } from './sv-commands.js';

/** A transient state of a service is written if it lasts longer than this. */
const PASSING_MS = 20;
/**
 * Files are written for so long in a row before others have their turn: file systems may be slow at
 * it.
 */
const SLICE_MS = 5;
/** A removal of a service directory deletes `control` before the rest: a repair waits this long. */
const REPAIR_MS = 100;
/** The directory cannot be written: its files are elsewhere. */
const NOT_WRITABLE = new Set(['EROFS', 'EACCES', 'EPERM']);

/** The parts that the protocol is given. */
export interface RunitDependencies extends SuperviseBudget {
  readonly holder: Holder;
  /** The descriptors that init holds from earlier controllers. */
  readonly held: ReadonlyMap<string, number>;
  /** The number of this controller. */
  readonly generation: number;
  /** Where the files of services are whose directory cannot be written. */
  root(): string;
  /** Not all files of a service can be written. */
  warn(name: ServiceName, error: Error): void;
  /** `control` or `ok` of a service was gone, and has been made again in this directory. */
  repaired(name: ServiceName, directory: string): void;
}

/**
 * Lets runit's programs see and steer every service: sv(8), and whatever reads or writes the files
 * of runsv(8).
 */
export class RunitProtocol {
  readonly #dependencies: RunitDependencies;
  readonly #files: HeldFiles;
  readonly #directories = new Map<ServiceName, SuperviseDirectory>();
  readonly #passing = new Set<ServiceName>();
  #passingTimer: NodeJS.Timeout | undefined;
  readonly #due = new Set<ServiceName>();
  #set: ServiceSet | undefined;
  #inotify: Inotify | undefined;
  /** Watch descriptors of the supervise directories. */
  readonly #watched = new Map<number, ServiceName>();
  readonly #damaged = new Set<ServiceName>();
  /** The trouble with the files of a service that was last reported. */
  readonly #reported = new Map<ServiceName, string>();
  #repairTimer: NodeJS.Timeout | undefined;

  constructor(dependencies: RunitDependencies) {
    this.#dependencies = dependencies;
    this.#files = new HeldFiles(dependencies.holder, dependencies.held, dependencies.generation);
  }

  /** How many descriptors it has. */
  get used(): number {
    return this.#files.count;
  }

  /**
   * From now on the files show the published status. Files that earlier controllers opened for
   * these services are taken over.
   */
  begin(set: ServiceSet): void {
    this.#set = set;
    try {
      this.#inotify = new Inotify((watch) => this.#noteDamage(watch));
    } catch {
      // None left, EMFILE: damage is noticed at the next change of state, or by rescan.
    }
    for (const { status } of set.services()) this.#show(status);
    this.#files.releaseRest();
    set.subscribe((change) => this.#onChange(change));
  }

  /**
   * Makes the files of a new service, so that `sv` reaches it when the first of those that came
   * with it is started.
   */
  open(status: ServiceStatus): void {
    this.#show(status);
  }

  /** Leaves commands of sv(8) unread, for the next controller, or reads on. */
  pause(paused: boolean): void {
    for (const directory of this.#directories.values()) directory.pause(paused);
  }

  /**
   * Takes the supervise directory of a service before it is started. Returns why it must not be:
   * somebody else supervises it.
   */
  claim({ name, directory }: ServiceId): string | undefined {
    const claimed = this.#directoryOf(name, directory);
    return claimed instanceof Locked
      ? `it is supervised by somebody else, runsv perhaps: ${claimed.message} is locked`
      : undefined;
  }

  /** Something was deleted in a supervise directory; we ourselves only replace. */
  #noteDamage(watch: number): void {
    const name = this.#watched.get(watch);
    if (name === undefined) return;
    this.#damaged.add(name);
    this.#repairTimer ??= setTimeout(() => {
      this.#repairTimer = undefined;
      for (const each of this.#damaged) {
        // Where the whole directory is gone the service will be, too.
        if (existsSync(this.#directories.get(each)?.path ?? '')) this.#repair(each);
      }
      this.#damaged.clear();
    }, REPAIR_MS);
  }

  /** Makes `control` and `ok` again where somebody has deleted or replaced them. */
  #repair(name: ServiceName): void {
    const directory = this.#directories.get(name);
    if (directory === undefined) return;
    try {
      if (directory.isIntact) return;
      directory.repair();
      this.#dependencies.repaired(name, directory.path);
    } catch {
      this.#close(name);
      const status = this.#set?.get(name);
      if (status !== undefined) this.#writeAnew(status);
    }
  }

  #onChange({ status, removed }: Change): void {
    const { name } = status;
    if (removed) {
      this.#close(name);
      this.#reported.delete(name);
    } else if (isPassing(status)) this.#showLater(name);
    else this.#showSoon(name);
  }

  #showLater(name: ServiceName): void {
    this.#passing.add(name);
    this.#passingTimer ??= setTimeout(() => {
      this.#passingTimer = undefined;
      for (const each of this.#passing) this.#showSoon(each);
      this.#passing.clear();
    }, PASSING_MS);
  }

  /** At the end of this turn or, when hundreds of services have news in it, a little later. */
  #showSoon(name: ServiceName): void {
    if (this.#due.size === 0) process.nextTick(() => this.#showDue());
    this.#due.add(name);
  }

  #showDue(): void {
    const untilMs = monotonicMs() + SLICE_MS;
    for (const name of this.#due) {
      if (monotonicMs() > untilMs) {
        setImmediate(() => this.#showDue());
        return;
      }
      const status = this.#set?.get(name);
      if (status !== undefined) this.#show(status);
      this.#due.delete(name);
    }
  }

  #show(status: ServiceStatus): void {
    const { name, state, releasing } = status;
    const isReleased = releasing && state === 'down';
    if (isReleased && !this.#directories.has(name)) return;
    try {
      this.#write(status);
    } catch (error) {
      // On a full disk the files that are there stay in use.
      if (!isFull(error)) this.#close(name);
      // Where somebody has removed the directory it is made once more.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') this.#writeAnew(status);
      else this.#warn(name, error as Error);
    }
    if (isReleased) this.#close(name);
  }

  #writeAnew(status: ServiceStatus): void {
    try {
      this.#write(status);
    } catch (error) {
      this.#close(status.name);
      this.#warn(status.name, error as Error);
    }
  }

  /** Once, until the trouble is over or is another. */
  #warn(name: ServiceName, error: Error): void {
    if (this.#reported.get(name) === error.message) return;
    this.#reported.set(name, error.message);
    this.#dependencies.warn(name, error);
  }

  #write(status: ServiceStatus): void {
    const directory = this.#directoryOf(status.name, status.directory);
    if (!(directory instanceof SuperviseDirectory)) return;
    directory.write(status, this.#dependencies);
    this.#reported.delete(status.name);
    this.#repair(status.name);
  }

  #watch(name: ServiceName, path: string): void {
    try {
      const watch = this.#inotify?.add(path, IN.DELETE | IN.ONLYDIR);
      if (watch !== undefined) this.#watched.set(watch, name);
    } catch {
      // No watches left: as without inotify.
    }
  }

  #close(name: ServiceName): void {
    for (const [watch, each] of this.#watched)
      if (each === name) {
        this.#inotify?.remove(watch);
        this.#watched.delete(watch);
      }
    this.#directories.get(name)?.close();
    this.#directories.delete(name);
  }

  /** undefined where it can be made nowhere. */
  #directoryOf(name: ServiceName, serviceDirectory: string): SuperviseDirectory | Locked | undefined {
    const known = this.#directories.get(name);
    if (known !== undefined) return known;
    try {
      const made = this.#make(name, serviceDirectory);
      this.#directories.set(name, made);
      this.#watch(name, made.path);
      return made;
    } catch (error) {
      if (error instanceof Locked) return error;
      // Where the service is gone, nobody looks for it.
      if (identityOf(serviceDirectory) !== undefined) this.#warn(name, error as Error);
      return undefined;
    }
  }

  #make(name: ServiceName, serviceDirectory: string): SuperviseDirectory {
    const root = this.#dependencies.root();
    // The directory of a template is that of all its instances.
    if (isInstance(name, serviceDirectory)) return this.#open(name, makeSuperviseBelow(root, name, serviceDirectory));
    try {
      return this.#open(name, makeSuperviseIn(serviceDirectory));
    } catch (error) {
      if (!NOT_WRITABLE.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
      return this.#open(name, makeSuperviseBelow(root, name, serviceDirectory));
    }
  }

  #open(name: ServiceName, path: string): SuperviseDirectory {
    return new SuperviseDirectory(path, this.#files, this.#dependencies, async (command) => {
      const set = this.#set;
      const service = set?.service(name);
      if (set !== undefined && service !== undefined) await obey(set, service, command);
    });
  }
}

/**
 * True in the short gaps between two states that runit can express: a run has ended and nothing
 * follows yet, or a start has no process yet.
 */
const isPassing = ({ state, pid, finishPid }: ServiceStatus): boolean =>
  pid === 0 && finishPid === 0 && (state === 'starting' || state === 'stopping' || state === 'finishing');
