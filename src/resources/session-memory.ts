import { readdirSync } from 'node:fs';
import { pageBytes } from '../process/page-bytes.js';
import { type ProcessEntry, readProcesses, readProcessTable } from '../process/process-table.js';
import { readText } from './read-text.js';

/**
 * The memory that the processes of a session use together. Shared pages count once. Telling them
 * apart costs time, so it is only done where the plain sum reaches `limitBytes`.
 */
export function sessionMemory(leader: number, session: number, initPid: number, limitBytes: number): number {
  const processes = processesOf(leader, session, initPid).filter(({ state }) => state !== 'Z');
  const atMost = sum(processes.map(({ residentBytes }) => residentBytes));
  return atMost < limitBytes ? atMost : withoutSharedTwice(processes);
}

/**
 * The kernel's proportional share, proc(5), where we may read it: not of another user's processes
 * without SYS_PTRACE. Among such processes, the one with the most shared pages stands for all.
 */
function withoutSharedTwice(processes: readonly ProcessEntry[]): number {
  let bytes = 0;
  let mostShared = 0;
  for (const { pid } of processes) {
    const kilobytes = /^Pss:\s+(\d+) kB$/m.exec(readText(`/proc/${pid}/smaps_rollup`))?.[1];
    if (kilobytes !== undefined) bytes += Number(kilobytes) * 1024;
    else {
      const [, resident = 0, shared = 0] = readText(`/proc/${pid}/statm`).split(' ').map(Number);
      bytes += (resident - shared) * pageBytes();
      mostShared = Math.max(mostShared, shared * pageBytes());
    }
  }
  return bytes + mostShared;
}

/** The descendants of the leader in its session, and the orphans in that session. */
function processesOf(leader: number, session: number, initPid: number): readonly ProcessEntry[] {
  const orphans = childrenOf(initPid);
  if (orphans === undefined) return readProcessTable().filter((entry) => entry.session === session);
  const found = new Map<number, ProcessEntry>();
  let generation: readonly number[] = [leader, ...orphans];
  while (generation.length > 0) {
    const members = readProcesses(generation).filter((entry) => entry.session === session && !found.has(entry.pid));
    for (const entry of members) found.set(entry.pid, entry);
    generation = members.flatMap(({ pid }) => childrenOf(pid) ?? []);
  }
  return [...found.values()];
}

/** The children of all its threads; undefined where the kernel does not tell. */
function childrenOf(pid: number): readonly number[] | undefined {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readText(`/proc/${pid}/task/${thread}/children`).split(' ').filter(Boolean).map(Number),
    );
  } catch {
    return undefined;
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);
