import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { native } from '../process/native.js';
import type { ServiceStatus } from '../types/service.js';
import { ControlFifo, openFifo } from './control-fifo.js';
import type { HeldFile, HeldFiles } from './held-files.js';
import { link } from './make-supervise.js';
import {
  decodeStatus,
  describeStatus,
  encodeStatus,
  isSame,
  type StatusRecord,
  statusRecord,
} from './status-record.js';

const PRIVATE = 0o600;
const READABLE = 0o644;

/** Somebody else supervises the service. */
export class Locked extends Error {}

/** The descriptors that are left for `supervise/`. */
export interface SuperviseBudget {
  mayLock(): boolean;
  mayControl(): boolean;
}

/**
 * The files by which runit's programs see and steer one service, runsv(8): `lock`, held for as long
 * as we have it; `status`, `stat` and `pid`, each replaced as a whole; and the FIFO `control`.
 * `ok`, which tells that somebody reads `control`, is a link to it: both need only one
 * descriptor.
 */
export class SuperviseDirectory {
  readonly path: string;
  readonly #files: HeldFiles;
  readonly #obey: (command: string) => Promise<void>;
  #lock: HeldFile | undefined;
  #control: HeldFile | undefined;
  #fifo: ControlFifo | undefined;
  #written: StatusRecord | undefined;

  /**
   * Claims the directory, or resumes the claim of an earlier controller. Throws {@link Locked}
   * where somebody else has it.
   */
  constructor(path: string, files: HeldFiles, budget: SuperviseBudget, obey: (command: string) => Promise<void>) {
    this.path = path;
    this.#files = files;
    this.#obey = obey;
    this.#lock = files.inherited(this.#path('lock')) ?? this.#acquireLock(budget);
    this.#control = files.inherited(this.#path('control'));
    if (this.#control === undefined) return;
    this.#written = this.#read();
    this.#listen(this.#control);
  }

  /**
   * Writes what has changed. The control FIFO is read from the first write on, so that no command
   * precedes it.
   */
  write(status: ServiceStatus, budget: SuperviseBudget): void {
    const before = this.#written;
    const record = statusRecord(status, before, Date.now());
    if (!isSame(record, before)) {
      this.#replace('status', encodeStatus(record));
      const text = describeStatus(record);
      if (before === undefined || describeStatus(before) !== text) this.#replace('stat', Buffer.from(text));
      if (before?.pid !== record.pid) this.#replace('pid', Buffer.from(record.pid === 0 ? '' : `${record.pid}\n`));
      this.#written = record;
    }
    if (this.#control === undefined && budget.mayControl()) this.#open();
  }

  /** Leaves commands of sv(8) unread, or reads on. */
  pause(paused: boolean): void {
    this.#fifo?.pause(paused);
  }

  /**
   * Whether sv(8) still finds `control` and `ok` as they were made. Somebody may have deleted or
   * replaced them.
   */
  get isIntact(): boolean {
    if (this.#control === undefined) return true;
    const ours = fstatSync(this.#control.fd);
    const found = lstatSync(this.#path('control'), { throwIfNoEntry: false });
    return found?.dev === ours.dev && found.ino === ours.ino && isLinkTo(this.#path('ok'), 'control');
  }

  /** Makes `control` and `ok` again, in the place of whatever has their names. */
  repair(): void {
    if (this.#control === undefined) return;
    this.#stopListening();
    for (const name of ['control', 'ok']) rmSync(this.#path(name), { recursive: true, force: true });
    this.#open();
  }

  /** Lets go of it: a client sees that nobody supervises the service. */
  close(): void {
    this.#stopListening();
    if (this.#lock) {
      // init has it, too, for a moment: closing it would not be enough.
      native().lock(this.#lock.fd, false);
      this.#files.release(this.#lock);
      closeSync(this.#lock.fd);
    }
    this.#lock = undefined;
  }

  #stopListening(): void {
    if (this.#control) this.#files.release(this.#control);
    this.#fifo?.close();
    this.#control = undefined;
    this.#fifo = undefined;
  }

  /** Undefined when no descriptor is left for it. */
  #acquireLock(budget: SuperviseBudget): HeldFile | undefined {
    const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK } = constants;
    const fd = openSync(this.#path('lock'), O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, PRIVATE);
    const ours = native().lock(fd, true);
    if (ours && budget.mayLock()) return this.#files.hold(fd);
    closeSync(fd);
    if (!ours) throw new Locked(this.#path('lock'));
    return undefined;
  }

  #open(): void {
    if (lstatSync(this.#path('control'), { throwIfNoEntry: false })?.isFIFO() === false)
      rmSync(this.#path('control'), { recursive: true });
    const control = this.#files.hold(openFifo(this.#path('control')));
    this.#control = control;
    this.#listen(control);
    const ok = this.#path('ok');
    link('control', ok);
    if (!isLinkTo(ok, 'control')) {
      // A FIFO of its own, as runsv(8) made it.
      rmSync(ok, { recursive: true, force: true });
      link('control', ok);
    }
  }

  #listen({ fd }: HeldFile): void {
    this.#fifo = new ControlFifo(fd, this.#obey);
  }

  #read(): StatusRecord | undefined {
    try {
      return decodeStatus(readFileSync(this.#path('status')));
    } catch {
      return undefined;
    }
  }

  #replace(name: string, content: Buffer): void {
    const path = this.#path(name);
    const fresh = `${path}.new`;
    try {
      write(openSync(fresh, 'w', READABLE), content);
      renameSync(fresh, path);
    } catch (error) {
      if (!isFull(error) || lstatSync(path, { throwIfNoEntry: false }) === undefined) throw error;
      // The file has its block: these few bytes fit even when the disk has no room for another
      // file.
      rmSync(fresh, { force: true });
      write(openSync(path, 'r+'), content);
    }
  }

  #path(name: string): string {
    return join(this.path, name);
  }
}

/** Makes this the whole content of a file, and closes it. */
function write(fd: number, content: Buffer): void {
  try {
    writeSync(fd, content, 0, content.length, 0);
    ftruncateSync(fd, content.length);
  } finally {
    closeSync(fd);
  }
}

/** Whether a file could not be written for lack of room on its disk. */
export const isFull = (error: unknown): boolean =>
  ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');

function isLinkTo(path: string, target: string): boolean {
  try {
    return readlinkSync(path) === target;
  } catch {
    return false;
  }
}
