import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { cgroupCpu } from '../../../src/resources/cgroup-cpu.js';
import { cgroupMemory } from '../../../src/resources/cgroup-memory.js';
import { ContainerLimits, LIMITS_RECORD } from '../../../src/resources/container-limits.js';
import { describeChange, type LimitValues } from '../../../src/text/limits.js';
import { noRecord } from '../../helpers/no-record.js';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'my_init-cgroup-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function files(contents: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(contents)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

const NOTHING = { limitBytes: undefined, usageBytes: undefined, oomKills: undefined, killsAll: false };

describe('the memory of a container', () => {
  test('with version 2', () => {
    files({
      'proc/self/cgroup': '0::/\n',
      'sys/fs/cgroup/memory.max': '536870912\n',
      'sys/fs/cgroup/memory.current': '1000\n',
      'sys/fs/cgroup/memory.events': 'low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n',
      'sys/fs/cgroup/memory.oom.group': '1\n',
    });
    expect(cgroupMemory(root)).toEqual({ limitBytes: 536_870_912, usageBytes: 1000, oomKills: 2, killsAll: true });
  });

  test('with version 1, without a cgroup namespace', () => {
    files({
      'proc/self/cgroup': '9:memory:/docker/abc\n0::/docker/abc\n',
      'sys/fs/cgroup/memory/memory.limit_in_bytes': '268435456\n',
      'sys/fs/cgroup/memory/memory.usage_in_bytes': '2000\n',
      'sys/fs/cgroup/memory/memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 4\n',
    });
    expect(cgroupMemory(root)).toEqual({ limitBytes: 268_435_456, usageBytes: 2000, oomKills: 4, killsAll: false });
  });

  test('has the tightest limit of all groups above, and the usage of that group', () => {
    files({
      'proc/self/cgroup': '0::/pod/container\n',
      'sys/fs/cgroup/pod/container/memory.max': 'max\n',
      'sys/fs/cgroup/pod/container/memory.current': '10\n',
      'sys/fs/cgroup/pod/container/memory.events': 'oom_kill 1\n',
      'sys/fs/cgroup/pod/memory.max': '100\n',
      'sys/fs/cgroup/pod/memory.current': '50\n',
      'sys/fs/cgroup/memory.max': '200\n',
      'sys/fs/cgroup/memory.current': '150\n',
    });
    expect(cgroupMemory(root)).toEqual({ limitBytes: 100, usageBytes: 50, oomKills: 1, killsAll: false });
  });

  test('may have no limit, or be unknown', () => {
    expect(cgroupMemory(root)).toEqual(NOTHING);
    files({
      'proc/self/cgroup': '9:memory:/\n',
      'sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
      'sys/fs/cgroup/memory/memory.usage_in_bytes': '2000\n',
    });
    expect(cgroupMemory(root)).toEqual({ ...NOTHING, usageBytes: 2000 });
  });
});

describe('the CPU quota of a container', () => {
  test('with version 2', () => {
    files({
      'proc/self/cgroup': '0::/pod\n',
      'sys/fs/cgroup/pod/cpu.max': 'max 100000\n',
      'sys/fs/cgroup/pod/cpu.stat': 'usage_usec 5\nnr_throttled 2\nthrottled_usec 2500000\n',
      'sys/fs/cgroup/cpu.max': '20000 100000\n',
    });
    expect(cgroupCpu(root)).toEqual({ cpus: 0.2, throttledSeconds: 2.5 });
  });

  test('with version 1, mounted together with cpuacct', () => {
    files({
      'proc/self/cgroup': '3:cpu,cpuacct:/\n',
      'sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '150000\n',
      'sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': '100000\n',
      'sys/fs/cgroup/cpu,cpuacct/cpu.stat': 'nr_periods 9\nnr_throttled 2\nthrottled_time 3000000000\n',
    });
    expect(cgroupCpu(root)).toEqual({ cpus: 1.5, throttledSeconds: 3 });
  });

  test('may be none', () => {
    files({
      'proc/self/cgroup': '3:cpu:/\n',
      'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
      'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
    });
    expect(cgroupCpu(root)).toEqual({ cpus: undefined, throttledSeconds: undefined });
  });
});

describe('limits that change while the container runs', () => {
  test('are reported once, when somebody looks', () => {
    files({ 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/memory.max': '536870912\n' });
    const told: string[] = [];
    const limits = new ContainerLimits(noRecord(), root);
    limits.subscribe((before, now) => told.push(...describeChange(before, now)));
    limits.look();
    expect(told).toEqual([]);
    files({ 'sys/fs/cgroup/memory.max': '1073741824\n', 'sys/fs/cgroup/cpu.max': '50000 100000\n' });
    expect(limits.look().memory.limitBytes).toBe(1_073_741_824);
    limits.look();
    expect(told).toEqual([
      'the memory limit of the container is 1 GiB now; it was 512 MiB',
      'the CPU quota of the container is 0.5 CPUs now; it was none',
    ]);
  });

  test('are reported by the next controller if they changed while there was none', () => {
    files({ 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/memory.max': '536870912\n' });
    let saved: LimitValues | undefined;
    const put = (values: LimitValues): void => {
      saved = LIMITS_RECORD.decode(JSON.parse(JSON.stringify(values)));
    };
    new ContainerLimits({ saved, put }, root).look();
    files({ 'sys/fs/cgroup/memory.max': '1073741824\n' });
    const next = new ContainerLimits({ saved, put }, root);
    const told: string[] = [];
    next.subscribe((before, now) => told.push(...describeChange(before, now)));
    next.look();
    expect(told).toEqual(['the memory limit of the container is 1 GiB now; it was 512 MiB']);
    expect(saved).toEqual(next.values);
  });

  test('cause a warning if the kernel would kill all processes at once', () => {
    files({ 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/memory.oom.group': '1\n' });
    expect(new ContainerLimits(noRecord(), root).warning()).toBeUndefined();
    files({ 'sys/fs/cgroup/memory.max': '536870912\n' });
    expect(new ContainerLimits(noRecord(), root).warning()).toMatch(/^memory.oom.group is set: .* 512 MiB/);
  });
});
