import { existsSync, mkdirSync, readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupDirectories, readKey, textOf } from './cgroup.js';
import { OWN_GROUP, oomKillsIn } from './cgroup-memory.js';
import { readText } from './read-text.js';

/** The group that contains the groups of the services; or why there is none. */
type Parent = { readonly directory: string } | { readonly problem: string };

/**
 * A cgroup of its own for each service with a `memory_max`, where the container may make one: the
 * kernel then counts the memory of all its processes, even of those that have left its session.
 * Groups are found by name: a later controller continues with them.
 */
export class MemoryGroups {
  readonly #prefix: string;
  readonly #files: string;
  #parent: Parent | undefined;

  /** `files` is `/` outside of tests. */
  constructor(bootId: string, files = '/') {
    this.#prefix = `${OWN_GROUP}${bootId}-`;
    this.#files = files;
  }

  /**
   * Makes the group of the next run of a service. Returns the file by which a process enters it. As
   * long as the group of an earlier run cannot be removed, the next run is in no group: its limit
   * must not count the leftovers of the earlier run.
   */
  make(name: string): string | undefined {
    const directory = this.#directoryOf(name);
    if (directory === undefined) return undefined;
    this.remove(name);
    if (existsSync(directory)) return undefined;
    try {
      mkdirSync(directory);
    } catch (error) {
      this.#parent = { problem: `${directory}: ${(error as NodeJS.ErrnoException).code}` };
      return undefined;
    }
    return join(directory, 'cgroup.procs');
  }

  /** The bytes that the group of a service uses; undefined where this process is not in it. */
  bytesOf(name: string, pid: number): number | undefined {
    const directory = this.#directoryOf(name);
    if (directory === undefined || !this.#has(directory, pid)) return undefined;
    const file = join(directory, 'memory.stat');
    // The names of version 1 for values that include the groups within.
    const anonymous = readKey(file, 'total_rss') ?? readKey(file, 'anon');
    const shared = readKey(file, 'total_shmem') ?? readKey(file, 'shmem');
    return anonymous === undefined ? undefined : anonymous + (shared ?? 0);
  }

  /** Why a run is not in the group of its service. */
  problemOf(name: string): string {
    const parent = this.#found;
    if ('problem' in parent) return parent.problem;
    const isThere = existsSync(join(parent.directory, this.#prefix + fileOf(name)));
    return isThere ? 'that of an earlier run is still in use' : 'memory_max came after its start';
  }

  /**
   * The run, or the service, is gone. A group of version 1 in which the kernel has killed stays:
   * its count is needed.
   */
  remove(name: string): void {
    const directory = this.#directoryOf(name);
    if (directory !== undefined && existsSync(directory) && (oomKillsIn(directory) ?? 0) === 0) removeEmpty(directory);
  }

  /** The container ends. */
  removeAll(): void {
    const parent = this.#found;
    if ('problem' in parent) return;
    for (const entry of readdirSync(parent.directory))
      if (entry.startsWith(this.#prefix)) removeEmpty(join(parent.directory, entry));
  }

  #directoryOf(name: string): string | undefined {
    const parent = this.#found;
    return 'problem' in parent ? undefined : join(parent.directory, this.#prefix + fileOf(name));
  }

  #has(directory: string, pid: number): boolean {
    return textOf(join(directory, 'cgroup.procs')).split('\n').includes(String(pid));
  }

  get #found(): Parent {
    this.#parent ??= findParent(this.#files);
    return this.#parent;
  }
}

/** A logger is NAME/log. */
const fileOf = (name: string): string => name.replaceAll('/', ':');

/** Below our own group. Source: the kernel's cgroup-v1/memory.rst and cgroup-v2.rst. */
function findParent(files: string): Parent {
  const directory = cgroupDirectories('memory', files).find((each) => existsSync(join(each, 'cgroup.procs')));
  if (directory === undefined) return { problem: 'there is no cgroup file system' };
  const isVersion1 = existsSync(join(directory, 'memory.limit_in_bytes'));
  if (isVersion1 && readText(join(directory, 'memory.use_hierarchy')).trim() === '0')
    return { problem: `${directory}: memory.use_hierarchy is 0` };
  // A group that has processes, like ours, cannot pass a controller on now: somebody has done so,
  // or not.
  const handedDown = textOf(join(directory, 'cgroup.subtree_control')).split(/\s+/);
  if (!isVersion1 && !handedDown.includes('memory'))
    return { problem: `${directory}: cgroup.subtree_control has no memory` };
  return { directory };
}

function removeEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // A process has left the session of its service and still runs.
  }
}
