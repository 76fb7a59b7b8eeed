import { monotonicMs } from '../process/clock.js';
import { fieldsOf, numberOf } from '../state/fields.js';
import type { RecordKind } from '../state/records.js';
import type { ServiceName } from '../types/service.js';
import type { ControlRecord } from './control-scripts.js';
import { finishPidOf, initialMachine, type Machine, pidOf } from './machine.js';
import { type Order, readOrder } from './orders.js';
import { type RecordedMachine, readMachine, writeMachine } from './recorded-machine.js';
import { isKnownName } from './service-directory.js';

/** The part of a service that survives a controller. */
export interface ServiceRecord {
  readonly name: ServiceName;
  readonly directory: string;
  /** Device and inode of the directory; undefined if unknown. */
  readonly identity: string | undefined;
  readonly autostart: boolean;
  readonly machine: Machine;
  readonly controlled: ControlRecord | undefined;
  /** The latest order that can be repeated. */
  readonly order: Order | undefined;
}

/**
 * A service in its slot: plain data under the names that every version of my_init reads. A field
 * that is new in a version is one that the version before can do without.
 */
export interface RecordedService extends Omit<ServiceRecord, 'machine'> {
  readonly machine: RecordedMachine;
  readonly finishPid: number;
  /** Revision of the change recorded here; watchers may not have seen it. */
  readonly revision: number;
}

/** The record as it is written. */
export function writeRecord(record: ServiceRecord, revision: number): RecordedService {
  const { machine } = record;
  return {
    ...record,
    machine: writeMachine(machine),
    finishPid: finishPidOf(machine),
    revision,
  };
}

/** A service, by name. */
export const SERVICE_RECORD: RecordKind<RestoredService, RecordedService> = {
  key: 'service',
  decode: (value) => {
    const service = readRecord(value);
    return service && { service, revision: numberOf(fieldsOf(value).revision) ?? 0 };
  },
};

/** A service as it is read from its slot, and the revision recorded with it. */
interface RestoredService {
  readonly service: ServiceRecord;
  readonly revision: number;
}

/**
 * Reads the record that an earlier controller, perhaps of another version, has left. Unknown values
 * are left out, missing values are as at the beginning; undefined if not even the service is known.
 */
export function readRecord(value: unknown): ServiceRecord | undefined {
  const { name, directory, identity, autostart, machine, finishPid, controlled, order } = (value ??
    {}) as Partial<RecordedService>;
  if (typeof name !== 'string' || !isKnownName(name) || typeof directory !== 'string') return undefined;
  return {
    name,
    directory,
    identity: typeof identity === 'string' ? identity : undefined,
    autostart: autostart === true,
    machine: readMachine(machine ?? {}, finishPid ?? 0, autostart === true),
    controlled: Array.isArray(controlled?.scripts) ? controlled : undefined,
    order: readOrder(order),
  };
}

/** All processes that the record knows, ended or not. */
export function pidsIn({ machine, controlled }: ServiceRecord): readonly number[] {
  const pids = [pidOf(machine), finishPidOf(machine), ...(controlled?.scripts ?? []).map(({ pid }) => pid)];
  if (machine.state !== 'finishing') return pids;
  const { session, stage } = machine.ended;
  return [...pids, session, ...(stage.name === 'sweep_finish' ? [stage.session] : [])];
}

/** The record of a service that is known by its process alone: its own has been lost. */
export function recordOfProcess(name: ServiceName, directory: string, pid: number, autostart: boolean): ServiceRecord {
  const begin = initialMachine(autostart, monotonicMs());
  const machine = readMachine(
    {
      state: 'up',
      desired: 'up',
      pid,
      run: 1,
      startedAtMs: begin.stateSinceMs,
      counters: { ...begin.counters, starts: 1 },
    },
    0,
    autostart,
  );
  return { name, directory, identity: undefined, autostart, machine, controlled: undefined, order: undefined };
}
