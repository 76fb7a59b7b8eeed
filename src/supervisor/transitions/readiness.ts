/** When a run counts as ready, and when it no longer does. */

import type { Definition } from '../definition/definition.js';
import { describeCrashLoop } from '../describe-exit.js';
import { type Facts, type In, type Now, processOf, type Step } from '../machine.js';
import { countStartFailure } from './counters.js';
import { type Act, changeRun, enter, keep } from './rule.js';
import { terminate } from './termination.js';
import { durationOf, later } from './times.js';

/** How the trouble of a service begins that has reached its `start_timeout`. */
export const NOT_READY = 'was not ready';

/** The delay makes the service ready, or it was not ready in time. */
export const settled: Act<'timer', 'starting'> = (machine, _event, now) => {
  if (readyByDelay(now.definition)) return becomeUp(machine, now);
  if (machine.hold !== undefined) return keep(machine, { timerAtMs: undefined });
  const startedMs = Math.round(durationOf(machine, now.nowMs));
  const why = machine.trouble === '' ? '' : ` (${machine.trouble})`;
  const trouble = `${NOT_READY} ${startedMs} ms after its start${why}`;
  const failed = { ...countStartFailure(machine), restartReason: 'start_failure' as const };
  const next = now.definition.policy.restart === 'no' ? 'gave_up' : 'backoff';
  return terminate(failed, now, { cause: { kind: 'check' }, next, trouble });
};

export const becomesReady: Act<'ready', 'starting'> = (machine, _event, now) =>
  now.definition.type === 'oneshot' ? keep(machine) : becomeUp(machine, now);

export const readyAgain: Act<'ready', 'up'> = (machine) =>
  keep(machine, {
    ...changeRun(machine, { reloading: false }),
    ...(machine.ready ? {} : { ready: true, trouble: '' }),
  });

/** Shows why the service is not ready yet. */
export const notReadyYet: Act<'unready', 'starting'> = (machine, { trouble }) => keep(machine, { trouble });

export const notReady: Act<'unready', 'up'> = (machine, { trouble }) => keep(machine, { ready: false, trouble });

function becomeUp(machine: In<'starting'>, now: Now): Step {
  const run = processOf(machine);
  if (run === undefined) return keep(machine);
  const { resetAfterMs } = now.definition.policy.restartDelay;
  const { lastExit } = machine;
  const hasLasted = durationOf(machine, now.nowMs) >= resetAfterMs;
  const consecutiveFailures = hasLasted ? 0 : machine.consecutiveFailures;
  return enter(machine, { state: 'up', run, ready: true }, now, {
    consecutiveFailures,
    trouble: isCrashLoop(consecutiveFailures) && lastExit ? describeCrashLoop(consecutiveFailures, lastExit) : '',
    timerAtMs: consecutiveFailures > 0 ? now.nowMs + resetAfterMs : undefined,
  });
}

export const forgiven: Act<'timer', 'up'> = (machine) =>
  keep(machine, {
    consecutiveFailures: 0,
    timerAtMs: undefined,
    trouble: machine.ready ? '' : machine.trouble,
  });

/** A service in a crash loop has to last before anybody relies on it. */
export const settleMs = (
  { consecutiveFailures }: Facts,
  { ready, policy }: Definition & { ready: { kind: 'delay' } },
): number =>
  isCrashLoop(consecutiveFailures) ? Math.max(ready.delayMs, policy.restartDelay.resetAfterMs) : ready.delayMs;

/** A single failure makes no crash loop. */
const isCrashLoop = (failures: number): boolean => failures > 1;

export const readyByDelay = (definition: Definition): definition is Definition & { ready: { kind: 'delay' } } =>
  definition.type === 'longrun' && definition.ready.kind === 'delay';

/** A start timeout that there is, is over no sooner than this. */
export const extendStart: Act<'extended', 'starting'> = (machine, { ms }, now) =>
  readyByDelay(now.definition) ? keep(machine) : keep(machine, { timerAtMs: later(machine.timerAtMs, now, ms) });
