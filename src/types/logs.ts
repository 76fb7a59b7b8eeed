/** The types by which the rooms exchange logs. */
import type { ExitStatus } from './service.js';

/** A place in a source's log, counted from its beginning: bytes of records, and records. */
export interface Position {
  readonly offset: number;
  readonly record: number;
}

/** Records from `begin` up to, and without, the one at `end`. */
export interface HeldRange {
  readonly begin: Position;
  readonly end: Position;
}

/**
 * Where the records of a source are, in CRI format. The store is the only buffer: readers have
 * positions in it.
 */
export interface LogStore {
  /** From here on all records are held. */
  readonly oldest: Position;
  /**
   * Records held from before {@link oldest}, oldest first: lines of standard error are kept longer.
   */
  readonly kept: readonly HeldRange[];
  /** Where the next record will be. */
  readonly newest: Position;
  /**
   * Reads whole records from a byte offset on, as many as fit into the buffer, and returns how many
   * bytes they have; 0 at the end. The offset must be that of a record which is held.
   */
  read(offset: number, into: Buffer): number;
}

/** Something that happened to a source's service, and where in its log. */
export interface Marker {
  readonly kind: 'started' | 'ready' | 'exited';
  /** The first record after it. */
  readonly position: Position;
  /** As in a CRI record. */
  readonly time: string;
  readonly run: number;
  readonly runId: string;
  /** How the run ended, for `exited`. */
  readonly status?: ExitStatus;
}

/** The log of one writer: a service, or my_init itself with its scripts (`my_init`). */
export interface LogSource {
  readonly name: string;
  /** Tells it from an earlier one of the same name, whose service was removed. */
  readonly id: number;
  readonly store: LogStore;
  /** The latest of them, oldest first. */
  readonly markers: readonly Marker[];
  /** Lines and bytes that came in and were not stored, since boot (the disk was full). */
  readonly dropped: { readonly lines: number; readonly bytes: number };
  /** Lines that wait in memory until the disk takes them. */
  readonly waiting: number;
  /**
   * Calls the listener when there are new records or markers, many appends at once. Returns what
   * ends it.
   */
  subscribe(listener: () => void): () => void;
}

/**
 * All sources. A source is removed when its service is forgotten; a reader that still has it finds
 * no more lines.
 */
export interface LogSources {
  readonly bootId: string;
  /** Sorted by name. */
  list(): readonly LogSource[];
  get(name: string): LogSource | undefined;
  /** Calls the listener when a source was added or is gone. Returns what ends it. */
  subscribe(listener: () => void): () => void;
}

/** The records written and missing since boot. */
export interface LogCounts {
  readonly name: string;
  readonly lines: number;
  /** Of text, without line ends. */
  readonly bytes: number;
  /** Lines that were not stored: the disk was full. */
  readonly dropped: number;
  /** Lines that were overwritten before the container's output took them. */
  readonly missed: number;
}

/** As much of the logs as the metrics need. */
export interface LogStatistics {
  counts(): readonly LogCounts[];
  /** Readers that follow. */
  readonly followers: number;
}

/** How what was captured looks on the container's own output. */
export type LogOutput = 'raw' | 'prefix' | 'json' | 'none';

/** The log rule in a service's definition; undefined: the container's settings apply. */
export interface LogRule {
  readonly output: LogOutput | undefined;
  readonly bufferBytes: number | undefined;
  /** The path of its log file. */
  readonly file: string | undefined;
}
