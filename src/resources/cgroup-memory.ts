import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupDirectories, firstKnown, readKey, readNumber } from './cgroup.js';

/** How the names of the groups begin that my_init makes below its own. */
export const OWN_GROUP = 'my_init-';

/**
 * The memory of the container, as the kernel accounts for it. Undefined: not known, or no limit.
 */
export interface MemoryUse {
  /** The tightest limit, of our control group or one above it. */
  readonly limitBytes: number | undefined;
  /**
   * Of the control group with that limit; of our own when there is none. Includes the page cache.
   */
  readonly usageBytes: number | undefined;
  /** Processes of the container that the kernel has killed for want of memory. */
  readonly oomKills: number | undefined;
  /** The kernel kills all processes of the control group at once, `memory.oom.group`. */
  readonly killsAll: boolean;
}

/** Version 1 writes "no limit" as the greatest number of pages. */
const NO_LIMIT_BYTES = 2 ** 62;

/** Source: the kernel's cgroup-v2.rst and cgroup-v1/memory.rst. */
export function cgroupMemory(files = '/'): MemoryUse {
  const directories = cgroupDirectories('memory', files);
  let limitBytes: number | undefined;
  let limiting: string | undefined;
  for (const directory of directories) {
    const limit = limitOf(directory);
    if (limit === undefined || limit >= (limitBytes ?? NO_LIMIT_BYTES)) continue;
    limitBytes = limit;
    limiting = directory;
  }
  return {
    limitBytes,
    usageBytes: firstKnown(limiting === undefined ? directories : [limiting, ...directories], usageOf),
    oomKills: oomKillCount(directories),
    killsAll: directories.some((directory) => readNumber(join(directory, 'memory.oom.group')) === 1),
  };
}

/**
 * Processes of the container that the kernel has killed for want of memory; undefined where it does
 * not count them.
 */
export function oomKillCount(directories: readonly string[]): number | undefined {
  return firstKnown(
    directories,
    (directory) => readKey(join(directory, 'memory.events'), 'oom_kill') ?? oomKillsOfVersion1(directory),
  );
}

/** Version 1 counts a kill for the group of the process alone, and not for those above. */
function oomKillsOfVersion1(directory: string): number | undefined {
  const own = oomKillsIn(directory);
  if (own === undefined) return undefined;
  const groups = readdirSync(directory).filter((entry) => entry.startsWith(OWN_GROUP));
  return groups.reduce((sum, group) => sum + (oomKillsIn(join(directory, group)) ?? 0), own);
}

/** The OOM kills of one group of version 1. */
export const oomKillsIn = (directory: string): number | undefined =>
  readKey(join(directory, 'memory.oom_control'), 'oom_kill');

const limitOf = (directory: string): number | undefined =>
  readNumber(join(directory, 'memory.max')) ?? readNumber(join(directory, 'memory.limit_in_bytes'));

const usageOf = (directory: string): number | undefined =>
  readNumber(join(directory, 'memory.current')) ?? readNumber(join(directory, 'memory.usage_in_bytes'));
