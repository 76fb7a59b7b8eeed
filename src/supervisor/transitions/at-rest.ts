/** Without a process: down, waiting, failed or completed. */

import { settleDown } from './next-run.js';
import { type Act, keep } from './rule.js';
import { isFinal, stopped } from './wishes.js';

/** Waits, has failed or has completed. */
export const giveUp: Act<'stop'> = (machine, event, now) => {
  const trouble = isFinal(event) ? machine.trouble : '';
  return settleDown({ ...machine, ...stopped(machine, event), trouble }, now, event.cause);
};

export const giveUpForGood: Act<'forbid_starts'> = (machine, _event, now) =>
  settleDown({ ...machine, startsForbidden: true }, now, { kind: 'shutdown' });

export const stayDown: Act<'stop', 'down'> = (machine, event, now) =>
  event.why === 'released' || event.why === 'removed'
    ? giveUp(machine, event, now)
    : keep(machine, {
        ...stopped(machine, event),
        trouble: event.why === 'asked' ? '' : machine.trouble,
        timerAtMs: undefined,
      });

/**
 * The supervise files were released for long enough. The release stays on record until the start
 * is: the next controller starts over, too.
 */
export const startOver: Act<'timer', 'down'> = (machine) =>
  machine.releasing ? keep(machine, {}, { type: 'start_over' }) : keep(machine);
