import { randomUUID } from 'node:crypto';
import type { Handover, InitLink, RelayedSignal } from '../process/init-link.js';
import { native } from '../process/native.js';
import { type LastStart, StartRegister } from '../process/start-register.js';
import { Slots } from '../state/slots.js';
import {
  CONTROLLER_END_CAUSES,
  type ControllerEnd,
  type ControllerEndCause,
  PHASES,
  type Phase,
} from '../types/system.js';

/** What survives a controller beside the services. */
export interface ContainerRecord {
  readonly bootId: string;
  readonly phase: Phase;
  /** Startup is over; see `System.started`. */
  readonly started: boolean;
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
  /** What the main command is told to end with. */
  readonly signal: NodeJS.Signals;
  /** The signal that began it, while init may not know yet that it was taken. */
  readonly untaken?: RelayedSignal | undefined;
  /** The main command was told. */
  readonly commandTold?: boolean;
  /** How many services had been killed when it was their turn. */
  readonly killsBefore?: number;
  /** Something was killed because it did not end in time. */
  readonly killed?: boolean;
  /** Somebody does not want to wait any longer. */
  readonly hurried?: boolean;
}

const NO_RESTARTS = Object.fromEntries(CONTROLLER_END_CAUSES.map((cause) => [cause, 0])) as ContainerRecord['restarts'];

const AT_BOOT: Omit<ContainerRecord, 'bootId'> = {
  phase: 'booting',
  started: false,
  restarts: NO_RESTARTS,
  lastEnd: undefined,
  commandPid: 0,
  shutdown: undefined,
};

/** Where the container is in its life: on record for the next controller, and published. */
export class ContainerState {
  readonly #slots: Slots;
  readonly #listeners = new Set<() => void>();
  #record: ContainerRecord;
  /** What an earlier controller had put on record is not there any more. */
  readonly lost: boolean;

  /** `saved`: what an earlier controller had put on record; `end`: how the last one ended; `generation`: the number of this one. */
  constructor(slots: Slots, saved: unknown, end: ControllerEnd | undefined, generation: number) {
    this.#slots = slots;
    this.lost = end !== undefined && saved === undefined;
    // Then the container goes on, with services that run and a new name for the boot.
    const afterLoss = this.lost ? ({ phase: 'running', started: true } as const) : {};
    const left: ContainerRecord = { bootId: randomUUID(), ...AT_BOOT, ...(saved ?? afterLoss) };
    // A phase that another version has and this one does not know lies between those that it knows.
    const before = PHASES.includes(left.phase) ? left : { ...left, phase: 'running' as const };
    const restarts = { ...NO_RESTARTS, ...before.restarts };
    // One that died before it could read how the one before had ended is counted with the one after it.
    const ended = generation - 1 - Object.values(restarts).reduce((sum, count) => sum + count, 0);
    this.#record =
      end === undefined
        ? { ...before, restarts }
        : { ...before, restarts: { ...restarts, [end.cause]: restarts[end.cause] + ended }, lastEnd: end };
    this.save({});
  }

  get now(): ContainerRecord {
    return this.#record;
  }

  save(change: Partial<ContainerRecord>): void {
    const before = this.#record;
    this.#record = { ...before, ...change };
    this.#slots.write('container', this.#record);
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

/** The slots that init holds for the controllers; made by the first. */
export function openSlots(link: InitLink, handover: Handover): Slots {
  const held = handover.held.get('state');
  if (held !== undefined) return new Slots(held);
  const fd = native().memfd('my_init-state');
  link.hold('state', fd);
  return new Slots(fd);
}

/** The register of what is being started: the file is held by init, what was announced last is in a slot. */
export function openStarts(
  link: InitLink,
  handover: Handover,
  slots: Slots,
  records: ReadonlyMap<string, unknown>,
): StartRegister {
  const held = handover.held.get('starts');
  const fd = held ?? native().memfd('my_init-starts');
  if (held === undefined) link.hold('starts', fd);
  const last = held === undefined ? undefined : (records.get('last-start') as LastStart | undefined);
  return new StartRegister(fd, last, (start) => slots.write('last-start', start));
}
