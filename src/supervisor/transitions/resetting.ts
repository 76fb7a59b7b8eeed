/** Failures are forgotten, as if the service had never failed. */

import type { Facts } from '../machine.js';
import { begin } from './next-run.js';
import { type Act, keep, type Running } from './rule.js';

/** The delay is over, and what was given up is tried again. */
export const resetAtRest: Act<'reset', 'backoff' | 'failed'> = (machine, { cause }, now) =>
  begin({ ...machine, ...forgotten(machine), trouble: '' }, now, cause);

/** The trouble of a service without a process is about an earlier run. */
export const resetDown: Act<'reset', 'down'> = (machine) => keep(machine, { ...forgotten(machine), trouble: '' });

/** No run is touched. The crash loop is over. */
export const resetRunning: Act<'reset', Running> = (machine) => {
  if (machine.consecutiveFailures === 0) return keep(machine, forgotten(machine));
  const ready = machine.state === 'up' && machine.ready;
  return keep(machine, {
    ...forgotten(machine),
    ...(ready && { trouble: '' }),
    // In `starting` the timer is about readiness.
    ...(machine.state === 'up' && { timerAtMs: undefined }),
  });
};

export const reset: Act<'reset'> = (machine) => keep(machine, forgotten(machine));

const forgotten = ({ failuresAtMs }: Facts) => ({
  consecutiveFailures: 0,
  failuresAtMs: failuresAtMs.length === 0 ? failuresAtMs : [],
});
