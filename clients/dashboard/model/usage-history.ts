import type { ServiceUsage } from '../../typescript/src/index.js';

/** As many samples as the widest sparkline and a plot of ten minutes need. */
const HELD = 300;

export interface Usage {
  /** When each sample came. */
  readonly atMs: readonly number[];
  readonly cpus: readonly number[];
  readonly memory: readonly number[];
}

/** The use of each service in the last samples. */
export class UsageHistory {
  latest: ReadonlyMap<string, ServiceUsage> = new Map();
  latestAtMs = 0;
  readonly #samples = new Map<string, { atMs: number[]; cpus: number[]; memory: number[] }>();

  add(services: readonly ServiceUsage[]): void {
    this.latestAtMs = Date.now();
    this.latest = new Map(services.map((usage) => [usage.name, usage]));
    for (const name of this.#samples.keys()) if (!this.latest.has(name)) this.#samples.delete(name);
    for (const { name, cpus, memoryBytes } of services) {
      const samples = this.#samples.get(name) ?? { atMs: [], cpus: [], memory: [] };
      this.#samples.set(name, samples);
      push(samples.atMs, this.latestAtMs);
      push(samples.cpus, cpus ?? 0);
      push(samples.memory, Number(memoryBytes));
    }
  }

  of(name: string): Usage {
    return this.#samples.get(name) ?? { atMs: [], cpus: [], memory: [] };
  }
}

function push(samples: number[], value: number): void {
  samples.push(value);
  if (samples.length > HELD) samples.shift();
}
