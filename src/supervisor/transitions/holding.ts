/** A held service: until the hold ends, only people act on it. */

import type { Cause } from '../../types/service.js';
import type { Machine } from '../machine.js';
import { begin } from './next-run.js';
import { readyByDelay } from './readiness.js';
import { type Act, enter, keep } from './rule.js';
import { isSpared, nextSignalAt, terminateEffect } from './termination.js';
import { dueAt, earliest } from './times.js';

export const hold: Act<'hold'> = (machine, event) => keep(machine, { hold: event.hold });

/** No attempt comes before the hold ends. */
export const holdInBackoff: Act<'hold', 'backoff'> = (machine, event, now) =>
  enter({ ...machine, hold: event.hold }, { state: 'waiting' }, now, {});

/**
 * While the service lives, is stopped for a person, or is down: the checks go on, and that is all.
 */
export const release: Act<'release'> = (machine) => keep(machine, { hold: undefined });

export const releaseWaiting: Act<'release', 'waiting'> = (machine, event, now) =>
  machine.hold === undefined ? keep(machine) : begin({ ...machine, hold: undefined }, now, causeOf(machine, event));

/** A service that ended for good while it was held takes the container with it now. */
export const releaseAtEnd: Act<'release', 'failed' | 'completed'> = (machine) =>
  machine.hold === undefined || machine.shutdownCode === undefined
    ? keep(machine, { hold: undefined })
    : keep(machine, { hold: undefined }, { type: 'shutdown', code: machine.shutdownCode });

/** The time in which it has to be ready counts from now. */
export const releaseStarting: Act<'release', 'starting'> = (machine, _event, now) => {
  if (machine.hold === undefined || machine.timerAtMs !== undefined || readyByDelay(now.definition))
    return keep(machine, { hold: undefined });
  return keep(machine, { hold: undefined, timerAtMs: dueAt(now, now.definition.startTimeoutMs) });
};

/** A shutdown that spared the service asks it to end after all. */
export const releaseStopping: Act<'release', 'stopping'> = (machine, _event, now) => {
  if (!isSpared(machine)) return keep(machine, { hold: undefined });
  const nextSignalAtMs = nextSignalAt(now, 0);
  const timerAtMs = earliest(nextSignalAtMs, machine.killAtMs);
  return keep(machine, { hold: undefined, nextSignalAtMs, timerAtMs }, terminateEffect(machine, now));
};

const causeOf = (machine: Machine, { cause }: { readonly cause?: Cause }): Cause => cause ?? machine.cause;
