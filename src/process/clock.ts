/** The monotonic clock in milliseconds: `CLOCK_MONOTONIC`, as in init. */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/**
 * The two clocks are read one after the other: this much apart, one was set, or the process did not
 * run in between.
 */
const TOLERANCE_NS = 2_000_000n;

const readOffsetNs = (): bigint => BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();

let offsetNs = steadyOffsetNs();

/**
 * The wall clock minus the monotonic one. The value is the same at each call, until the wall clock
 * is set.
 */
export function wallOffsetNs(): bigint {
  if (isOff(readOffsetNs())) {
    const measured = steadyOffsetNs();
    if (isOff(measured)) offsetNs = measured;
  }
  return offsetNs;
}

/**
 * The wall-clock time of a monotonic one, for display only: setting the clock changes the result.
 */
export const wallClock = (atMs: number): Date => new Date(Number(wallOffsetNs()) / 1e6 + atMs);

function isOff(measuredNs: bigint): boolean {
  const difference = measuredNs - offsetNs;
  return difference > TOLERANCE_NS || difference < -TOLERANCE_NS;
}

/** Of several readings the greatest was interrupted least. */
function steadyOffsetNs(): bigint {
  let greatest = readOffsetNs();
  for (let again = 0; again < 2; again++) {
    const reading = readOffsetNs();
    if (reading > greatest) greatest = reading;
  }
  return greatest;
}
