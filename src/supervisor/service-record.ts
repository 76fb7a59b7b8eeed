import { monotonicMs } from '../process/clock.js';
import {
  CAUSE_KINDS,
  type Cause,
  DESIRED,
  type ExitStatus,
  RESTART_REASONS,
  type ServiceName,
} from '../types/service.js';
import type { ControlRecord } from './control-scripts.js';
import { type EndedRun, initialMachine, type Machine } from './machine.js';
import { isServiceName } from './service-directory.js';
import { TABLE } from './table.js';

/** What survives a controller of a service; all of it plain data. */
export interface ServiceRecord {
  readonly name: ServiceName;
  readonly directory: string;
  /** What tells the directory from any other, whatever it is called; where it is not known, what is at that path now. */
  readonly identity: string | undefined;
  readonly autostart: boolean;
  readonly machine: Machine;
  /** The process of `finish`, 0 when there is none. */
  readonly finishPid: number;
  readonly controlled: ControlRecord | undefined;
}

/** As it is put on record. */
export interface RecordedService extends ServiceRecord {
  /** Of the change that comes with it, which may not have been told yet. */
  readonly revision: number;
}

/** The revision in what an earlier controller has left of a service; 0 where there is none. */
export const revisionIn = (value: unknown): number => Number((value as Partial<RecordedService> | null)?.revision) || 0;

/**
 * Makes a record of what an earlier controller, perhaps of another version, has left. What this version does not know is left out, and what is
 * missing is as at the beginning; undefined where not even the service is known.
 */
export function readRecord(value: unknown): ServiceRecord | undefined {
  const { name, directory, identity, autostart, machine, finishPid, controlled } = (value ??
    {}) as Partial<ServiceRecord>;
  if (typeof name !== 'string' || !isServiceName(name) || typeof directory !== 'string') return undefined;
  const begin = initialMachine(autostart === true, monotonicMs());
  const known: Machine = inKnownWords({ ...begin, ...machine }, begin);
  const counters = {
    ...begin.counters,
    ...known.counters,
    restarts: { ...begin.counters.restarts, ...known.counters.restarts },
    exits: { ...begin.counters.exits, ...known.counters.exits },
  };
  const common = { name, directory, identity, autostart: autostart === true, finishPid: finishPid ?? 0, controlled };
  if (known.state in TABLE) return { ...common, machine: { ...known, counters } };
  // Whatever that state is, there is a process or there is none.
  const state = known.pid === 0 ? 'down' : 'up';
  return { ...common, machine: { ...known, counters, state, timerAtMs: undefined, ended: undefined } };
}

/** Of what has one of a few words for a value, the words that this version knows. */
function inKnownWords(machine: Machine, begin: Machine): Machine {
  const { desired, cause, told, restartReason, lastExit, ended } = machine;
  return {
    ...machine,
    desired: DESIRED.includes(desired) ? desired : begin.desired,
    cause: knownCause(cause) ?? begin.cause,
    told: knownCause(told),
    restartReason: restartReason && RESTART_REASONS.includes(restartReason) ? restartReason : undefined,
    lastExit: lastExit && { ...lastExit, status: knownStatus(lastExit.status) },
    ended: ended && {
      ...ended,
      status: knownStatus(ended.status),
      next: NEXT.includes(ended.next) ? ended.next : 'start',
    },
  };
}

const NEXT: readonly EndedRun['next'][] = ['start', 'backoff', 'failed'];

const knownCause = (cause: Cause | undefined): Cause | undefined =>
  cause && CAUSE_KINDS.includes(cause.kind) ? cause : undefined;

const knownStatus = (status: ExitStatus): ExitStatus =>
  ['exited', 'signaled', 'lost'].includes(status.kind) ? status : { kind: 'lost' };

/** The record of a service that is known by its process alone: its own has been lost. */
export function recordOfProcess(name: ServiceName, directory: string, pid: number, autostart: boolean): ServiceRecord {
  const begin = initialMachine(autostart, monotonicMs());
  const machine: Machine = {
    ...begin,
    state: 'up',
    desired: 'up',
    pid,
    run: 1,
    startedAtMs: begin.stateSinceMs,
    counters: { ...begin.counters, starts: 1 },
  };
  return { name, directory, identity: undefined, autostart, machine, finishPid: 0, controlled: undefined };
}
