import { dirname, join } from 'node:path';
import { readText } from './read-text.js';

/** How many tasks (threads count too) the control group has and may have. Undefined: not known, or no limit. */
export interface PidsUse {
  readonly current: number | undefined;
  readonly limit: number | undefined;
}

/**
 * The use of the nearest control group with a pids limit, from our own upwards; of our own when none has a limit.
 * `files` is `/` outside of tests. Source: cgroups(7), the kernel's cgroup-v2.rst and cgroup-v1/pids.rst.
 */
export function cgroupPids(files = '/'): PidsUse {
  let own: PidsUse = { current: undefined, limit: undefined };
  for (const directory of directories(files)) {
    const use = {
      current: readNumber(join(directory, 'pids.current')),
      limit: readNumber(join(directory, 'pids.max')),
    };
    if (use.limit !== undefined) return use;
    if (own.current === undefined) own = use;
  }
  return own;
}

/** Our control group and the ones above it, in the hierarchy that has the pids controller. */
function directories(files: string): readonly string[] {
  const found: string[] = [];
  for (const line of readText(join(files, 'proc/self/cgroup')).split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    for (const mount of mounts(controllers)) found.push(...upwards(join(files, mount), path));
  }
  return found;
}

function mounts(controllers: string): readonly string[] {
  if (controllers === '') return ['sys/fs/cgroup', 'sys/fs/cgroup/unified'];
  return controllers.split(',').includes('pids') ? ['sys/fs/cgroup/pids'] : [];
}

/** Without a cgroup namespace the path is the host's and only the mount's root exists here: it is always in the list. */
function upwards(mount: string, path: string): readonly string[] {
  const found: string[] = [];
  for (let at = path; at !== '/'; at = dirname(at)) found.push(join(mount, at));
  return [...found, mount];
}

function readNumber(path: string): number | undefined {
  const text = readText(path).trim();
  return /^\d+$/.test(text) ? Number(text) : undefined;
}
