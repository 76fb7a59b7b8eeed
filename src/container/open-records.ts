import type { Handover, InitLink } from '../process/init-link.js';
import { native } from '../process/native.js';
import { LAST_START, StartRegister } from '../process/start-register.js';
import { Records } from '../state/records.js';
import { Slots } from '../state/slots.js';
import { CONTAINER_RECORD, ContainerState } from './container-state.js';
import { type EndOfPrevious, endOfPrevious } from './controller-end.js';

/** The records of earlier controllers, and those of this one. */
export interface OpenRecords {
  readonly records: Records;
  readonly state: ContainerState;
  /** The latest start, even if it is not on record. */
  readonly starts: StartRegister;
  /** How the controller before this one ended; undefined for the first. */
  readonly previous: EndOfPrevious | undefined;
}

/** Opens the memory that init holds for the controllers; the first one makes it. */
export function openRecords(link: InitLink, handover: Handover): OpenRecords {
  const previous = endOfPrevious(handover);
  const records = new Records(new Slots(holdMemory(link, handover, 'state')));
  const state = new ContainerState(records.entry(CONTAINER_RECORD), previous?.end, handover.generation);
  const last = records.entry(LAST_START);
  const known = handover.held.has('starts');
  const starts = new StartRegister(holdMemory(link, handover, 'starts'), known ? last : { ...last, saved: undefined });
  return { records, state, starts, previous };
}

function holdMemory(link: InitLink, { held }: Handover, name: string): number {
  const fd = held.get(name);
  if (fd !== undefined) return fd;
  const made = native().memfd(`my_init-${name}`);
  link.hold(name, made);
  return made;
}
