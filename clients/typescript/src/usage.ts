import type { Connection } from './connection.js';
import { durationOf } from './duration.js';
import { WatchUsageRequest, type WatchUsageResponse } from './gen/my_init/v1/services.js';
import { Services } from './methods.js';
import { reconnect } from './reconnect.js';
import { type Names, selectorOf } from './selector.js';

export interface UsageOptions {
  /** The time between samples, 250 ms to 1 min; 2 s when undefined. */
  readonly intervalMs?: number;
  /** Ends it; the iterator throws CANCELLED. */
  readonly signal?: AbortSignal;
}

/**
 * A connection that misses samples for so long is replaced: so many intervals, and time for a busy
 * machine.
 */
const SAMPLES_MISSED = 2.5;
const BUSY_MS = 5_000;

/**
 * The resources that the processes of services use, sample by sample. When the controller, the
 * container or the link is replaced, the samples go on by themselves; the first sample after that
 * has no `cpus`.
 */
export async function* watchUsage(
  connection: Connection,
  names?: Names,
  { intervalMs, signal }: UsageOptions = {},
): AsyncGenerator<WatchUsageResponse, void, undefined> {
  const request = WatchUsageRequest.fromPartial({ selector: selectorOf(names), interval: durationOf(intervalMs) });
  yield* reconnect(connection, Services.watchUsage, {
    request: () => request,
    endless: true,
    silenceMs: ({ intervalSeconds }) => intervalSeconds * 1000 * SAMPLES_MISSED + BUSY_MS,
    signal,
  });
}
