import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { MemoryGuard } from '../../../../src/supervisor/checks/memory-guard.js';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const MIB = 2 ** 20;

/** A guard of a run that may use 100 MiB, the memory of the run, and the reports of the guard. */
function guarded({ forMs = 0 } = {}) {
  const run = { megabytes: 10, looks: 0, exceeded: [] as number[] };
  const guard = new MemoryGuard(
    { bytes: 100 * MIB, forMs, action: 'restart' },
    () => {
      run.looks += 1;
      return run.megabytes * MIB;
    },
    (bytes) => run.exceeded.push(bytes / MIB),
  );
  guard.start();
  return { run, guard };
}

function looksWithin(ms: number, run: { looks: number }): number {
  const before = run.looks;
  jest.advanceTimersByTime(ms);
  return run.looks - before;
}

test('a run far from its limit is looked at less and less often', () => {
  const { run } = guarded();
  expect(looksWithin(10_000, run)).toBeLessThan(12);
  jest.advanceTimersByTime(60_000);
  run.megabytes = 5;
  jest.advanceTimersByTime(10_000);
  expect(looksWithin(90_000, run)).toBeLessThanOrEqual(10);
});

test('a run near its limit is looked at more often', () => {
  const { run } = guarded();
  jest.advanceTimersByTime(60_000);
  run.megabytes = 95;
  jest.advanceTimersByTime(10_000);
  expect(looksWithin(10_000, run)).toBeGreaterThan(50);
});

test('a run that grows fast is looked at before it can be over the limit', () => {
  const { run } = guarded();
  jest.advanceTimersByTime(60_000);
  const growth = setInterval(() => {
    run.megabytes += 1;
  }, 1_000);
  jest.advanceTimersByTime(95_000);
  clearInterval(growth);
  expect(run.exceeded).toEqual([101]);
});

test('an excess is reported once, and again after the run was below', () => {
  const { run } = guarded();
  run.megabytes = 120;
  jest.advanceTimersByTime(60_000);
  expect(run.exceeded).toEqual([120]);
  run.megabytes = 90;
  jest.advanceTimersByTime(20_000);
  run.megabytes = 130;
  jest.advanceTimersByTime(20_000);
  expect(run.exceeded).toEqual([120, 130]);
});

test('for: the run may use more for this long, without a pause', () => {
  const { run } = guarded({ forMs: 5_000 });
  run.megabytes = 120;
  jest.advanceTimersByTime(4_000);
  run.megabytes = 90;
  jest.advanceTimersByTime(1_000);
  run.megabytes = 120;
  jest.advanceTimersByTime(4_000);
  expect(run.exceeded).toEqual([]);
  jest.advanceTimersByTime(2_000);
  expect(run.exceeded).toEqual([120]);
});

test('a stopped guard does not look any more', () => {
  const { run, guard } = guarded();
  jest.advanceTimersByTime(1_000);
  guard.stop();
  expect(looksWithin(100_000, run)).toBe(0);
});
