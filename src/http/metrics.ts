import type { RpcStats } from '../grpc/rpc-stats.js';
import { monotonicMs } from '../process/clock.js';
import type { ContainerLimits } from '../resources/container-limits.js';
import type { ServiceUsage, UsageSample } from '../resources/service-usage.js';
import type { LogStatistics } from '../types/logs.js';
import type { ServiceView } from '../types/service.js';
import type { System } from '../types/system.js';
import { controllerMetrics, measureEventLoopLag } from './metrics/controller-metrics.js';
import type { Family } from './metrics/family.js';
import { limitMetrics } from './metrics/limit-metrics.js';
import { logMetrics } from './metrics/log-metrics.js';
import { resourceMetrics } from './metrics/resource-metrics.js';
import { rpcMetrics } from './metrics/rpc-metrics.js';
import { PARTS, type Part, scrapeMetrics } from './metrics/scrape-metrics.js';
import { serviceMetrics } from './metrics/service-metrics.js';
import { reapingMetrics, systemMetrics } from './metrics/system-metrics.js';
import { steadyWallClock } from './metrics/wall-clock.js';

/** Scrapers that come together share one look at the processes. */
const PROCESSES_MAX_AGE_MS = 1000;

export interface MetricsSources {
  readonly services: ServiceView;
  readonly system: System;
  readonly rpc: RpcStats;
  readonly logs: LogStatistics;
  readonly limits: ContainerLimits;
  readonly usage: ServiceUsage;
  readonly log: (message: string) => void;
}

/**
 * All metrics of my_init. Nothing is kept up to date between scrapes: the numbers live where the
 * things happen.
 */
export class Metrics {
  readonly #sources: MetricsSources;
  readonly #clock = steadyWallClock();
  readonly #errors = new Map<Part, number>();
  #rejected = 0;
  #durationSeconds = 0;

  constructor(sources: MetricsSources) {
    this.#sources = sources;
  }

  /**
   * The families as they are now, in a fixed order. A part that cannot be read is left out,
   * counted, and logged the first time.
   */
  async collect(): Promise<readonly Family[]> {
    const lagSeconds = await measureEventLoopLag();
    const startedAtMs = monotonicMs();
    const families = PARTS.flatMap((part) => this.#attempt(part, lagSeconds));
    const scrape = scrapeMetrics({
      errors: this.#errors,
      rejected: this.#rejected,
      durationSeconds: this.#durationSeconds,
    });
    this.#durationSeconds = (monotonicMs() - startedAtMs) / 1000;
    return [...families, ...scrape];
  }

  /** A scrape was turned away. */
  reject(): void {
    this.#rejected += 1;
  }

  #attempt(part: Part, lagSeconds: number): readonly Family[] {
    try {
      return this.#part(part, lagSeconds);
    } catch (error) {
      const before = this.#errors.get(part) ?? 0;
      this.#errors.set(part, before + 1);
      if (before === 0) this.#sources.log(`metrics: ${part} cannot be read and are left out: ${String(error)}`);
      return [];
    }
  }

  #part(part: Part, lagSeconds: number): readonly Family[] {
    const { services, system, rpc, logs, limits } = this.#sources;
    const names = (): readonly string[] => services.list().map(({ name }) => name);
    switch (part) {
      case 'services':
        return serviceMetrics(services.list(), this.#clock);
      case 'resources':
        return resourceMetrics(names(), this.#processes().use);
      case 'reaping':
        return reapingMetrics(system.reaping, this.#processes().list, names());
      case 'logs':
        return logMetrics(logs);
      case 'system':
        return systemMetrics(system, this.#clock);
      case 'limits':
        return limitMetrics(limits.look());
      case 'api':
        return rpcMetrics(rpc);
      case 'controller':
        return controllerMetrics(this.#clock.seconds(system.info.controllerStartedAtMs), lagSeconds);
    }
  }

  #processes(): UsageSample {
    return this.#sources.usage.look(PROCESSES_MAX_AGE_MS);
  }
}
