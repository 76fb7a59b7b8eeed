import { existsSync, mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const PERIOD_US = 100_000;

/** A cgroup that gets a part of one CPU. */
export interface CpuGroup {
  /** For a shell: puts itself into the group. */
  readonly enter: string;
  /** Its processes must have ended. */
  dispose(): void;
}

/** Makes one, in cgroup v1 or v2; undefined where neither can be written, as in most containers. */
export function cpuGroup(percent: number): CpuGroup | undefined {
  const name = `my_init-test-${process.pid}`;
  const quotaUs = (percent * PERIOD_US) / 100;
  return (
    makeGroup(join('/sys/fs/cgroup/cpu', name), 'cpu.cfs_quota_us', String(quotaUs)) ??
    makeGroup(join('/sys/fs/cgroup', name), 'cpu.max', `${quotaUs} ${PERIOD_US}`)
  );
}

function makeGroup(directory: string, file: string, limit: string): CpuGroup | undefined {
  const control = join(directory, file);
  try {
    mkdirSync(directory);
    // Without the file the kernel has the controller elsewhere, or nowhere.
    if (!existsSync(control)) throw new Error(`${readdirSync(directory)}`);
    writeFileSync(control, limit);
  } catch {
    if (existsSync(directory)) rmdirSync(directory);
    return undefined;
  }
  return {
    enter: `echo 0 > ${join(directory, 'cgroup.procs')}`,
    dispose: () => rmdirSync(directory),
  };
}
