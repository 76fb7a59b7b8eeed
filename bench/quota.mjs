/** A cgroup, v1 or v2, that gets a part of one CPU. */
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './container.mjs';

const PERIOD_US = 100_000;
const PLACES = [
  { root: '/sys/fs/cgroup/cpu', file: 'cpu.cfs_quota_us', limit: (quotaUs) => `${quotaUs}` },
  { root: '/sys/fs/cgroup', file: 'cpu.max', limit: (quotaUs) => `${quotaUs} ${PERIOD_US}` },
];

/**
 * `enter` is a shell command that puts its shell into the group. Undefined where no cgroup can be
 * made.
 */
export function quota(percent) {
  for (const { root, file, limit } of PLACES) {
    const directory = join(root, `my_init-bench-${process.pid}`);
    try {
      mkdirSync(directory);
      if (!existsSync(join(directory, file))) throw new Error(`${file} is missing`);
      writeFileSync(join(directory, file), limit((percent * PERIOD_US) / 100));
    } catch {
      if (existsSync(directory)) rmdirSync(directory);
      continue;
    }
    return { enter: `echo 0 > ${join(directory, 'cgroup.procs')}`, dispose: () => removed(directory) };
  }
  return undefined;
}

/** The kernel keeps a group until its last process is gone. */
const removed = (directory) =>
  until('the cgroup to be empty', 10_000, () => {
    try {
      rmdirSync(directory);
      return true;
    } catch {
      return false;
    }
  });
