import { type ControlGroup, makeGroup } from './control-group.js';

const PERIOD_US = 100_000;

/**
 * A cgroup that gets a part of one CPU, in v1 or v2; undefined where neither can be written, as in
 * most containers.
 */
export function cpuGroup(percent: number): ControlGroup | undefined {
  const quotaUs = (percent * PERIOD_US) / 100;
  return (
    makeGroup('/sys/fs/cgroup/cpu', 'cpu.cfs_quota_us', String(quotaUs)) ??
    makeGroup('/sys/fs/cgroup', 'cpu.max', `${quotaUs} ${PERIOD_US}`)
  );
}
