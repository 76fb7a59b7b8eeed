import type { ServiceUsage } from '../../typescript/src/index.js';

/** As many samples as the widest sparkline and a plot of ten minutes need. */
const HELD = 300;

export interface Usage {
  readonly cpus: readonly number[];
  readonly memory: readonly number[];
}

/** What each service used in the last samples. */
export class UsageHistory {
  latest: ReadonlyMap<string, ServiceUsage> = new Map();
  readonly #samples = new Map<string, { cpus: number[]; memory: number[] }>();

  add(services: readonly ServiceUsage[]): void {
    this.latest = new Map(services.map((usage) => [usage.name, usage]));
    for (const name of this.#samples.keys()) if (!this.latest.has(name)) this.#samples.delete(name);
    for (const { name, cpus, memoryBytes } of services) {
      const samples = this.#samples.get(name) ?? { cpus: [], memory: [] };
      this.#samples.set(name, samples);
      push(samples.cpus, cpus ?? 0);
      push(samples.memory, Number(memoryBytes));
    }
  }

  of(name: string): Usage {
    return this.#samples.get(name) ?? { cpus: [], memory: [] };
  }
}

function push(samples: number[], value: number): void {
  samples.push(value);
  if (samples.length > HELD) samples.shift();
}
