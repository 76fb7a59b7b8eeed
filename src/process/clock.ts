/** The monotonic clock, in milliseconds: the one that `CLOCK_MONOTONIC` of init counts too. */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/** Reading two clocks one after the other is never exact: the same moment must not look like two. */
const TOLERANCE_MS = 5;
const READINGS = 3;
let offsetMs = Number.NaN;

/** The wall-clock time of a monotonic one, for display only: it moves with the clock when that is set. */
export function wallClock(atMs: number): Date {
  if (isOff(readOffsetMs())) {
    // Of several readings the greatest is the one that was interrupted least.
    const now = Math.max(...Array.from({ length: READINGS }, readOffsetMs));
    if (isOff(now)) offsetMs = now;
  }
  return new Date(offsetMs + atMs);
}

const readOffsetMs = (): number => Date.now() - monotonicMs();

const isOff = (readMs: number): boolean => !(Math.abs(readMs - offsetMs) <= TOLERANCE_MS);
