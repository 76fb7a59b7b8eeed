import { type ServiceUsage, watchUsage } from '../typescript/src/index.js';
import type { Context } from './context.js';
import { memory } from './text/memory.js';

/**
 * The shortest time over which my_init measures: a percent of it is hardly more than a tick of the
 * kernel.
 */
const INTERVAL_MS = 250;
/** The usage is an extra: nobody waits long for it. */
const TIMEOUT_MS = 5_000;

/**
 * The resources that services use, measured over a moment. Empty if an older my_init does not
 * report them.
 */
export async function serviceUsage(context: Context): Promise<ReadonlyMap<string, ServiceUsage>> {
  const options = { intervalMs: INTERVAL_MS, signal: AbortSignal.timeout(TIMEOUT_MS) };
  let services: readonly ServiceUsage[] = [];
  try {
    for await (const sample of watchUsage(context.connection, context.operands, options)) {
      services = sample.services;
      if (services.every(({ cpus }) => cpus !== undefined)) break;
    }
  } catch {
    // The services are there without it.
  }
  return new Map(services.map((usage) => [usage.name, usage]));
}

/** `12%` of one CPU and `4.1M`; `-` for a service without a process. */
export function usageCells(usage: ServiceUsage | undefined): readonly [cpu: string, memory: string] {
  if (usage === undefined || usage.processes === 0) return ['-', '-'];
  return [usage.cpus === undefined ? '-' : `${Math.round(usage.cpus * 100)}%`, memory(usage.memoryBytes)];
}
