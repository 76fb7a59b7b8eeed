import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readProcesses } from '../process/process-table.js';
import { runDirectory } from '../process/run-directory.js';
import { isEnabled } from '../supervisor/definition/read-directory.js';
import type { Listing } from '../supervisor/directory-listing.js';
import { pidsIn, recordOfProcess, type ServiceRecord } from '../supervisor/service-record.js';

/** The facts on record about the processes of earlier controllers. */
export interface Known {
  /** Pids that init watches and that have not ended. */
  readonly watching: ReadonlySet<number>;
  /** On record for the main command and for the script that runs, 0 where there is none. */
  readonly commandPid: number;
  readonly scriptPid: number;
  readonly services: readonly ServiceRecord[];
  /** The latest start: the owner of its record will find it. */
  readonly latest: { readonly purpose: string; readonly pid: number } | undefined;
  /** The services that there should be. Throws where they cannot be listed. */
  list(): Listing;
}

/**
 * Processes of earlier controllers that no record names: the record is torn, or was too large for a
 * slot.
 */
export interface Unrecorded {
  /**
   * Services that `supervise/pid` identifies by their process: they lose their history, and nothing
   * else.
   */
  readonly services: readonly ServiceRecord[];
  /** The main command, 0 if it is not among them. Only the main command leads no session. */
  readonly commandPid: number;
  /** Processes of unknown purpose. */
  readonly unknownPids: readonly number[];
}

export function findUnrecorded(known: Known): Unrecorded {
  const pids = pidsOnRecord(known);
  const unknown = new Set([...known.watching].filter((pid) => !pids.has(pid)));
  if (unknown.size === 0) return { services: [], commandPid: 0, unknownPids: [] };
  const services: ServiceRecord[] = [];
  for (const [name, { directory }] of listed(known)) {
    const pid = pidIn(join(directory, 'supervise')) ?? pidIn(join(runDirectory(), 'supervise', name)) ?? 0;
    if (unknown.delete(pid)) services.push(recordOfProcess(name, directory, pid, isEnabled(directory)));
  }
  const commands = readProcesses([...unknown]).filter(({ pid, session }) => pid !== session);
  const commandPid = (commands.length === 1 && commands[0]?.pid) || 0;
  unknown.delete(commandPid);
  return { services, commandPid, unknownPids: [...unknown] };
}

function pidsOnRecord({ commandPid, scriptPid, services, latest }: Known): ReadonlySet<number> {
  const pids = new Set([commandPid, scriptPid]);
  const [what, owner] = latest?.purpose.split(' ') ?? [];
  // The next controller does not wait for a check: it makes its own.
  const isFound = what === 'script' || what === 'command' || services.some(({ name }) => name === owner);
  if (latest && what !== 'check' && isFound) pids.add(latest.pid);
  for (const service of services) for (const pid of pidsIn(service)) pids.add(pid);
  return pids;
}

function listed(known: Known): Listing['found'] {
  try {
    return known.list().found;
  } catch {
    return new Map();
  }
}

function pidIn(directory: string): number | undefined {
  try {
    return Number(readFileSync(join(directory, 'pid'), 'latin1')) || undefined;
  } catch {
    return undefined;
  }
}
