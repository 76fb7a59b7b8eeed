import { runIdOf } from '../text/run-id.js';
import type { ServiceStatus, Unmet } from '../types/service.js';
import type { Definition } from './definition/definition.js';
import { replicaOf } from './definition/replicas.js';
import { finishPidOf, type Machine, processOf } from './machine.js';

const NOTHING: readonly Unmet[] = [];

/** The published status of a service. */
export function statusOf(
  definition: Definition,
  definitionChanged: boolean,
  directory: string,
  machine: Machine,
  bootId: string,
): ServiceStatus {
  const { name, type, enabled } = definition;
  const { state, runNumber } = machine;
  const process = processOf(machine);
  return {
    name,
    directory,
    type,
    autostart: enabled,
    optional: definition.policy.optional,
    memoryMaxBytes: definition.policy.memoryMax?.bytes,
    transient: definition.transient,
    replicaOf: replicaOf(definition) ?? '',
    state,
    desired: machine.desired,
    ready: state === 'up' ? machine.ready : state === 'completed' && type === 'oneshot',
    hold: machine.hold,
    waitsFor: state === 'waiting' ? machine.unmet : NOTHING,
    definitionChanged: definitionChanged && process !== undefined,
    tags: definition.tags,
    paused: process?.paused ?? false,
    statusText: process?.statusText ?? '',
    reloading: process?.reloading ?? false,
    termSent: process?.termSent ?? false,
    releasing: machine.releasing,
    stateSinceMs: machine.stateSinceMs,
    pid: process?.pid ?? 0,
    finishPid: finishPidOf(machine),
    run: runNumber,
    runId: runIdOf(bootId, name, runNumber),
    startedAtMs: process?.spawnedAtMs,
    consecutiveFailures: machine.consecutiveFailures,
    lastExit: machine.lastExit,
    nextStartAtMs: state === 'backoff' || state === 'failed' ? machine.timerAtMs : undefined,
    cause: machine.cause,
    trouble: machine.trouble,
    counters: machine.counters,
  };
}

/** Whether a reader would see no difference. */
export const isSameStatus = (one: ServiceStatus, other: ServiceStatus): boolean =>
  (Object.keys(one) as (keyof ServiceStatus)[]).every((key) => one[key] === other[key]);
