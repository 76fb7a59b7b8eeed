import { monotonicMs } from '../process/clock.js';
import type { ServiceView } from '../types/service.js';
import type { ProcessInfo, System } from '../types/system.js';
import { CpuAccounting } from './cpu-accounting.js';
import { type ResourceUse, resourceUse } from './resource-use.js';

/** The processes at one moment. */
export interface UsageSample {
  /** Monotonic milliseconds. */
  readonly atMs: number;
  readonly list: readonly ProcessInfo[];
  /** The resources that each service uses; undefined if the processes cannot be seen. */
  readonly use: ReadonlyMap<string, ResourceUse> | undefined;
}

/**
 * Reads the resource use of the services. All callers share one reader, since reading /proc costs
 * time with each process.
 */
export class ServiceUsage {
  readonly #services: Pick<ServiceView, 'list'>;
  readonly #system: Pick<System, 'processes'>;
  readonly #cpu: CpuAccounting;
  #sample: UsageSample | undefined;

  constructor(services: Pick<ServiceView, 'list'>, system: Pick<System, 'processes' | 'info'>) {
    this.#services = services;
    this.#system = system;
    this.#cpu = new CpuAccounting(system.info.controllerStartedAtMs);
  }

  /** The latest sample when it is younger than `maxAgeMs`, else a new one. */
  look(maxAgeMs: number): UsageSample {
    const atMs = monotonicMs();
    if (this.#sample !== undefined && atMs - this.#sample.atMs < maxAgeMs) return this.#sample;
    const list = this.#system.processes();
    const names = this.#services.list().map(({ name }) => name);
    const use = list.length > 0 ? resourceUse(list, names, this.#cpu) : undefined;
    this.#sample = { atMs, list, use };
    return this.#sample;
  }
}
