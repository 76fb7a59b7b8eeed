import type { ShutdownTimes } from '../../supervisor/stop-times.js';

/** A process is gone this long after KILL, or sleeps in the kernel. */
export const AFTER_KILL_MS = 500;
/** Less than Docker's 10 s, with room for the runtime's own work. */
const DEFAULT_TIMEOUT_MS = 8_000;
/** For hooks and the last processes, added to the times of baseimage-docker. */
const BESIDE_MS = 2_000;

/**
 * The part of the whole time that is kept for a stage while an earlier one still works. All else is
 * for the earlier one.
 */
const RESERVED = {
  'startup script': 0.05,
  'main command': 0.2,
  'pre-shutdown hooks': 0.1,
  services: 0.25,
  'post-shutdown hooks': 0.1,
  'the rest': 0.05,
};

export type Stage = keyof typeof RESERVED;

/** The configured times in milliseconds; undefined if not set, Infinity for no limit. */
export interface ShutdownLimits {
  readonly shutdownTimeoutMs: number | undefined;
  /** KILL_PROCESS_TIMEOUT: for the main command, and for the services. */
  readonly killProcessTimeoutMs: number | undefined;
  /** KILL_ALL_PROCESSES_TIMEOUT: for the last processes. */
  readonly killAllTimeoutMs: number | undefined;
}

/**
 * How long the whole shutdown may take. The variables of baseimage-docker have their time where no
 * other one was set.
 */
export function shutdownTimeoutOf(limits: ShutdownLimits): number {
  const { shutdownTimeoutMs, killProcessTimeoutMs, killAllTimeoutMs } = limits;
  if (shutdownTimeoutMs !== undefined) return shutdownTimeoutMs;
  return Math.max(DEFAULT_TIMEOUT_MS, 2 * orNone(killProcessTimeoutMs) + orNone(killAllTimeoutMs) + BESIDE_MS);
}

/** How much of the shutdown there is. */
export interface ShutdownTime {
  readonly wholeMs: number;
  readonly leftMs: number;
}

/**
 * How long a stage may take: the rest of the time without the shares reserved for later stages of
 * `coming` (which includes this one), or the time that a variable of baseimage-docker gives it.
 * That time can be longer only if the deadline was computed from it.
 */
export function stageLimit(
  stage: Stage,
  coming: readonly Stage[],
  { wholeMs, leftMs }: ShutdownTime,
  limits: ShutdownLimits,
): number {
  const part = (stages: readonly Stage[]): number => stages.reduce((sum, name) => sum + RESERVED[name], 0);
  const laterMs = wholeMs * part(coming.filter((name) => name !== stage));
  // An earlier stage may have taken more than its own: then the rest is shared.
  const limitMs = Math.max(leftMs - laterMs, (leftMs * RESERVED[stage]) / part(coming));
  const own = ownLimit(stage, limits);
  return own === undefined ? limitMs : Math.min(own, limits.shutdownTimeoutMs === undefined ? leftMs : limitMs);
}

/** The longest that services may take before they are killed: where no hook takes part of it. */
export function servicesTime(limits: ShutdownLimits): ShutdownTimes {
  const shutdownMs = shutdownTimeoutOf(limits);
  const limitMs = stageLimit('services', ['services', 'the rest'], { wholeMs: shutdownMs, leftMs: shutdownMs }, limits);
  const own = ownLimit('services', limits);
  return { shutdownMs, servicesMs: own === undefined ? limitMs - Math.min(AFTER_KILL_MS, limitMs / 10) : limitMs };
}

/** The limit that a variable of baseimage-docker sets; undefined where none does. */
export function ownLimit(stage: Stage, limits: ShutdownLimits): number | undefined {
  switch (stage) {
    case 'main command':
    case 'services':
      return finite(limits.killProcessTimeoutMs);
    case 'the rest':
      return finite(limits.killAllTimeoutMs);
    case 'startup script':
    case 'pre-shutdown hooks':
    case 'post-shutdown hooks':
      return undefined;
    default:
      return stage satisfies never;
  }
}

const finite = (ms: number | undefined): number | undefined => (Number.isFinite(ms) ? ms : undefined);
const orNone = (ms: number | undefined): number => finite(ms) ?? 0;
