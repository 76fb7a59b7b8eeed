import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Handover } from '../process/init-link.js';
import { readProcesses } from '../process/process-table.js';
import { runDirectory } from '../process/run-directory.js';
import { isEnabled } from '../supervisor/definition/read-directory.js';
import type { Listing } from '../supervisor/directory-listing.js';
import { pidsIn, recordOfProcess, type ServiceRecord } from '../supervisor/service-record.js';

/** What is known of the processes of earlier controllers. */
export interface Known {
  readonly handover: Handover;
  /** Everything on record. */
  readonly records: ReadonlyMap<string, unknown>;
  readonly services: readonly ServiceRecord[];
  /** What was started last: who has a record will find it. */
  readonly latest: { readonly purpose: string; readonly pid: number } | undefined;
  /** The services that there should be. Throws where they cannot be listed. */
  list(): Listing;
}

/** What init watches is ours: the processes that no record knows, for theirs is torn, or was too large to be one. */
export interface Lost {
  /** Services whose process says in its `supervise/pid` who it is: they lose their history, and nothing else. */
  readonly services: readonly ServiceRecord[];
  /** The main command, 0 where it is not among them: it alone leads no session. */
  readonly commandPid: number;
  /** Nobody knows what they are. */
  readonly strangers: readonly number[];
}

export function findLost(known: Known): Lost {
  const pids = pidsOnRecord(known);
  const unknown = new Set([...known.handover.watching].filter((pid) => !pids.has(pid)));
  if (unknown.size === 0) return { services: [], commandPid: 0, strangers: [] };
  const services: ServiceRecord[] = [];
  for (const [name, { directory }] of listed(known)) {
    const pid = pidIn(join(directory, 'supervise')) ?? pidIn(join(runDirectory(), 'supervise', name)) ?? 0;
    if (unknown.delete(pid)) services.push(recordOfProcess(name, directory, pid, isEnabled(directory)));
  }
  const commands = readProcesses([...unknown]).filter(({ pid, session }) => pid !== session);
  const commandPid = (commands.length === 1 && commands[0]?.pid) || 0;
  unknown.delete(commandPid);
  return { services, commandPid, strangers: [...unknown] };
}

function pidsOnRecord({ records, services, latest }: Known): ReadonlySet<number> {
  const { commandPid } = (records.get('container') ?? {}) as { readonly commandPid?: number };
  const { pid: scriptPid } = (records.get('script') ?? {}) as { readonly pid?: number };
  const pids = new Set([commandPid ?? 0, scriptPid ?? 0]);
  const [what, owner] = latest?.purpose.split(' ') ?? [];
  if (latest && (what === 'script' || what === 'command' || services.some(({ name }) => name === owner)))
    pids.add(latest.pid);
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
