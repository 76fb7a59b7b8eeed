/** How fast a service that does not stay up is started again. All times are milliseconds. */

import type { Now } from './machine.js';

/** A run that lasted this long is followed by the next at once: runit's rule against busy loops. */
export const SHORT_RUN_MS = 1_000;
/** `sv exit` releases a service for this long: sv(8) looks every 0.42 s whether its
 * supervisor is gone, and may be slow at it. runsvdir(8) takes up to 5 s. */
export const RELEASED_MS = 2_000;
/** A process that KILL did not end yet (it sleeps in the kernel) is sent it again. */
export const KILL_AGAIN_MS = 1_000;
/**
 * Retry interval of `failed`, for fixes outside the service directory: an interpreter was
 * installed.
 */
const RETRY_MS = 30_000;
/** Of the retry interval. */
const RETRY_JITTER = 0.1;

/**
 * The delay after so many failures in a row; jitter, so that services that failed together do not
 * start together.
 */
export function delayMs(failures: number, { definition, random }: Now): number {
  const { initialMs, factor, maxMs, jitter } = definition.policy.restartDelay;
  return Math.min(maxMs, initialMs * factor ** (failures - 1)) * jittered(jitter, random);
}

export const retryMs = ({ random }: Now): number => RETRY_MS * jittered(RETRY_JITTER, random);

const jittered = (jitter: number, random: number): number => 1 - jitter + 2 * jitter * random;
