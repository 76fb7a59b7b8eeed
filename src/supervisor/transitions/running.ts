/** Transitions of a run that goes on: its own reports, and events from outside. */

import { pidOf, processOf } from '../machine.js';
import { type Act, changeRun, keep, type Running, type WithRun } from './rule.js';
import { termEffect, terminate } from './termination.js';
import { durationOf } from './times.js';

/** The run goes on with another process of it. */
export const succeeded: Act<'succeeded', WithRun> = (machine) => {
  const pid = processOf(machine)?.mainPid ?? 0;
  return pid === 0 ? keep(machine) : keep(machine, changeRun(machine, { pid, mainPid: 0 }));
};

export const noteMainPid: Act<'main_pid', WithRun> = (machine, { pid }) =>
  keep(machine, changeRun(machine, { mainPid: pid === pidOf(machine) ? 0 : pid }));

/**
 * A service that is wanted down gets what follows a stop, CONT and `control/d`: runsv(8) goes by
 * what is wanted.
 */
export const endRequested: Act<'end_requested', Running> = (machine, { cause }, now) => {
  const up = machine.desired === 'up';
  const change = changeRun(machine, { endRequestedBy: cause, ...(!up && { paused: false }) });
  return up ? keep(machine, change) : keep(machine, change, { ...termEffect(machine, now), how: 'done' });
};

/**
 * A run that soon uses too much memory has failed, whatever code it exits with after TERM. A hold
 * keeps it running.
 */
export const overMemory: Act<'over_memory', Running> = (machine, { trouble }, now) => {
  if (machine.hold !== undefined || machine.startsForbidden || pidOf(machine) === 0) return keep(machine);
  const { policy } = now.definition;
  const hasLasted = durationOf(machine, now.nowMs) >= policy.restartDelay.resetAfterMs;
  const isLast = policy.restart === 'no' || machine.desired === 'once';
  const next = isLast ? 'gave_up' : hasLasted ? 'start' : 'backoff';
  return terminate({ ...machine, restartReason: 'memory' }, now, {
    cause: { kind: 'memory', message: trouble },
    next,
    trouble,
  });
};

export const pause: Act<'paused', WithRun> = (machine, { paused }) => keep(machine, changeRun(machine, { paused }));

export const noteStatusText: Act<'status_text', WithRun> = (machine, { text }) =>
  keep(machine, changeRun(machine, { statusText: text }));

export const noteReloading: Act<'reloading', Running> = (machine) =>
  keep(machine, changeRun(machine, { reloading: true }));
