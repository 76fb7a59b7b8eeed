/** Facts of the kernel about processes, proc(5), as seen from outside the container. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** A process and all its descendants. */
export const family = (pid) => [pid, ...children(pid).flatMap(family)];

export function children(pid) {
  return tasks(pid).flatMap((task) =>
    (read(`/proc/${pid}/task/${task}/children`) ?? '').split(' ').filter(Boolean).map(Number),
  );
}

export const executable = (pid) => attempt(() => readlinkSync(`/proc/${pid}/exe`)) ?? '';

export const workingDirectory = (pid) => attempt(() => readlinkSync(`/proc/${pid}/cwd`)) ?? '';

/** The words of the command line. */
export const commandLine = (pid) => (read(`/proc/${pid}/cmdline`) ?? '').split('\0');

/**
 * The CPU time of all threads, in milliseconds: to the nanosecond where the kernel has schedstat,
 * else in ticks.
 */
export function cpuMs(pid) {
  const precise = tasks(pid).map((task) => read(`/proc/${pid}/task/${task}/schedstat`));
  if (precise.every((text) => text !== undefined))
    return precise.reduce((sum, text) => sum + Number(text.split(' ')[0]), 0) / 1e6;
  const fields = (read(`/proc/${pid}/stat`) ?? '').split(') ')[1]?.split(' ') ?? [];
  return 10 * (Number(fields[11]) + Number(fields[12]));
}

/**
 * How often the threads of a process have gone to sleep by themselves, which is how often they were
 * woken.
 */
export function wakeUps(pid) {
  return tasks(pid).reduce(
    (sum, task) => sum + number(read(`/proc/${pid}/task/${task}/status`), /^voluntary_ctxt_switches:\s+(\d+)/m),
    0,
  );
}

/** Kilobytes: proportional, resident, and the memory that is private and not of a file. */
export function memory(pid) {
  const text = read(`/proc/${pid}/smaps_rollup`);
  const of = (field) => number(text, new RegExp(`^${field}:\\s+(\\d+) kB`, 'm'));
  return { pss: of('Pss'), rss: of('Rss'), anonymous: of('Anonymous') };
}

const number = (text, pattern) => Number(pattern.exec(text ?? '')?.[1] ?? 0);

const tasks = (pid) => attempt(() => readdirSync(`/proc/${pid}/task`)) ?? [];

const read = (path) => attempt(() => readFileSync(path, 'latin1'));

/** The result of `look`; undefined when the process is gone. */
function attempt(look) {
  try {
    return look();
  } catch {
    return undefined;
  }
}
