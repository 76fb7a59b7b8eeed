import { readFileSync } from 'node:fs';

/**
 * The number of a group, by its name in group(5) or as it is; undefined when there is none of this
 * name.
 */
export function groupId(name: string): number | undefined {
  if (/^\d+$/.test(name)) return Number(name);
  try {
    const line = readFileSync('/etc/group', 'utf8')
      .split('\n')
      .find((candidate) => candidate.startsWith(`${name}:`));
    return line === undefined ? undefined : Number(line.split(':')[2]);
  } catch {
    return undefined;
  }
}
