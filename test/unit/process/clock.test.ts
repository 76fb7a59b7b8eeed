import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { monotonicMs, wallClock } from '../../../src/process/clock.js';

const readWall = Date.now;
let read: jest.SpiedFunction<typeof Date.now>;
beforeEach(() => {
  read = jest.spyOn(Date, 'now');
});
afterEach(() => read.mockRestore());

/** The kernel runs another process just after the wall clock is read. */
function interrupted(): number {
  const time = readWall();
  for (const end = monotonicMs() + 30; monotonicMs() < end; );
  return time;
}

describe('the wall-clock time of a moment', () => {
  test('is the same each time, even if this process is kept from running', () => {
    const before = wallClock(1000).getTime();
    read.mockImplementationOnce(interrupted);
    expect(wallClock(1000).getTime()).toBe(before);
    read.mockImplementationOnce(interrupted).mockImplementationOnce(interrupted);
    expect(wallClock(1000).getTime()).toBe(before);
  });

  test('moves with the clock when somebody sets it', () => {
    const before = wallClock(1000).getTime();
    for (const hours of [5, -5]) {
      read.mockImplementation(() => readWall() + hours * 3_600_000);
      expect(Math.round((wallClock(1000).getTime() - before) / 3_600_000)).toBe(hours);
    }
  });
});
