import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { SteadyLoss } from '../../../src/logs/capture/steady-loss.js';

let lines = 0;
let told: number[] = [];
let loss: SteadyLoss;
beforeEach(() => {
  jest.useFakeTimers();
  [lines, told] = [0, []];
  const counted = () => ({ stdout: { lines, bytes: 10 * lines }, stderr: { lines: 0, bytes: 0 } });
  loss = new SteadyLoss(counted, () => told.push(loss.of().lines));
});
afterEach(() => {
  loss.close();
  jest.useRealTimers();
});

function lose(count: number): void {
  lines += count;
  loss.grown();
}

test('the first loss is reported at once', () => {
  lose(3);
  expect(told).toEqual([3]);
  expect(loss.of('stdout')).toEqual({ lines: 3, bytes: 30 });
  expect(loss.of('stderr')).toEqual({ lines: 0, bytes: 0 });
});

test('a steady loss is reported once a second, with its sum', () => {
  for (let time = 0; time < 5_000; time += 10) {
    lose(1);
    jest.advanceTimersByTime(10);
  }
  expect(told).toEqual([1, 100, 200, 300, 400, 500]);
});

test('the last part is reported, though nothing comes after it', () => {
  lose(1);
  lose(41);
  expect(told).toEqual([1]);
  jest.advanceTimersByTime(1_000);
  expect(told).toEqual([1, 42]);
  jest.advanceTimersByTime(10_000);
  expect(told).toEqual([1, 42]);
  expect(jest.getTimerCount()).toBe(0);
});

test('at the end the rest is reported at once', () => {
  lose(1);
  lose(1);
  loss.close();
  expect(told).toEqual([1, 2]);
  expect(jest.getTimerCount()).toBe(0);
});
