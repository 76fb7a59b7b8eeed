/** From the order to start to the process of the run. */

import { describeUnmet } from '../describe-unmet.js';
import type { Machine, MachineEvent, Now, Run } from '../machine.js';
import { retryMs } from '../pacing.js';
import { countStart, countStartFailure } from './counters.js';
import { afterFailure, begin, giveUpStarting, settleDown, withoutProcess } from './next-run.js';
import { readyByDelay, settleMs } from './readiness.js';
import { type Act, keep } from './rule.js';
import { terminateEffect } from './termination.js';
import { dueAt } from './times.js';
import { CHANGED, desiredBy, isHeldBack, mayStart, wantRestart } from './wishes.js';

export const start: Act<'start'> = (machine, event, now) =>
  mayStart(machine)
    ? begin({ ...machine, desired: desiredBy(event), consecutiveFailures: 0 }, now, event.cause)
    : keep(machine);

export const restart: Act<'restart'> = (machine, event, now) =>
  mayStart(machine) && !isHeldBack(machine, event.cause)
    ? begin({ ...machine, ...wantRestart(event.cause), consecutiveFailures: 0 }, now, event.cause)
    : keep(machine);

/** The delay is over. A service that cannot be started is not tried while it is held. */
export const retry: Act<'timer'> = (machine, _event, now) =>
  machine.hold === undefined
    ? begin(machine, now, machine.cause)
    : keep(machine, { timerAtMs: now.nowMs + retryMs(now) });

export const retryChanged: Act<'changed'> = (machine, _event, now) =>
  begin({ ...machine, consecutiveFailures: 0, restartReason: 'scan' }, now, CHANGED);

export const conditionsInWaiting: Act<'conditions', 'waiting'> = (machine, { unmet }, now) =>
  unmet.length === 0
    ? begin({ ...machine, unmet, trouble: '' }, now, machine.cause)
    : keep(machine, { unmet, trouble: describeUnmet(unmet) });

/** The run goes on or begins: only what is wanted after it can change. */
export const wantUp: Act<'start'> = (machine, event) =>
  mayStart(machine) ? keep(machine, { desired: desiredBy(event) }) : keep(machine);

export const prepared: Act<'prepared', 'starting'> = (machine, _event, now) => {
  if (!mayStart(machine)) return settleDown(machine, now);
  const { startedAtMs, changed } = machine.run;
  return keep(machine, { run: { stage: 'spawn', startedAtMs, changed } }, { type: 'spawn' });
};

/** A stop arrived while `control/u` ran: the spawn is called off. */
export const preparedTooLate: Act<'prepared', 'stopping'> = (machine, _event, now) => withoutProcess(machine, now);

export const spawned: Act<'spawned', 'starting'> = (machine, event, now) =>
  keep(countStart(machine), {
    run: runOfProcess(machine.run, event, now),
    restartReason: undefined,
    timerAtMs: readyByDelay(now.definition)
      ? now.nowMs + settleMs(machine, now.definition)
      : dueAt(now, now.definition.startTimeoutMs),
  });

/**
 * A stop arrived while the process was being spawned: terminate it. `restartReason` stays, for the
 * start after the stop.
 */
export const spawnedTooLate: Act<'spawned', 'stopping'> = (machine, event, now) =>
  keep(countStart(machine), { run: runOfProcess(machine.run, event, now) }, terminateEffect(machine, now));

export const spawnFailed: Act<'spawn_failed', 'starting'> = (machine, event, now) => {
  const counted: Machine = { ...countStartFailure(machine), restartReason: 'start_failure' };
  if (event.forGood && !mayStart(machine)) return settleDown(counted, now);
  return event.forGood
    ? giveUpStarting(counted, now, event.trouble)
    : afterFailure(counted, now, 'backoff', event.trouble);
};

export const spawnFailedStopping: Act<'spawn_failed', 'stopping'> = (machine, _event, now) =>
  withoutProcess(countStartFailure(machine), now);

export const noteChange: Act<'changed', 'starting'> = (machine) =>
  keep(machine, { run: { ...machine.run, changed: true } });

type Spawned = Extract<MachineEvent, { type: 'spawned' }>;

const runOfProcess = ({ startedAtMs, changed }: Run, { pid, atMs }: Spawned, { nowMs }: Now): Run => ({
  stage: 'process',
  startedAtMs,
  spawnedAtMs: atMs ?? nowMs,
  changed,
  pid,
  session: pid,
  mainPid: 0,
  paused: false,
  statusText: '',
  reloading: false,
  endRequestedBy: undefined,
  termSent: false,
  killSent: false,
});
