import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { Watchdog } from '../../../../src/supervisor/checks/watchdog.js';

let told: string[];
let watchdog: Watchdog;
beforeEach(() => {
  jest.useFakeTimers();
  told = [];
  watchdog = new Watchdog((problem) => void told.push(problem));
});
afterEach(() => {
  jest.useRealTimers();
});

test('each sign of life restarts the interval', () => {
  watchdog.intervalMs = 1_000;
  watchdog.run(true);
  for (let turn = 0; turn < 5; turn++) {
    jest.advanceTimersByTime(999);
    watchdog.feed();
  }
  jest.advanceTimersByTime(999);
  expect(told).toEqual([]);
  jest.advanceTimersByTime(1);
  expect(told).toEqual(['gave no sign of life for 1 s (WATCHDOG=1)']);
});

test('without an interval, or while suspended, the watchdog expects nothing', () => {
  watchdog.run(true);
  jest.advanceTimersByTime(1e9);
  watchdog.intervalMs = 1_000;
  watchdog.run(false);
  watchdog.feed();
  jest.advanceTimersByTime(1e9);
  watchdog.run(true);
  watchdog.intervalMs = 0;
  jest.advanceTimersByTime(1e9);
  expect([told, jest.getTimerCount()]).toEqual([[], 0]);
});
