import type { ProcessInfo } from '../types/system.js';

/**
 * Adds up the CPU time of the processes of each service over their lives, from one sample to the
 * next. CPU time after the last sample of a process is missed, so the sum is a lower bound; it
 * never falls while the service exists. Processes older than `sinceMs` count from their first
 * sample: an earlier controller has counted what was before, and counting it again would look like
 * a burst.
 */
export class CpuAccounting {
  readonly #sinceMs: number;
  #seen = new Map<number, ProcessInfo>();
  #totals = new Map<string, number>();

  constructor(sinceMs: number) {
    this.#sinceMs = sinceMs;
  }

  /**
   * Takes a sample of all processes. Returns the seconds of each of the services; others are
   * forgotten.
   */
  sample(processes: readonly ProcessInfo[], services: readonly string[]): ReadonlyMap<string, number> {
    const totals = new Map(services.map((service) => [service, this.#totals.get(service) ?? 0]));
    const seen = new Map<number, ProcessInfo>();
    for (const process of processes) {
      seen.set(process.pid, process);
      const total = totals.get(process.service);
      if (total !== undefined) totals.set(process.service, total + this.#used(process));
    }
    this.#seen = seen;
    this.#totals = totals;
    return totals;
  }

  #used(process: ProcessInfo): number {
    const before = this.#seen.get(process.pid);
    if (before && isSame(before, process)) return Math.max(0, process.cpuSeconds - before.cpuSeconds);
    return process.startedAtMs >= this.#sinceMs ? process.cpuSeconds : 0;
  }
}

/**
 * The same pid is the same process when it was started at the same time, give or take the clock's
 * resolution of 10 ms.
 */
const isSame = (a: ProcessInfo, b: ProcessInfo): boolean => Math.abs(a.startedAtMs - b.startedAtMs) < 50;
