import { readFileSync } from 'node:fs';
import { crypto } from '../process/crypto.js';
import { RELAYED_SIGNALS, type RelayedSignal } from '../process/init-link.js';
import { parseSignal } from '../process/signals.js';
import { EXIT } from '../settings/exit-codes.js';
import { fieldsOf, numberOf, textOf, wordOf } from '../state/fields.js';
import type { RecordEntry, RecordKind } from '../state/records.js';
import { wordsOf } from '../text/words.js';
import type { ControllerEnd, ControllerEndCause, Phase } from '../types/system.js';

const PHASES = wordsOf<Phase>({ booting: true, running: true, shutting_down: true });
const CONTROLLER_END_CAUSES = wordsOf<ControllerEndCause>({
  reexec: true,
  exception: true,
  heap: true,
  hang: true,
  signal: true,
  exit: true,
});

/** The state of the container that survives a controller, beside the services. */
export interface ContainerRecord {
  readonly bootId: string;
  readonly phase: Phase;
  /** Startup is over; see `System.started`. */
  readonly started: boolean;
  /**
   * The moments of the boot, for its timeline; undefined: not yet, or an earlier version has not
   * recorded it.
   */
  readonly controllerReadyAtMs: number | undefined;
  readonly scriptsEndedAtMs: number | undefined;
  readonly startedAtMs: number | undefined;
  /** How earlier controllers ended. */
  readonly restarts: Readonly<Record<ControllerEndCause, number>>;
  /** The latest of them. */
  readonly lastEnd: ControllerEnd | undefined;
  /** The main command, 0 when it does not run. */
  readonly commandPid: number;
  /** The end has begun. */
  readonly shutdown: ShutdownRecord | undefined;
}

/** How far the end of the container has come, for a controller that has to go on with it. */
export interface ShutdownRecord {
  readonly code: number;
  readonly reason: string;
  readonly deadlineMs: number;
  /** The signal that ends the main command. */
  readonly signal: NodeJS.Signals;
  /** The signal that began it, while init may not know yet that it was acknowledged. */
  readonly unacknowledged?: RelayedSignal | undefined;
  /** The signal was sent to the main command. */
  readonly commandTold?: boolean;
  /** How many services had been killed when it was their turn. */
  readonly killsBefore?: number | undefined;
  /** Something was killed because it did not end in time. */
  readonly killed?: boolean;
  /**
   * The shutdown waits no longer: every process that still runs is killed now. The record keeps the
   * field's old name.
   */
  readonly hurried?: boolean;
}

/** Where the container is in its life. */
export const CONTAINER_RECORD: RecordKind<ContainerRecord> = {
  key: 'container',
  decode: (value) => {
    const { bootId, phase, started, restarts, lastEnd, commandPid, shutdown, ...moments } = fieldsOf(value);
    if (typeof bootId !== 'string') return undefined;
    const counts = fieldsOf(restarts);
    return {
      bootId,
      // An unknown phase of another version lies between two known ones.
      phase: wordOf(phase, PHASES) ?? 'running',
      started: started === true,
      controllerReadyAtMs: numberOf(moments.controllerReadyAtMs),
      scriptsEndedAtMs: numberOf(moments.scriptsEndedAtMs),
      startedAtMs: numberOf(moments.startedAtMs),
      restarts: countsOf((cause) => numberOf(counts[cause]) ?? 0),
      lastEnd: decodeEnd(lastEnd),
      commandPid: numberOf(commandPid) ?? 0,
      shutdown: decodeShutdown(shutdown),
    };
  },
};

function decodeEnd(value: unknown): ControllerEnd | undefined {
  const { cause, text, atMs, words } = fieldsOf(value);
  const known = wordOf(cause, CONTROLLER_END_CAUSES);
  return known && { cause: known, text: textOf(text) ?? '', atMs: numberOf(atMs) ?? 0, words: textOf(words) ?? '' };
}

/** A shutdown goes on, even if parts of its record cannot be read. */
function decodeShutdown(value: unknown): ShutdownRecord | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { code, reason, deadlineMs, signal, unacknowledged, commandTold, killsBefore, killed, hurried } =
    fieldsOf(value);
  return {
    code: numberOf(code) ?? EXIT.internal,
    reason: textOf(reason) ?? 'it was begun by an earlier controller',
    deadlineMs: numberOf(deadlineMs) ?? 0,
    signal: parseSignal(textOf(signal) ?? '') ?? 'SIGTERM',
    unacknowledged: wordOf(unacknowledged, RELAYED_SIGNALS),
    commandTold: commandTold === true,
    killsBefore: numberOf(killsBefore),
    killed: killed === true,
    hurried: hurried === true,
  };
}

const countsOf = (count: (cause: ControllerEndCause) => number): ContainerRecord['restarts'] =>
  Object.fromEntries(CONTROLLER_END_CAUSES.map((cause) => [cause, count(cause)])) as ContainerRecord['restarts'];

const AT_BOOT: Omit<ContainerRecord, 'bootId'> = {
  phase: 'booting',
  started: false,
  controllerReadyAtMs: undefined,
  scriptsEndedAtMs: undefined,
  startedAtMs: undefined,
  restarts: countsOf(() => 0),
  lastEnd: undefined,
  commandPid: 0,
  shutdown: undefined,
};

/** Where the container is in its life: on record for the next controller, and published. */
export class ContainerState {
  readonly #entry: RecordEntry<ContainerRecord>;
  readonly #listeners = new Set<() => void>();
  #record: ContainerRecord;
  /** True if the record of an earlier controller cannot be read any more. */
  readonly lost: boolean;

  /** `end`: how the last controller ended; `generation`: the number of this one. */
  constructor(entry: RecordEntry<ContainerRecord>, end: ControllerEnd | undefined, generation: number) {
    this.#entry = entry;
    this.lost = end !== undefined && entry.saved === undefined;
    // Then the container goes on, with services that run and a new name for the boot.
    const atLoss = this.lost ? ({ phase: 'running', started: true } as const) : {};
    const before: ContainerRecord = entry.saved ?? { bootId: newBootId(), ...AT_BOOT, ...atLoss };
    this.#record = end === undefined ? before : { ...before, ...countedEnd(before, end, generation) };
    this.save({});
  }

  get now(): ContainerRecord {
    return this.#record;
  }

  save(change: Partial<ContainerRecord>): void {
    const before = this.#record;
    this.#record = { ...before, ...change };
    this.#entry.put(this.#record);
    if (before.phase === this.#record.phase && before.started === this.#record.started) return;
    for (const listener of [...this.#listeners]) listener();
  }

  /** Puts on record how far the end has come; nothing before it has begun. */
  saveShutdown(change: Partial<ShutdownRecord>): void {
    const { shutdown } = this.#record;
    if (shutdown !== undefined) this.save({ shutdown: { ...shutdown, ...change } });
  }

  /** Calls the listener when `phase` or `started` changed. Returns what ends it. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/**
 * Counts the end of a controller. A controller that died before it could read its predecessor's end
 * is counted with its successor.
 */
function countedEnd({ restarts }: ContainerRecord, end: ControllerEnd, generation: number): Partial<ContainerRecord> {
  const ended = generation - 1 - Object.values(restarts).reduce((sum, count) => sum + count, 0);
  return { restarts: { ...restarts, [end.cause]: restarts[end.cause] + ended }, lastEnd: end };
}

function newBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/uuid', 'latin1').trim();
  } catch {
    return crypto().randomUUID();
  }
}
