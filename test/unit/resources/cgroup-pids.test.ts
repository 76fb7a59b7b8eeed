import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { cgroupPids } from '../../../src/resources/cgroup-pids.js';

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

describe('the pids limit', () => {
  test('of a container with a cgroup namespace (v2)', () => {
    files({
      'proc/self/cgroup': '0::/\n',
      'sys/fs/cgroup/pids.max': '512\n',
      'sys/fs/cgroup/pids.current': '17\n',
    });
    expect(cgroupPids(root)).toEqual({ current: 17, limit: 512 });
  });

  test('of a container without a cgroup namespace (v1)', () => {
    files({
      'proc/self/cgroup': '5:cpu,cpuacct:/docker/abc\n8:pids:/docker/abc\n0::/docker/abc\n',
      'sys/fs/cgroup/pids/pids.max': '100\n',
      'sys/fs/cgroup/pids/pids.current': '3\n',
    });
    expect(cgroupPids(root)).toEqual({ current: 3, limit: 100 });
  });

  test('is the nearest one above when our own group has none', () => {
    files({
      'proc/self/cgroup': '0::/pod/container\n',
      'sys/fs/cgroup/pod/container/pids.max': 'max\n',
      'sys/fs/cgroup/pod/container/pids.current': '3\n',
      'sys/fs/cgroup/pod/pids.max': '1000\n',
      'sys/fs/cgroup/pod/pids.current': '40\n',
    });
    expect(cgroupPids(root)).toEqual({ current: 40, limit: 1000 });
  });

  test('is absent when there is none; the use of our own group remains', () => {
    files({
      'proc/self/cgroup': '0::/pod\n',
      'sys/fs/cgroup/pod/pids.max': 'max\n',
      'sys/fs/cgroup/pod/pids.current': '3\n',
    });
    expect(cgroupPids(root)).toEqual({ current: 3, limit: undefined });
  });

  test('is absent where nothing can be read', () => {
    expect(cgroupPids(root)).toEqual({ current: undefined, limit: undefined });
  });
});
