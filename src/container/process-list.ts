import { countResidentBytes, type ProcessEntry, readProcessTable } from '../process/process-table.js';
import type { ProcessInfo, ProcessRole } from '../types/system.js';

/** The facts that tell my_init's processes from each other. */
export interface Roles {
  readonly initPid: number;
  readonly pid1: boolean;
  readonly commandPid: number;
  /** The service of a session, '' when unknown. */
  serviceOf(session: number): string;
  /** Whether a pid is the main process of a service now. */
  isServicePid(pid: number): boolean;
}

/** Every process that is my_init's: all of its PID namespace as PID 1, else its descendants. */
export function listProcesses(roles: Roles): readonly ProcessInfo[] {
  const table = readProcessTable();
  const ours = roles.pid1 ? table : descendants(table, roles.initPid);
  return ours.map((entry) => describe(entry, roles));
}

function describe(entry: ProcessEntry, roles: Roles): ProcessInfo {
  const service = roles.serviceOf(entry.session);
  return {
    pid: entry.pid,
    parentPid: entry.parentPid,
    session: entry.session,
    state: entry.state,
    service,
    role: roleOf(entry, service, roles),
    name: entry.name,
    startedAtMs: entry.startedAtMs,
    residentBytes: (entry.pid === roles.initPid ? countResidentBytes(entry.pid) : undefined) ?? entry.residentBytes,
    cpuSeconds: entry.cpuSeconds,
    threads: entry.threads,
  };
}

function roleOf(entry: ProcessEntry, service: string, roles: Roles): ProcessRole {
  if (entry.state === 'Z') return 'zombie';
  if (entry.pid === roles.initPid) return 'init';
  if (entry.pid === process.pid) return 'controller';
  if (roles.isServicePid(entry.pid)) return 'service';
  if (service !== '') return 'service_child';
  return roles.commandPid !== 0 && (entry.pid === roles.commandPid || entry.group === roles.commandPid)
    ? 'main_command'
    : 'other';
}

function descendants(table: readonly ProcessEntry[], root: number): readonly ProcessEntry[] {
  const ours = new Set([root]);
  // Parents may have higher pids than their children when the numbers have wrapped around.
  for (let before = 0; before !== ours.size; ) {
    before = ours.size;
    for (const { pid, parentPid } of table) if (ours.has(parentPid)) ours.add(pid);
  }
  return table.filter(({ pid }) => ours.has(pid));
}
