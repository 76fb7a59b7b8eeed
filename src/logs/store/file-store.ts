import { closeSync, fstatSync, mkdirSync, openSync, readSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { fieldsOf, numberOf } from '../../state/fields.js';
import type { HeldRange, LogStore } from '../../types/logs.js';
import { NEWLINE, type Stream } from './cri.js';
import { advanced, baseOfRest, countRecords, endOfFile, type RecordCounts, shorten } from './file-records.js';
import { BEGINNING, MIN_SEGMENT_BYTES, type StreamPosition } from './store.js';

/** How much the files of a source hold. */
export interface FileLimits {
  /** A file that has this many bytes is rotated. */
  readonly bytes: number;
  /** The largest number of files, including the one being written. */
  readonly files: number;
}

/**
 * The number of files that are read: their record has to fit into a slot. Older files are left to
 * the shipper.
 */
const READ_FILES = 16;

/** The records in one of our files. */
interface Segment {
  readonly base: StreamPosition;
  end: StreamPosition;
}

type PositionRecord = readonly [offset: number, record: number, stderrOffset: number, stderrRecord: number];

/** The part of a {@link FileStore} that survives a controller. */
export interface FileStoreRecord {
  /** The file being written. Another inode number at its path: a rotation is not on record yet. */
  readonly inode: number;
  /** The position at which each file begins; the one being written comes last. */
  readonly bases: readonly PositionRecord[];
}

export function readFileStoreRecord(value: unknown): FileStoreRecord | undefined {
  const { inode, bases } = fieldsOf(value);
  const number = numberOf(inode);
  if (number === undefined || !Array.isArray(bases)) return undefined;
  return { inode: number, bases: bases.filter(isPositionRecord) };
}

const isPositionRecord = (value: unknown): value is PositionRecord =>
  Array.isArray(value) && value.length === 4 && value.every((number) => numberOf(number) !== undefined);

/** The files that an earlier controller left. */
export interface LeftFiles extends FileStoreRecord {
  /**
   * The position that the earlier controller reported last through {@link
   * FileStoreEvents.appended}.
   */
  readonly end: StreamPosition;
}

/** Called when something happens to the files. */
export interface FileStoreEvents {
  appended(end: StreamPosition): void;
  rotated(record: FileStoreRecord): void;
}

/**
 * `NAME.log` and, rotated, `NAME.log.1`, `NAME.log.2` …: files in CRI format, for any shipper that
 * knows it. Files of an earlier boot are rotated away and left to the shipper.
 */
export class FileStore implements LogStore {
  readonly #path: string;
  readonly #limits: FileLimits;
  readonly #on: FileStoreEvents;
  #fd: number;
  /** The file that is written comes last. */
  #segments: Segment[];
  /** The rotated file that was read last. */
  #old: { readonly age: number; readonly fd: number } | undefined;
  #refusal: string | undefined;
  #closed = false;

  /**
   * `begin`: where the log goes on when nothing is known of files. @throws Error with `code`: the
   * directory cannot be used
   */
  constructor(path: string, limits: FileLimits, left: LeftFiles | undefined, on: FileStoreEvents, begin = BEGINNING) {
    this.#path = path;
    this.#limits = { ...limits, bytes: Math.max(limits.bytes, MIN_SEGMENT_BYTES) };
    this.#on = on;
    makeDirectory(dirname(path));
    if (left === undefined && sizeOf(this.#path) > 0) this.#shift();
    this.#fd = openSync(this.#path, 'a+', 0o640);
    this.#segments = left === undefined ? [{ base: begin, end: begin }] : this.#restore(left);
    this.#tell();
  }

  get reachBytes(): number {
    return this.#limits.bytes * Math.max(1, Math.min(this.#limits.files, READ_FILES) - 1);
  }

  /** A directory has room for all: nothing is kept apart. */
  readonly kept: readonly HeldRange[] = [];

  get oldest(): StreamPosition {
    return this.#segments[0]?.base ?? BEGINNING;
  }

  get newest(): StreamPosition {
    return this.#segments.at(-1)?.end ?? BEGINNING;
  }

  /** Why the disk did not store the latest append: a code of errno(3). */
  get refusal(): string | undefined {
    return this.#refusal;
  }

  /**
   * Appends whole records of one stream. Returns how many bytes of them the disk has stored, whole
   * records too.
   */
  append(buffer: Buffer, length: number, records: number, stream: Stream = 'stdout'): number {
    const isStderr = stream === 'stderr';
    const stderr = { stderrBytes: isStderr ? length : 0, stderrRecords: isStderr ? records : 0 };
    return this.#append(buffer, length, { records, ...stderr });
  }

  /** Appends whole records of both streams, as {@link append} does. */
  appendBoth(buffer: Buffer, length: number): number {
    return this.#append(buffer, length, countRecords(buffer, length));
  }

  read(offset: number, into: Buffer): number {
    const index = this.#closed ? -1 : this.#segments.findIndex(({ end }) => offset < end.offset);
    const segment = this.#segments[index];
    if (segment === undefined) return 0;
    const age = this.#segments.length - 1 - index;
    const start = offset - segment.base.offset;
    try {
      const length = readSync(
        this.#descriptor(age),
        into,
        0,
        Math.min(into.length, segment.end.offset - offset),
        start,
      );
      return into.subarray(0, length).lastIndexOf(NEWLINE) + 1;
    } catch {
      // Somebody has removed a rotated file: the store drops it, and the files before it.
      this.#segments = this.#segments.slice(index + 1);
      this.#tell();
      return 0;
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#fd);
    this.#closeOld();
  }

  get #writtenBytes(): number {
    return this.newest.offset - (this.#segments.at(-1)?.base.offset ?? 0);
  }

  /**
   * Continues after somebody has truncated the file (`> NAME.log`, or logrotate with copytruncate):
   * its old content is gone.
   */
  #goOnWhereCut(): void {
    const size = sizeOf(this.#fd);
    if (size < 0 || size >= this.#writtenBytes) return;
    const end = this.newest;
    this.#segments = [{ base: baseOfRest(end, this.#fd), end }];
    this.#tell();
  }

  #append(buffer: Buffer, length: number, counts: RecordCounts): number {
    if (this.#closed) return 0;
    this.#goOnWhereCut();
    if (this.#writtenBytes > 0 && this.#writtenBytes + length > this.#limits.bytes) this.#rotate();
    const size = this.#writtenBytes;
    let written = 0;
    try {
      while (written < length) written += writeSync(this.#fd, buffer, written, length - written);
      this.#refusal = undefined;
      this.#advance(length, counts);
      return length;
    } catch (error) {
      this.#refusal = (error as NodeJS.ErrnoException).code;
      // A full disk: whole records stay, nothing half written.
      const whole = written === 0 ? 0 : buffer.subarray(0, written).lastIndexOf(NEWLINE) + 1;
      shorten(this.#fd, size + whole);
      this.#advance(whole, countRecords(buffer, whole));
      return whole;
    }
  }

  #advance(bytes: number, counts: RecordCounts): void {
    const segment = this.#segments.at(-1);
    if (segment === undefined) return;
    segment.end = advanced(segment.end, bytes, counts);
    this.#on.appended(segment.end);
  }

  #rotate(): void {
    const base = this.newest;
    const next = `${this.#path}.new`;
    let fd: number | undefined;
    try {
      makeDirectory(dirname(this.#path));
      // Made before anything is renamed: a full disk may have no room for it.
      fd = openSync(next, 'a+', 0o640);
      this.#shift();
      renameSync(next, this.#path);
      closeSync(this.#fd);
      this.#fd = fd;
    } catch {
      if (fd !== undefined) closeSync(fd);
      // The disk is full, or the directory may not be changed: bounded all the same, the file
      // starts over.
      shorten(this.#fd, 0);
      this.#segments = [];
    }
    this.#segments = [...this.#segments, { base, end: base }].slice(-Math.min(this.#limits.files, READ_FILES));
    this.#tell();
  }

  /** Makes every file one older; the oldest goes. Somebody else may have removed some. */
  #shift(): void {
    this.#closeOld();
    const { files } = this.#limits;
    if (files === 1) {
      rmSync(this.#path, { force: true });
      return;
    }
    for (let age = files - 2; age >= 0; age--)
      if (sizeOf(this.#aged(age)) >= 0) renameSync(this.#aged(age), this.#aged(age + 1));
  }

  #aged(age: number): string {
    return age === 0 ? this.#path : `${this.#path}.${age}`;
  }

  #descriptor(age: number): number {
    if (age === 0) return this.#fd;
    if (this.#old?.age !== age) {
      this.#closeOld();
      this.#old = { age, fd: openSync(this.#aged(age), 'r') };
    }
    return this.#old.fd;
  }

  #closeOld(): void {
    if (this.#old) closeSync(this.#old.fd);
    this.#old = undefined;
  }

  /** Files as an earlier controller left them; the records after its last count are counted. */
  #restore({ inode, bases, end }: LeftFiles): Segment[] {
    const positions = bases.map(([offset, record, stderrOffset, stderrRecord]) => ({
      offset,
      record,
      stderrOffset,
      stderrRecord,
    }));
    const segments = positions.map((base, index) => ({ base, end: positions[index + 1] ?? base }));
    const last = segments.at(-1);
    if (last === undefined) throw new Error('no file is on record');
    const known = end.offset < last.base.offset ? last.base : end;
    const { ino, size } = fstatSync(this.#fd);
    if (ino === inode && known.offset - last.base.offset <= size) {
      last.end = endOfFile(last.base, this.#fd, end);
      return segments;
    }
    // Somebody else has truncated the file.
    if (ino === inode) return [{ base: baseOfRest(known, this.#fd), end: known }];
    // Somebody else has removed the file, and its content is unknown. No position is given twice.
    if (inodeOf(this.#aged(1)) !== inode) return [{ base: known, end: endOfFile(known, this.#fd) }];
    // Killed between a rotation and its record: the last file has been renamed.
    last.end = endOfFile(last.base, this.#descriptor(1), end);
    return [...segments, { base: last.end, end: endOfFile(last.end, this.#fd) }];
  }

  #tell(): void {
    this.#on.rotated({
      inode: fstatSync(this.#fd).ino,
      bases: this.#segments.map(({ base }) => [base.offset, base.record, base.stderrOffset, base.stderrRecord]),
    });
  }
}

/**
 * Node's own `recursive` never returns where a directory refuses to have a new one with ENOENT, as
 * /proc does.
 */
function makeDirectory(path: string): void {
  if (sizeOf(path) >= 0) return;
  makeDirectory(dirname(path));
  mkdirSync(path, { mode: 0o750 });
}

const inodeOf = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.ino;

/** -1 when there is no such file, or nobody can say. */
function sizeOf(file: string | number): number {
  try {
    return (typeof file === 'number' ? fstatSync(file) : statSync(file)).size;
  } catch {
    return -1;
  }
}
