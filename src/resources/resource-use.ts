import type { ProcessInfo } from '../types/system.js';
import type { CpuAccounting } from './cpu-accounting.js';
import { openDescriptors } from './open-descriptors.js';

/** The resources that the processes of one service use together. */
export interface ResourceUse {
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly processes: number;
  readonly threads: number;
  /** Undefined when one of the processes may not be read. */
  readonly openDescriptors: number | undefined;
}

export const NO_USE: ResourceUse = { cpuSeconds: 0, residentBytes: 0, processes: 0, threads: 0, openDescriptors: 0 };

/** The resources that each service uses. Zombies use none. */
export function resourceUse(
  processes: readonly ProcessInfo[],
  services: readonly string[],
  cpu: CpuAccounting,
): ReadonlyMap<string, ResourceUse> {
  const use = new Map<string, ResourceUse>();
  for (const [service, cpuSeconds] of cpu.sample(processes, services)) use.set(service, { ...NO_USE, cpuSeconds });
  for (const process of processes) {
    const before = use.get(process.service);
    if (before && process.state !== 'Z') use.set(process.service, plus(before, process));
  }
  return use;
}

function plus(use: ResourceUse, process: ProcessInfo): ResourceUse {
  return {
    cpuSeconds: use.cpuSeconds,
    residentBytes: use.residentBytes + process.residentBytes,
    processes: use.processes + 1,
    threads: use.threads + process.threads,
    openDescriptors: plusKnown(use.openDescriptors, openDescriptors(process.pid)),
  };
}

const plusKnown = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? undefined : a + b;
