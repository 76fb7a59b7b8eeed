/** The runs and failed starts that a service counts. */

import type { Machine } from '../machine.js';

/** The first start of all is no restart, whatever led to it. */
export function countStart<M extends Machine>(machine: M): M {
  const { restartReason, counters } = machine;
  const { starts, restarts } = counters;
  const counted =
    restartReason === undefined || starts === 0
      ? restarts
      : { ...restarts, [restartReason]: restarts[restartReason] + 1 };
  return { ...machine, counters: { ...counters, starts: starts + 1, restarts: counted } };
}

export const countStartFailure = <M extends Machine>(machine: M): M => ({
  ...machine,
  counters: { ...machine.counters, startFailures: machine.counters.startFailures + 1 },
});
