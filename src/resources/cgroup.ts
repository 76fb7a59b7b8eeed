import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readText } from './read-text.js';

/**
 * Our control group and its ancestors in the hierarchy that has the controller, ours first. `files`
 * is `/` outside of tests. Source: cgroups(7), the kernel's cgroup-v2.rst.
 */
export function cgroupDirectories(controller: string, files = '/'): readonly string[] {
  const found: string[] = [];
  for (const line of readText(join(files, 'proc/self/cgroup')).split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    for (const mount of mounts(controllers, controller)) found.push(...upwards(join(files, mount), path));
  }
  return [...new Set(found)].filter((directory) => existsSync(directory));
}

/**
 * A version 1 hierarchy with two controllers is mounted under both names, or the one is a link to
 * the other.
 */
function mounts(controllers: string, wanted: string): readonly string[] {
  if (controllers === '') return ['sys/fs/cgroup', 'sys/fs/cgroup/unified'];
  return controllers.split(',').includes(wanted) ? [`sys/fs/cgroup/${wanted}`, `sys/fs/cgroup/${controllers}`] : [];
}

/**
 * Without a cgroup namespace the path is the host's and only the mount's root exists here, so the
 * root is always in the list.
 */
function upwards(mount: string, path: string): readonly string[] {
  const found: string[] = [];
  for (let at = path; at !== '/'; at = dirname(at)) found.push(join(mount, at));
  return [...found, mount];
}

/**
 * The number that is all that a file has; undefined when it has another text, as `max`, or cannot
 * be read.
 */
export function readNumber(path: string): number | undefined {
  const text = textOf(path).trim();
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

/** The number after a key in a file with a key and a number on each line, as `memory.events`. */
export function readKey(path: string, key: string): number | undefined {
  const digits = new RegExp(`^${key} (\\d+)$`, 'm').exec(textOf(path))?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/**
 * Most files exist in one version alone: an exception for each that does not would cost more than
 * all the reading.
 */
export const textOf = (path: string): string => (existsSync(path) ? readText(path) : '');

/** The first of the directories in which something can be read. */
export function firstKnown<T>(
  directories: readonly string[],
  read: (directory: string) => T | undefined,
): T | undefined {
  for (const directory of directories) {
    const value = read(directory);
    if (value !== undefined) return value;
  }
  return undefined;
}
