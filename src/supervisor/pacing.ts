/** How fast a service that does not stay up is started again. All times are milliseconds. */

/** A run that lasted this long is followed by the next at once: runit's rule against busy loops. */
export const SHORT_RUN_MS = 1_000;
/** The first delay after a short run; it doubles with each further one. */
const BACKOFF_FIRST_MS = 1_000;
const BACKOFF_LIMIT_MS = 30_000;
/** Up for this long, a service is forgiven its earlier failures. */
export const FORGIVEN_AFTER_MS = 10_000;
/** A process that lives this long has started: long enough for a daemon to trip over a bad option or a port in use. */
export const SETTLE_MS = 250;
/** How long a service is let go of by `sv exit`: sv(8) looks every 0.42 s whether its
 * supervisor is gone, and may be slow at it. runsvdir(8) takes up to 5 s. */
export const LEFT_MS = 2_000;
/** A process that KILL did not end yet (it sleeps in the kernel) is sent it again. */
export const KILL_AGAIN_MS = 1_000;

/** The delay after so many failures in a row, ±10 % so that services that failed together do not start together. */
export const backOffMs = (failures: number, random: number): number =>
  Math.min(BACKOFF_LIMIT_MS, BACKOFF_FIRST_MS * 2 ** (failures - 1)) * jitter(random);

/** What cannot be started as it stands waits for its directory to change; this is for what cannot be seen there. */
export const retryMs = (random: number): number => BACKOFF_LIMIT_MS * jitter(random);

const jitter = (random: number): number => 0.9 + 0.2 * random;
