import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type ControlGroup, makeGroup } from './control-group.js';

/** A cgroup with a memory limit, in v1 or v2; undefined where neither can be written. */
export function memoryGroup(bytes: number): ControlGroup | undefined {
  const v1 = '/sys/fs/cgroup/memory';
  return existsSync(join(v1, 'memory.limit_in_bytes'))
    ? makeGroup(v1, 'memory.limit_in_bytes', String(bytes))
    : makeGroup('/sys/fs/cgroup', 'memory.max', String(bytes));
}

/** Changes how much memory a group may use. */
export const limitMemory = (group: ControlGroup, bytes: number): void =>
  group.write(existsSync(join(group.directory, 'memory.max')) ? 'memory.max' : 'memory.limit_in_bytes', String(bytes));

/** How many of its processes the kernel has killed for lack of memory. */
export function oomKillsOf(group: ControlGroup): number {
  const text = existsSync(join(group.directory, 'memory.events'))
    ? group.read('memory.events')
    : group.read('memory.oom_control');
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
}

/** A command that allocates this many megabytes every 50 ms, without end. */
export const leak = (megabytes: number): string =>
  `exec python3 -c 'import time; kept = []; [(kept.append(bytearray(${megabytes} << 20)), time.sleep(0.05)) for _ in iter(int, 1)]'`;
