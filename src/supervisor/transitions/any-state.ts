/** Transitions that are possible in many states and lead to no other state. */

import { type Act, keep } from './rule.js';

/** The directory is there again before its service was forgotten: as if the service were new. */
export const restored: Act<'restored', 'stopping' | 'finishing'> = (machine, _event, now) =>
  machine.removed && !machine.startsForbidden
    ? keep(machine, {
        removed: false,
        desired: now.definition.enabled ? 'up' : 'down',
        cause: { kind: 'scan', message: 'its directory is there again' },
        restartReason: 'scan',
      })
    : keep(machine);

export const forbidStarts: Act<'forbid_starts'> = (machine) => keep(machine, { startsForbidden: true });

export const noteConditions: Act<'conditions'> = (machine, { unmet }) => keep(machine, { unmet });
