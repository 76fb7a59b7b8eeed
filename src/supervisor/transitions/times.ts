/** Moments and durations of the rules, in monotonic milliseconds. */

import { type Machine, type Now, processOf } from '../machine.js';

export const graceMs = ({ timeoutMs }: { readonly timeoutMs?: number }, { definition }: Now): number =>
  timeoutMs ?? definition.stop.graceMs;

export const earliest = (one: number | undefined, other: number | undefined): number | undefined =>
  one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);

/** undefined: never. */
export const dueAt = ({ nowMs }: Pick<Now, 'nowMs'>, timeoutMs: number): number | undefined =>
  timeoutMs === Number.POSITIVE_INFINITY ? undefined : nowMs + timeoutMs;

export const later = (atMs: number | undefined, { nowMs }: Now, ms: number): number | undefined =>
  atMs === undefined ? undefined : Math.max(atMs, nowMs + ms);

/** How long the process of the run has lasted; 0 without one. */
export const durationOf = (machine: Machine, nowMs: number): number => {
  const spawnedMs = processOf(machine)?.spawnedAtMs ?? nowMs;
  return Math.max(0, nowMs - spawnedMs);
};
