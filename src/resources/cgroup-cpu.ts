import { join } from 'node:path';
import { cgroupDirectories, firstKnown, readKey, readNumber, textOf } from './cgroup.js';

/** The CPU quota of the container. Undefined: not known, or no quota. */
export interface CpuQuota {
  /**
   * CPUs that may be used on average: 0.5 is half of one. The tightest, of our control group or one
   * above it.
   */
  readonly cpus: number | undefined;
  /** Time for which processes had to wait because the quota was used up. */
  readonly throttledSeconds: number | undefined;
}

/** Source: the kernel's cgroup-v2.rst and scheduler/sched-bwc.rst. */
export function cgroupCpu(files = '/'): CpuQuota {
  const directories = cgroupDirectories('cpu', files);
  const quotas = directories.flatMap((directory) => quotaV2(directory) ?? quotaV1(directory) ?? []);
  return {
    cpus: quotas.length === 0 ? undefined : Math.min(...quotas),
    throttledSeconds: firstKnown(directories, throttledSeconds),
  };
}

/** `cpu.max`: `50000 100000`, or `max 100000`. */
function quotaV2(directory: string): number | undefined {
  const [, quota, period] = /^(\d+) (\d+)$/.exec(textOf(join(directory, 'cpu.max')).trim()) ?? [];
  return quota === undefined ? undefined : Number(quota) / Number(period);
}

/** A quota of -1 is none. */
function quotaV1(directory: string): number | undefined {
  const quota = readNumber(join(directory, 'cpu.cfs_quota_us'));
  const period = readNumber(join(directory, 'cpu.cfs_period_us'));
  return quota === undefined || period === undefined ? undefined : quota / period;
}

function throttledSeconds(directory: string): number | undefined {
  const file = join(directory, 'cpu.stat');
  const microseconds = readKey(file, 'throttled_usec');
  if (microseconds !== undefined) return microseconds / 1e6;
  const nanoseconds = readKey(file, 'throttled_time');
  return nanoseconds === undefined ? undefined : nanoseconds / 1e9;
}
