/** Transitions of a run that goes on: its own reports, and events from outside. */

import { pidOf, processOf } from '../machine.js';
import { type Act, changeRun, keep, type Running, type WithRun } from './rule.js';
import { termEffect } from './termination.js';

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

export const pause: Act<'paused', WithRun> = (machine, { paused }) => keep(machine, changeRun(machine, { paused }));

export const noteStatusText: Act<'status_text', WithRun> = (machine, { text }) =>
  keep(machine, changeRun(machine, { statusText: text }));

export const noteReloading: Act<'reloading', Running> = (machine) =>
  keep(machine, changeRun(machine, { reloading: true }));
