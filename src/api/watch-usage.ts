import type { ServerWritableStream } from '@grpc/grpc-js';
import type {
  ServiceUsage as UsageMessage,
  WatchUsageRequest,
  WatchUsageResponse,
} from '../../gen/my_init/v1/services.js';
import { wallClock } from '../process/clock.js';
import { NO_USE, type ResourceUse } from '../resources/resource-use.js';
import type { ServiceUsage, UsageSample } from '../resources/service-usage.js';
import type { ServiceControl } from '../types/operations.js';
import type { ServiceView } from '../types/service.js';
import { badArgument } from './errors.js';
import { millisecondsOf, selectorOf } from './from-proto.js';
import { expanded, matcherOf } from './selector.js';

const INTERVAL_MS = { min: 250, default: 2_000, max: 60_000 };

interface Sources {
  readonly view: ServiceView;
  readonly control: ServiceControl;
  readonly usage: ServiceUsage;
}

/**
 * `Services.WatchUsage`: a sample at once, then one in each interval. Samples that a client does
 * not read in time are not made.
 *
 * @returns the function that ends the call
 */
export function watchUsage(
  call: ServerWritableStream<WatchUsageRequest, WatchUsageResponse>,
  { view, control, usage }: Sources,
): () => void {
  const intervalMs = intervalOf(call.request);
  const selected = matcherOf(expanded(selectorOf(call.request.selector), control));
  let blocked = false;
  let before: UsageSample | undefined;

  const send = () => {
    if (blocked) return;
    const now = usage.look(intervalMs / 2);
    const names = view.list().flatMap(({ name }) => (selected(name) ? [name] : []));
    blocked = !call.write({
      time: wallClock(now.atMs),
      intervalSeconds: intervalMs / 1000,
      services: now.use === undefined ? [] : names.map((name) => usageMessage(name, now, before)),
    });
    before = now;
  };
  call.on('drain', () => {
    blocked = false;
  });
  const timer = setInterval(send, intervalMs);
  send();
  return () => clearInterval(timer);
}

/** @throws ApiError INVALID_ARGUMENT */
function intervalOf({ interval }: WatchUsageRequest): number {
  const asked = millisecondsOf(interval, 'interval') ?? INTERVAL_MS.default;
  if (asked < INTERVAL_MS.min || asked > INTERVAL_MS.max)
    throw badArgument('interval', 'must be from 250 milliseconds to 1 minute');
  return asked;
}

function usageMessage(name: string, now: UsageSample, before: UsageSample | undefined): UsageMessage {
  const use = now.use?.get(name) ?? NO_USE;
  return {
    name,
    cpuSeconds: use.cpuSeconds,
    cpus: cpusSince(use, now, before?.use?.get(name), before),
    memoryBytes: BigInt(use.residentBytes),
    processes: use.processes,
    threads: use.threads,
    openDescriptors: use.openDescriptors,
  };
}

function cpusSince(
  use: ResourceUse,
  now: UsageSample,
  usedBefore: ResourceUse | undefined,
  before: UsageSample | undefined,
): number | undefined {
  if (before === undefined || usedBefore === undefined || now.atMs <= before.atMs) return undefined;
  return Math.max(0, use.cpuSeconds - usedBefore.cpuSeconds) / ((now.atMs - before.atMs) / 1000);
}
