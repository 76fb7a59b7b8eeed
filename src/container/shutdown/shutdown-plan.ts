/** Less than Docker's 10 s, with room for the runtime's own work. */
const DEFAULT_TIMEOUT_MS = 8_000;
/** What the hooks and the last processes get beside the times that somebody set. */
const BESIDE_MS = 2_000;

/** How the time that is left is shared among the stages that are still to come. */
const SHARES = {
  'startup script': 2,
  'main command': 3,
  'pre-shutdown hooks': 1,
  services: 4,
  'post-shutdown hooks': 1,
  'the rest': 0.5,
};

export type Stage = keyof typeof SHARES;

/** What was configured of the times, in milliseconds; undefined where nobody set them, 0 where there is to be no limit. */
export interface ShutdownLimits {
  readonly shutdownTimeoutMs: number | undefined;
  /** KILL_PROCESS_TIMEOUT: for the main command, and for the services. */
  readonly killProcessTimeoutMs: number | undefined;
  /** KILL_ALL_PROCESSES_TIMEOUT: for what is left at the end. */
  readonly killAllTimeoutMs: number | undefined;
}

/** How long the whole shutdown may take. The variables of baseimage-docker have their time where no other one was set. */
export function shutdownTimeoutOf(limits: ShutdownLimits): number {
  const { shutdownTimeoutMs, killProcessTimeoutMs = 0, killAllTimeoutMs = 0 } = limits;
  if (shutdownTimeoutMs !== undefined) return shutdownTimeoutMs;
  return Math.max(DEFAULT_TIMEOUT_MS, 2 * killProcessTimeoutMs + killAllTimeoutMs + BESIDE_MS);
}

/**
 * How long a stage may take: its share of what is left among the stages still to come (`coming`, this one included), or
 * the time that a variable of baseimage-docker gives it, which can be longer only where the deadline was made to hold it.
 */
export function stageLimit(stage: Stage, coming: readonly Stage[], leftMs: number, limits: ShutdownLimits): number {
  const whole = coming.reduce((sum, name) => sum + SHARES[name], 0);
  const shareMs = (leftMs * SHARES[stage]) / whole;
  const ownMs = ownLimit(stage, limits);
  if (ownMs === 0) return shareMs;
  return Math.min(ownMs, limits.shutdownTimeoutMs === undefined ? leftMs : shareMs);
}

function ownLimit(stage: Stage, limits: ShutdownLimits): number {
  switch (stage) {
    case 'main command':
    case 'services':
      return limits.killProcessTimeoutMs ?? 0;
    case 'the rest':
      return limits.killAllTimeoutMs ?? 0;
    case 'startup script':
    case 'pre-shutdown hooks':
    case 'post-shutdown hooks':
      return 0;
    default:
      return stage satisfies never;
  }
}
