/** How a run is ended: the signals in their order, and the moment of KILL. */

import type { Cause } from '../../types/service.js';
import type { Facts, In, Next, Now, Step, StopPlan, TerminateEffect } from '../machine.js';
import { enter, type Running } from './rule.js';
import { dueAt, earliest, graceMs } from './times.js';

/** Ends a run as a stop does: like `sv down` and `sv exit` of runsv(8). */
export const terminateEffect = (
  machine: Facts & Partial<StopPlan>,
  { definition }: Pick<Now, 'definition'>,
): TerminateEffect => ({
  type: 'terminate',
  signal: definition.stop.signals[machine.signalIndex ?? 0]?.signal ?? 'SIGTERM',
  how: 'script',
  wake: true,
  after: machine.releasing || machine.removed ? 'x' : machine.desired === 'down' ? 'd' : undefined,
});

/**
 * TERM after `control/t` had its say, or without it. A service that is wanted down is ended as by a
 * stop.
 */
export const termEffect = (machine: Facts, now: Now): TerminateEffect =>
  machine.desired === 'up'
    ? { type: 'terminate', signal: 'SIGTERM', how: 'signal', wake: false, after: undefined }
    : { ...terminateEffect({ ...machine, desired: 'down' }, now), signal: 'SIGTERM', how: 'signal' };

export function terminate(
  machine: In<Running>,
  now: Now,
  order: {
    readonly cause: Cause;
    readonly timeoutMs?: number;
    readonly next?: Next;
    readonly trouble?: string;
  },
): Step {
  const { cause, next = 'start', trouble = '' } = order;
  const run = machine.run.stage === 'process' ? { ...machine.run, paused: false } : machine.run;
  const killAtMs = dueAt(now, graceMs(order, now));
  const spared = isSpared(machine);
  const plan = { signalIndex: 0, nextSignalAtMs: spared ? undefined : nextSignalAt(now, 0), killAtMs };
  const change = { cause, trouble, timerAtMs: earliest(plan.nextSignalAtMs, killAtMs) };
  const effects = spared ? [] : [terminateEffect(machine, now)];
  return enter(machine, { state: 'stopping', run, next, ...plan }, now, change, ...effects);
}

/** Whether the hold reaches through the shutdown: then no signal but KILL, at the deadline. */
export const isSpared = ({ hold, startsForbidden }: Facts): boolean =>
  hold?.throughShutdown === true && startsForbidden;

/** No time limit, and no other signal. */
export const NO_PLAN: StopPlan = { signalIndex: 0, nextSignalAtMs: undefined, killAtMs: undefined };

export function nextSignalAt({ nowMs, definition }: Now, index: number): number | undefined {
  const { signals } = definition.stop;
  const waitMs = signals[index]?.waitMs;
  return waitMs === undefined || index + 1 >= signals.length ? undefined : nowMs + waitMs;
}

export const killSooner = (plan: StopPlan, now: Now, timeoutMs: number) =>
  killAt(plan, earliest(plan.killAtMs, dueAt(now, timeoutMs)));

export const killAt = ({ nextSignalAtMs }: StopPlan, killAtMs: number | undefined) => ({
  killAtMs,
  timerAtMs: earliest(nextSignalAtMs, killAtMs),
});
