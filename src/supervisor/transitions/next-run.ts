/** Transitions where no process is left: the next run, a delay, or none. */

import type { Cause } from '../../types/service.js';
import { describeUnmet } from '../describe-unmet.js';
import type { Effect, Facts, Machine, Now, Step } from '../machine.js';
import { delayMs, RELEASED_MS, retryMs } from '../pacing.js';
import { exitCodeOf, isOverLimit, recentFailures } from '../policy.js';
import { enter } from './rule.js';
import { isHeldBack, mayStart, WANT_DOWN } from './wishes.js';

/** How the trouble of a service begins that has reached its `start_limit`. */
export const GAVE_UP = 'gave up after';

/** Begins a run, or waits for its conditions; goes down where nothing may be started any more. */
export function begin(machine: Machine, now: Now, cause: Cause): Step {
  if (!mayStart(machine)) return settleDown(machine, now);
  if (machine.unmet.length > 0 || isHeldBack(machine, cause)) return wait(machine, now, cause);
  const run = { stage: 'prepare', startedAtMs: now.nowMs, changed: false } as const;
  // The advice that a failed service gave may just have been followed.
  const trouble = machine.state === 'failed' ? '' : machine.trouble;
  const change = { cause, runNumber: machine.runNumber + 1, releasing: false, trouble, shutdownCode: undefined };
  return enter(machine, { state: 'starting', run }, now, change, { type: 'prepare' });
}

/** For its conditions, or for the end of the hold. */
export function wait(machine: Machine, now: Now, cause: Cause): Step {
  const change = { cause, releasing: false, trouble: describeUnmet(machine.unmet), timerAtMs: undefined };
  return machine.state === 'waiting'
    ? { machine: { ...machine, ...change }, effects: [] }
    : enter(machine, { state: 'waiting' }, now, change);
}

export function withoutProcess(machine: Machine, now: Now): Step {
  return machine.desired === 'down' ? settleDown(machine, now) : begin(machine, now, machine.cause);
}

export function settleDown(machine: Machine, now: Now, cause = machine.cause): Step {
  const releasing = machine.releasing && mayStart(machine);
  const change = {
    ...WANT_DOWN,
    cause,
    releasing,
    consecutiveFailures: 0,
    timerAtMs: releasing ? now.nowMs + RELEASED_MS : undefined,
  };
  return enter(machine, { state: 'down' }, now, change, ...(machine.removed ? [{ type: 'forget' } as const] : []));
}

/** One more failure in a row: the next attempt comes sooner, later or never. */
export function afterFailure(machine: Machine, now: Now, next: 'start' | 'backoff' | 'failed', trouble: string): Step {
  if (!mayStart(machine)) return settleDown(machine, now);
  if (machine.hold !== undefined && next !== 'failed') return wait(machine, now, machine.cause);
  const { policy } = now.definition;
  const consecutiveFailures = machine.consecutiveFailures + 1;
  const failuresAtMs = recentFailures(policy, machine.failuresAtMs, now.nowMs);
  const counted: Machine = { ...machine, consecutiveFailures, failuresAtMs };
  if (isOverLimit(policy, failuresAtMs)) {
    const code = machine.state === 'finishing' ? exitCodeOf(machine.ended.status) : 1;
    const limit = `${GAVE_UP} ${failuresAtMs.length} failed starts: ${trouble}`;
    return giveUpStarting(machine, now, limit, policy.startLimit?.then === 'shutdown' ? code : undefined);
  }
  switch (next) {
    case 'start':
      return begin(counted, now, machine.cause);
    case 'backoff':
      return enter(counted, { state: 'backoff' }, now, {
        trouble,
        timerAtMs: now.nowMs + delayMs(consecutiveFailures, now),
      });
    case 'failed':
      return enter(counted, { state: 'failed' }, now, { trouble, timerAtMs: now.nowMs + retryMs(now) });
    default:
      return next satisfies never;
  }
}

/** `failed`, and not tried again by itself. */
export function giveUpStarting(machine: Machine, now: Now, trouble: string, shutdownCode?: number): Step {
  const change = { consecutiveFailures: machine.consecutiveFailures + 1, failuresAtMs: [], trouble };
  return enter(machine, { state: 'failed' }, now, ...forGood(machine, now, change, shutdownCode));
}

/** A service that has ended for good may take the container with it. */
export function forGood(
  machine: Machine,
  now: Now,
  change: Partial<Facts>,
  asked?: number,
): readonly [Partial<Facts>, ...Effect[]] {
  const ended = machine.state === 'finishing' ? machine.ended : undefined;
  const ownCode = ended === undefined ? 1 : exitCodeOf(ended.status);
  const code = asked ?? ended?.shutdownCode ?? (now.definition.policy.essential ? ownCode : undefined);
  if (code === undefined) return [change];
  const effects: readonly Effect[] = machine.hold === undefined ? [{ type: 'shutdown', code }] : [];
  return [{ ...change, shutdownCode: code }, ...effects];
}
