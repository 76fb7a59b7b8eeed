import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { printable } from '../text/printable.js';
import { monotonicMs } from './clock.js';
import { pageBytes } from './page-bytes.js';

/** One process as `/proc/PID/stat` shows it, proc(5). */
export interface ProcessEntry {
  readonly pid: number;
  readonly parentPid: number;
  readonly group: number;
  readonly session: number;
  /** The kernel's letter: R S D T Z. */
  readonly state: string;
  /** The kernel's name of it; control characters are escaped. */
  readonly name: string;
  readonly threads: number;
  /** Monotonic milliseconds. */
  readonly startedAtMs: number;
  readonly cpuSeconds: number;
  readonly residentBytes: number;
}

/** `USER_HZ`: 100 on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;
/** Every process that can be seen, in the order of pids; empty where there is no /proc. */
export function readProcessTable(): readonly ProcessEntry[] {
  let names: string[];
  try {
    names = readdirSync('/proc');
  } catch {
    return [];
  }
  const pids = names.map(Number).filter(Number.isInteger);
  return [...readProcesses(pids)].sort((a, b) => a.pid - b.pid);
}

/** The entries of the given pids that exist. */
export function readProcesses(pids: readonly number[]): readonly ProcessEntry[] {
  const bootMs = bootClockOffsetMs();
  return pids.flatMap((pid) => readEntry(pid, bootMs) ?? []);
}

/**
 * The resident memory of one process, page by page; undefined where it may not be looked at. The
 * kernel counts pages by CPU and adds them up roughly: a program as small as init can show 0,
 * except in `smaps_rollup`, proc(5).
 */
export function countResidentBytes(pid: number): number | undefined {
  try {
    const kilobytes = /^Rss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}

function readEntry(pid: number, bootMs: number): ProcessEntry | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // The name is in parentheses and may hold anything, also parentheses: the last one ends it.
  const open = stat.indexOf('(');
  const close = stat.lastIndexOf(')');
  const fields = stat.slice(close + 2).split(' ');
  const field = (number: number): number => Number(fields[number - 3]);
  return {
    pid,
    parentPid: field(4),
    group: field(5),
    session: field(6),
    state: fields[0] ?? '?',
    name: printable(nameOf(pid, Buffer.from(stat.slice(open + 1, close), 'latin1').toString('utf8'))),
    threads: field(20),
    startedAtMs: (field(22) * 1000) / TICKS_PER_SECOND - bootMs,
    cpuSeconds: (field(14) + field(15)) / TICKS_PER_SECOND,
    residentBytes: field(24) * pageBytes(),
  };
}

/**
 * Node 24 and later call their first thread MainThread, and with it the process: the name of the
 * program says more.
 */
function nameOf(pid: number, threadName: string): string {
  if (threadName !== 'MainThread') return threadName;
  try {
    const [program = ''] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0', 1);
    return basename(program).split(' ', 1)[0] || threadName;
  } catch {
    return threadName;
  }
}

/**
 * Start times are in the clock of the boot, which also counts suspended time: how far it is ahead
 * of the monotonic one.
 */
function bootClockOffsetMs(): number {
  try {
    const uptimeMs = Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]) * 1000;
    const offset = uptimeMs - monotonicMs();
    return Math.abs(offset) < 1000 ? 0 : offset;
  } catch {
    return 0;
  }
}
