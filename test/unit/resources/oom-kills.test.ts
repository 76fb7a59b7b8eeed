import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { OomKills } from '../../../src/resources/oom-kills.js';

/** A file system with a cgroup of version 2. */
let files: string;
/** The record as the latest controller left it. */
let recorded: number | undefined;

beforeEach(() => {
  jest.useFakeTimers();
  files = mkdtempSync(join(tmpdir(), 'my_init-oom-'));
  recorded = undefined;
  write('proc/self/cgroup', '0::/\n');
  write('sys/fs/cgroup/memory.max', '536870912\n');
  kernelHasKilled(0);
});
afterEach(() => {
  jest.useRealTimers();
  rmSync(files, { recursive: true });
});

function write(path: string, text: string): void {
  mkdirSync(dirname(join(files, path)), { recursive: true });
  writeFileSync(join(files, path), text);
}

const kernelHasKilled = (count: number): void =>
  write('sys/fs/cgroup/memory.events', `low 0\nhigh 0\nmax 9\noom 9\noom_kill ${count}\noom_group_kill 0\n`);

function controller(): OomKills {
  const put = (count: number): void => {
    recorded = count;
  };
  return new OomKills({ saved: recorded, put }, files);
}

const OOM = { limitBytes: 536_870_912 };

test('a KILL is attributed to the kernel if the kernel has counted one; each count is for one end', () => {
  const kills = controller();
  expect(kills.ended(true)).toBeUndefined();
  kernelHasKilled(2);
  expect([kills.ended(true), kills.ended(false), kills.ended(true), kills.ended(true)]).toEqual([
    OOM,
    undefined,
    OOM,
    undefined,
  ]);
});

test('a count for a process whose end nobody learns expires', () => {
  const kills = controller();
  kernelHasKilled(1);
  kills.ended(false);
  jest.advanceTimersByTime(2_000);
  expect(kills.ended(true)).toBeUndefined();
  kernelHasKilled(2);
  expect(kills.ended(true)).toEqual(OOM);
});

test('kills before the boot, and kills that an earlier controller has attributed, are not attributed again', () => {
  kernelHasKilled(3);
  const first = controller();
  expect(first.ended(true)).toBeUndefined();
  kernelHasKilled(4);
  expect(first.ended(true)).toEqual(OOM);
  first.acknowledged();
  expect(controller().ended(true)).toBeUndefined();
});

test('a kill while there was no controller is attributed by the next one, also when the end was not put on record', () => {
  const first = controller();
  kernelHasKilled(1);
  expect(first.ended(true)).toEqual(OOM);
  // The controller dies before the status is acknowledged: the next one gets the same end.
  expect(controller().ended(true)).toEqual(OOM);
});

test('without a count of the kernel no KILL is attributed to it', () => {
  rmSync(join(files, 'sys'), { recursive: true });
  expect(controller().ended(true)).toBeUndefined();
});
