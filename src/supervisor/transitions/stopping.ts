/** A run is to end: by a stop, a restart, or a signal of sv. */

import { type In, type Now, processOf, type Step } from '../machine.js';
import { KILL_AGAIN_MS } from '../pacing.js';
import { type Act, changeRun, enter, keep, type Running } from './rule.js';
import { killAt, killSooner, NO_PLAN, nextSignalAt, termEffect, terminate, terminateEffect } from './termination.js';
import { earliest, graceMs, later } from './times.js';
import { desiredBy, isHeldBack, mayStart, stopped, wantAfterRun, wantRestart } from './wishes.js';

/** KILL comes no sooner than this, except in a shutdown: its deadline is that of the container. */
export const extendStop: Act<'extended', 'stopping'> = (machine, { ms }, now) =>
  machine.startsForbidden || processOf(machine)?.killSent
    ? keep(machine)
    : keep(machine, killAt(machine, later(machine.killAtMs, now, ms)));

export const stopRun: Act<'stop', Running> = (machine, event, now) =>
  terminate({ ...machine, ...stopped(machine, event) }, now, event);

export const restartRun: Act<'restart', Running> = (machine, event, now) =>
  mayStart(machine) && !isHeldBack(machine, event.cause)
    ? terminate({ ...machine, ...wantRestart(event.cause) }, now, event)
    : keep(machine);

/** Ends this run, however long it takes. A service that is wanted up is started again. */
export const endRun: Act<'end_run', Running> = (machine, { signal, cause }, now) => {
  const run = processOf(machine);
  if (run === undefined) return keep(machine);
  const killed = signal === 'KILL';
  return enter(
    machine,
    { state: 'stopping', run: { ...run, killSent: run.killSent || killed }, next: 'start', ...NO_PLAN },
    now,
    { ...wantAfterRun(machine, cause), cause, trouble: '' },
    killed ? { type: 'kill', group: false } : termEffect(machine, now),
  );
};

/** A later order cannot put the KILL off, only bring it forward. */
export const stopSooner: Act<'stop', 'stopping'> = (machine, event, now) => {
  const { cause } = event;
  const change = { ...stopped(machine, event), cause, ...killSooner(machine, now, graceMs(event, now)) };
  return keep(machine, change, ...(event.insist ? [terminateEffect({ ...machine, ...change }, now)] : []));
};

export const startAfterStop: Act<'start', 'stopping'> = (machine, event) =>
  mayStart(machine)
    ? keep(machine, { desired: desiredBy(event), cause: event.cause, releasing: false, next: 'start' })
    : keep(machine);

export const restartAfterStop: Act<'restart', 'stopping'> = (machine, event, now) =>
  mayStart(machine)
    ? keep(machine, {
        ...wantRestart(event.cause),
        cause: event.cause,
        next: 'start',
        ...killSooner(machine, now, graceMs(event, now)),
      })
    : keep(machine);

/** KILL by order goes to the process alone. */
export const endRunStopping: Act<'end_run', 'stopping'> = (machine, { signal }, now) =>
  signal === 'TERM'
    ? keep(machine, {}, termEffect(machine, now))
    : keep(machine, killSent(machine, now), { type: 'kill', group: false });

export const termSent: Act<'term_sent', 'stopping'> = (machine) =>
  keep(machine, changeRun(machine, { termSent: true }));

/** The next stop signal, or KILL. */
export const insist = (machine: In<'stopping'>, event: unknown, now: Now): Step => {
  const { nextSignalAtMs, killAtMs } = machine;
  if (nextSignalAtMs === undefined || now.nowMs < nextSignalAtMs || (killAtMs !== undefined && now.nowMs >= killAtMs))
    return kill(machine, event, now);
  const signalIndex = machine.signalIndex + 1;
  const plan = { signalIndex, nextSignalAtMs: nextSignalAt(now, signalIndex), killAtMs };
  const change = { ...plan, timerAtMs: earliest(plan.nextSignalAtMs, killAtMs) };
  return keep(machine, change, { ...terminateEffect({ ...machine, ...change }, now), how: 'signal', after: undefined });
};

/**
 * TERM was not enough. KILL goes to the process as well as its group: the process may not lead a
 * group yet.
 */
export const kill = (machine: In<'stopping'>, _event: unknown, now: Now): Step =>
  keep(
    machine,
    {
      ...killSent(machine, now),
      nextSignalAtMs: undefined,
      killAtMs: now.nowMs + KILL_AGAIN_MS,
      timerAtMs: now.nowMs + KILL_AGAIN_MS,
    },
    { type: 'kill', group: true },
  );

function killSent(machine: In<'stopping'>, now: Now): Partial<In<'stopping'>> {
  const { counters } = machine;
  const again = processOf(machine)?.killSent === true;
  return {
    ...changeRun(machine, { killSent: true }),
    trouble: `had not ended ${Math.round(now.nowMs - machine.stateSinceMs)} ms after TERM and was sent KILL`,
    counters: again ? counters : { ...counters, kills: counters.kills + 1 },
  };
}
