import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { cgroupMemory } from '../../../src/resources/cgroup-memory.js';
import { MemoryGroups } from '../../../src/resources/memory-groups.js';

/** A file system as the kernel shows it. Directories that are made in it stay empty. */
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'my_init-groups-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function files(directory: string, contents: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(contents)) {
    const path = join(root, directory, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}

const V2 = 'sys/fs/cgroup/box';
const V1 = 'sys/fs/cgroup/memory/box';

const version2 = (handedDown: string): void => {
  files('proc/self', { cgroup: '0::/box\n' });
  files(V2, { 'cgroup.procs': '1\n', 'cgroup.subtree_control': handedDown, 'memory.events': 'oom_kill 3\n' });
};

const version1 = (hierarchy: string): void => {
  files('proc/self', { cgroup: '9:memory:/box\n' });
  files(V1, {
    'cgroup.procs': '1\n',
    'memory.use_hierarchy': hierarchy,
    'memory.limit_in_bytes': '100\n',
    'memory.oom_control': 'oom_kill 3\n',
  });
};

const groups = (): MemoryGroups => new MemoryGroups('boot', root);

describe('the cgroup of a service', () => {
  test('with version 2: counts anonymous and shared memory, of the group with this process alone', () => {
    version2('cpu memory\n');
    expect(groups().make('web')).toBe(join(root, V2, 'my_init-boot-web/cgroup.procs'));
    files(`${V2}/my_init-boot-web`, { 'cgroup.procs': '7\n17\n', 'memory.stat': 'anon 100\nfile 50\nshmem 20\n' });
    // The next controller finds the group by its name.
    expect(groups().bytesOf('web', 17)).toBe(120);
    expect(groups().bytesOf('web', 1)).toBeUndefined();
    expect(groups().bytesOf('other', 17)).toBeUndefined();
  });

  test('with version 1: includes the groups within it', () => {
    version1('1\n');
    expect(groups().make('web/log')).toBe(join(root, V1, 'my_init-boot-web:log/cgroup.procs'));
    files(`${V1}/my_init-boot-web:log`, {
      'cgroup.procs': '7\n',
      'memory.stat': 'rss 1\nshmem 1\ntotal_rss 100\ntotal_shmem 20\n',
    });
    expect(groups().bytesOf('web/log', 7)).toBe(120);
  });

  test('is not used while an earlier run still has processes in it', () => {
    version2('memory');
    groups().make('web');
    files(`${V2}/my_init-boot-web`, { 'cgroup.procs': '7\n' });
    expect(groups().make('web')).toBeUndefined();
    expect(groups().problemOf('web')).toBe('that of an earlier run is still in use');
    rmSync(join(root, V2, 'my_init-boot-web/cgroup.procs'));
    expect(groups().problemOf('other')).toBe('memory_max came after its start');
    expect(groups().make('web')).toBeDefined();
  });

  test('with version 1 counts its kills for the container, and is kept for them until the end', () => {
    version1('1\n');
    const own = groups();
    own.make('web');
    files(`${V1}/my_init-boot-web`, { 'memory.oom_control': 'oom_kill 2\n' });
    expect(cgroupMemory(root).oomKills).toBe(5);
    own.remove('web');
    expect(cgroupMemory(root).oomKills).toBe(5);
  });

  test('is removed with the service, the others at the end', () => {
    version2('memory');
    const own = groups();
    for (const name of ['a', 'b', 'c']) own.make(name);
    own.remove('a');
    expect(existsSync(join(root, V2, 'my_init-boot-a'))).toBe(false);
    own.remove('never-made');
    files(V2, { 'my_init-boot-c/cgroup.procs': '' });
    groups().removeAll();
    expect(existsSync(join(root, V2, 'my_init-boot-b'))).toBe(false);
    expect(existsSync(join(root, V2, 'my_init-boot-c'))).toBe(true);
  });
});

describe('there is no group', () => {
  test.each([
    ['without a cgroup file system', () => {}, /^there is no cgroup file system$/],
    [
      'with version 2, where memory is not handed down',
      () => version2('cpu\n'),
      /box: cgroup.subtree_control has no memory$/,
    ],
    ['with version 1 without a hierarchy', () => version1('0\n'), /box: memory.use_hierarchy is 0$/],
  ])('%s', (_, prepare, why) => {
    prepare();
    const own = groups();
    expect(own.make('web')).toBeUndefined();
    expect(own.bytesOf('web', 1)).toBeUndefined();
    expect(own.problemOf('web')).toMatch(why);
    own.remove('web');
    own.removeAll();
  });
});
