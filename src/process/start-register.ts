import { readSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { fieldsOf, numberOf, textOf } from '../state/fields.js';
import type { RecordEntry, RecordKind } from '../state/records.js';

/** `RECORD_BYTES` of src/launch/launch.c. */
const RECORD_BYTES = 32;
/**
 * Each start has a record of its own until as many others came after it: far more than are ever
 * between fork and exec.
 */
const RECORDS = 4_096;

/** Why `launch` could not become the program; docs/design/launch.md. */
export interface LaunchFailure {
  readonly stage: string;
  /** `ENOENT` … */
  readonly code: string;
}

/** The latest start, and where `launch` reports that it runs. */
export interface LastStart {
  readonly purpose: string;
  readonly offset: number;
}

export const LAST_START: RecordKind<LastStart> = {
  key: 'last-start',
  decode: (value) => {
    const { purpose, offset } = fieldsOf(value);
    const [text, at] = [textOf(purpose), numberOf(offset)];
    return text === undefined || at === undefined ? undefined : { purpose: text, offset: at };
  },
};

/**
 * Where `launch` says its pid before it does anything else: a controller that dies between the fork
 * and the moment in which the pid is on record leaves no process that nobody knows. A start is
 * announced with its purpose before it is made, and they are made one after the other.
 */
export class StartRegister {
  readonly #last: RecordEntry<LastStart>;
  #previous: LastStart | undefined;
  #next: number;

  constructor(
    readonly fd: number,
    last: RecordEntry<LastStart>,
  ) {
    this.#last = last;
    this.#previous = last.saved;
    this.#next = last.saved === undefined ? 0 : last.saved.offset / RECORD_BYTES + 1;
  }

  /** Announces a start. Returns the offset of its record. */
  begin(purpose: string): number {
    const offset = (this.#next % RECORDS) * RECORD_BYTES;
    this.#next += 1;
    writeSync(this.fd, Buffer.alloc(RECORD_BYTES), 0, RECORD_BYTES, offset);
    this.#last.put({ purpose, offset });
    return offset;
  }

  /**
   * The pid of the last start of the earlier controller, if it had this purpose and came about;
   * else 0. The process may have ended. A process that found its controller dead before it did
   * anything does not count.
   */
  startedButUnrecorded(purpose: string): number {
    if (this.#previous?.purpose !== purpose) return 0;
    const [pid, stage] = this.#read(this.#previous.offset);
    return stage === 'parent' ? 0 : Number(pid);
  }

  /** The last start of the controller before, where it came about. */
  get latest(): { readonly purpose: string; readonly pid: number } | undefined {
    if (this.#previous === undefined) return undefined;
    const { purpose } = this.#previous;
    return { purpose, pid: this.startedButUnrecorded(purpose) };
  }

  /** Call when the previous controller's last start is dealt with. */
  forgetPrevious(): void {
    this.#previous = undefined;
  }

  /** Why this process could not become its program; undefined when it did. */
  failureOf(pid: number, offset: number): LaunchFailure | undefined {
    const [owner, stage, errno] = this.#read(offset);
    return Number(owner) === pid && stage !== undefined ? { stage, code: errnoName(Number(errno)) } : undefined;
  }

  #read(offset: number): readonly string[] {
    const record = Buffer.alloc(RECORD_BYTES);
    readSync(this.fd, record, 0, RECORD_BYTES, offset);
    return record.toString('latin1').split('\0', 1)[0]?.split(' ') ?? [];
  }
}

const ERRNO_NAMES = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]));

export const errnoName = (errno: number): string => ERRNO_NAMES.get(errno) ?? `errno ${errno}`;
