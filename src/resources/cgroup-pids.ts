import { join } from 'node:path';
import { cgroupDirectories, readNumber } from './cgroup.js';

/**
 * How many tasks (threads count too) the control group has and may have. Undefined: not known, or
 * no limit.
 */
export interface PidsUse {
  readonly current: number | undefined;
  readonly limit: number | undefined;
}

/**
 * The use of the nearest control group with a pids limit, from our own upwards; of our own when
 * none has a limit.
 */
export function cgroupPids(files = '/'): PidsUse {
  let own: PidsUse = { current: undefined, limit: undefined };
  for (const directory of cgroupDirectories('pids', files)) {
    const use = {
      current: readNumber(join(directory, 'pids.current')),
      limit: readNumber(join(directory, 'pids.max')),
    };
    if (use.limit !== undefined) return use;
    if (own.current === undefined) own = use;
  }
  return own;
}
