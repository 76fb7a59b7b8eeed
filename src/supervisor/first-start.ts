import { fieldsOf, numberOf, textOf, wordOf } from '../state/fields.js';
import type { FirstStart, ServiceName } from '../types/service.js';
import { type Machine, pidOf } from './machine.js';

/**
 * How the machine came here is part of the timeline of the boot, until the service has been ready
 * or has completed once.
 */
export function noteFirstStart(before: Machine, after: Machine, nowMs: number): Machine {
  const first = after.firstStart;
  if (first.outcome === 'ready' || first.outcome === 'completed') return after;
  const change = { ...waitOf(before, after), ...startOf(first, after, nowMs), ...outcomeOf(first, after, nowMs) };
  return Object.keys(change).length === 0 ? after : { ...after, firstStart: { ...first, ...change } };
}

/** The last condition to be met is the one that was waited for. */
function waitOf(before: Machine, after: Machine): Partial<FirstStart> {
  const last = before.state === 'waiting' && after.state !== 'waiting' ? before.unmet.at(-1) : undefined;
  return last === undefined ? {} : { waitedFor: last.on };
}

const startOf = ({ startedAtMs }: FirstStart, after: Machine, nowMs: number): Partial<FirstStart> =>
  startedAtMs === undefined && pidOf(after) !== 0 ? { startedAtMs: nowMs } : {};

/** A failed first start may still be followed by readiness. */
function outcomeOf({ outcome }: FirstStart, after: Machine, nowMs: number): Partial<FirstStart> {
  if (after.state === 'up' && after.ready) return { outcome: 'ready', endedAtMs: nowMs };
  if (after.state === 'completed') return { outcome: 'completed', endedAtMs: nowMs };
  if (after.state === 'failed' && outcome === undefined) return { outcome: 'failed', endedAtMs: nowMs };
  return {};
}

/**
 * A version without a timeline has recorded none: the service is as one that was wanted at `nowMs`.
 */
export function readFirstStart(value: unknown, nowMs: number): FirstStart {
  const { wantedAtMs, waitedFor, startedAtMs, endedAtMs, outcome } = fieldsOf(value);
  return {
    wantedAtMs: numberOf(wantedAtMs) ?? nowMs,
    waitedFor: (textOf(waitedFor) ?? '') as ServiceName | '',
    startedAtMs: numberOf(startedAtMs),
    endedAtMs: numberOf(endedAtMs),
    outcome: wordOf(outcome, ['ready', 'completed', 'failed'] as const),
  };
}
