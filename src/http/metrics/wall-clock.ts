import { wallClock } from '../../process/clock.js';

/** Monotonic milliseconds as Unix time in seconds. */
export interface WallClock {
  seconds(atMs: number): number;
}

/**
 * The clock was set when the two have moved apart by more than this; less is the noise of reading
 * them one after the other.
 */
const STEP_MS = 500;

/**
 * A clock that says the same of the same moment each time, so that `changes()` of a timestamp means
 * a change. When the wall clock is set, all timestamps move with it.
 */
export function steadyWallClock(): WallClock {
  let originMs = wallClock(0).getTime();
  return {
    seconds: (atMs) => {
      const now = wallClock(0).getTime();
      if (Math.abs(now - originMs) > STEP_MS) originMs = now;
      return Math.round(originMs + atMs) / 1000;
    },
  };
}
