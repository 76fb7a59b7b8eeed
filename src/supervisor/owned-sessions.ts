import { readProcesses } from '../process/process-table.js';
import type { ServiceName } from '../types/service.js';
import { finishPidOf, processOf } from './machine.js';
import type { Service } from './service.js';

/** The service that a process belongs to by its session; undefined for none. */
export function ownerOf(services: readonly Service[], pid: number): ServiceName | undefined {
  const session = pid === 0 ? undefined : readProcesses([pid])[0]?.session;
  if (session === undefined || session === 0) return undefined;
  return services.find((service) => sessionsOf(service).includes(session))?.name;
}

/**
 * The sessions of the run, of `finish` and of the control scripts: my_init waits for what runs in
 * them.
 */
function sessionsOf({ machine, scripts }: Service): readonly (number | undefined)[] {
  const scriptPids = scripts.record?.scripts.map(({ pid }) => pid) ?? [];
  const ended = machine.state === 'finishing' ? machine.ended.session : undefined;
  return [processOf(machine)?.session, ended, finishPidOf(machine), ...scriptPids];
}
