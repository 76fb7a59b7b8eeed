import { describe, expect, test } from '@jest/globals';
import { CpuAccounting } from '../../../src/resources/cpu-accounting.js';
import type { ProcessInfo } from '../../../src/types/system.js';

const CONTROLLER_STARTED_MS = 1000;

function process(pid: number, cpuSeconds: number, startedAtMs = 2000): ProcessInfo {
  return {
    pid,
    parentPid: 1,
    session: pid,
    state: 'S',
    service: 'web',
    role: 'service',
    name: 'web',
    startedAtMs,
    residentBytes: 0,
    cpuSeconds,
    threads: 1,
  };
}

/** The totals of `web` after each of the samples. */
function totals(...samples: ProcessInfo[][]): (number | undefined)[] {
  const accounting = new CpuAccounting(CONTROLLER_STARTED_MS);
  return samples.map((processes) => accounting.sample(processes, ['web']).get('web'));
}

describe('the CPU time of a service', () => {
  test('is that of its processes', () => {
    expect(totals([process(10, 1), process(11, 2)])).toEqual([3]);
  });

  test('grows by the CPU time of each process since the last sample', () => {
    expect(totals([process(10, 1)], [process(10, 4)], [process(10, 4)])).toEqual([1, 4, 4]);
  });

  test('does not fall when a process ends', () => {
    expect(totals([process(10, 5), process(11, 2)], [process(11, 3)], [])).toEqual([7, 8, 8]);
  });

  test('goes on with the next run', () => {
    expect(totals([process(10, 5)], [process(12, 1, 9000)])).toEqual([5, 6]);
  });

  test('counts a process that got the pid of another as a new one', () => {
    expect(totals([process(10, 5)], [process(10, 1, 9000)])).toEqual([5, 6]);
  });

  test('ignores a difference of start times within the resolution of the clock', () => {
    expect(totals([process(10, 5, 2000)], [process(10, 6, 2010)])).toEqual([5, 6]);
  });

  test('leaves out CPU time from before this controller: another one has counted it', () => {
    expect(totals([process(10, 500, 0)], [process(10, 501, 0)])).toEqual([0, 1]);
  });

  test('is forgotten with the service', () => {
    const accounting = new CpuAccounting(CONTROLLER_STARTED_MS);
    accounting.sample([process(10, 5)], ['web']);
    expect(accounting.sample([], [])).toEqual(new Map());
    expect(accounting.sample([], ['web']).get('web')).toBe(0);
  });
});
