import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { CheckLoop, type Pace } from '../../../../src/supervisor/checks/loop.js';
import type { ProbeTimes } from '../../../../src/supervisor/definition/definition.js';

const TIMES: ProbeTimes = { intervalMs: 10_000, timeoutMs: 3_000, failures: 3, successes: 1 };

/** The test answers each check; the reports of the loop are noted, with their times. */
class Scene {
  answer: string | undefined | 'silence' = undefined;
  readonly told: string[] = [];
  readonly checkedAt: number[] = [];
  aborted = 0;
  readonly loop: CheckLoop;

  constructor(pace: Pace, times: Partial<ProbeTimes> = {}, passing = false) {
    const checker = {
      check: (signal: AbortSignal) => {
        this.checkedAt.push(Date.now());
        if (this.answer !== 'silence') return Promise.resolve(this.answer);
        return new Promise<string>((resolve) =>
          signal.addEventListener('abort', () => {
            this.aborted += 1;
            resolve('x: does not answer');
          }),
        );
      },
    };
    const listener = {
      passed: () => void this.told.push('passed'),
      failed: (problem: string) => void this.told.push(problem),
    };
    this.loop = new CheckLoop(checker, { ...TIMES, ...times }, pace, listener, passing);
  }
}

beforeEach(() => {
  jest.useFakeTimers({ now: 0 });
});
afterEach(() => {
  jest.useRealTimers();
});

const elapse = (ms: number): Promise<void> => jest.advanceTimersByTimeAsync(ms);

describe('a check loop that somebody waits for', () => {
  test('looks at once, then after delays that grow from 100 ms to 1 s, and at the interval after a pass', async () => {
    const scene = new Scene('impatient');
    scene.answer = 'refused';
    scene.loop.start();
    await elapse(3_500);
    expect(scene.checkedAt).toEqual([0, 100, 300, 700, 1_500, 2_500, 3_500]);
    scene.answer = undefined;
    await elapse(25_000);
    expect(scene.checkedAt.slice(7)).toEqual([4_500, 14_500, 24_500]);
    expect(scene.told).toEqual(['refused', 'passed']);
  });

  test('never waits longer than the interval', async () => {
    const scene = new Scene('impatient', { intervalMs: 150 });
    scene.answer = 'refused';
    scene.loop.start();
    await elapse(500);
    expect(scene.checkedAt).toEqual([0, 100, 250, 400]);
  });

  test('reports each new problem before the first pass, the same one once', async () => {
    const scene = new Scene('impatient');
    scene.answer = 'refused';
    scene.loop.start();
    await elapse(300);
    scene.answer = 'answers 503';
    await elapse(5_000);
    expect(scene.told).toEqual(['refused', 'answers 503']);
  });

  test('fails after three failures in a row, and passes again after one pass', async () => {
    const scene = new Scene('impatient');
    scene.loop.start();
    await elapse(0);
    scene.answer = 'answers 503';
    await elapse(20_000);
    scene.answer = undefined;
    await elapse(10_000);
    scene.answer = 'answers 503';
    await elapse(29_999);
    expect(scene.told).toEqual(['passed']);
    await elapse(1);
    expect(scene.told).toEqual(['passed', 'answers 503']);
    scene.answer = undefined;
    await elapse(10_000);
    expect(scene.told).toEqual(['passed', 'answers 503', 'passed']);
  });

  test('passes after the given number of successes in a row', async () => {
    const scene = new Scene('impatient', { successes: 3 });
    scene.loop.start();
    await elapse(150);
    expect(scene.told).toEqual([]);
    scene.answer = 'refused';
    await elapse(100);
    scene.answer = undefined;
    await elapse(200);
    expect(scene.told).toEqual(['refused']);
    await elapse(200);
    expect(scene.told).toEqual(['refused', 'passed']);
  });

  test('takes silence for a failure when the time is up', async () => {
    const scene = new Scene('impatient');
    scene.answer = 'silence';
    scene.loop.start();
    await elapse(2_999);
    expect(scene.told).toEqual([]);
    await elapse(1);
    expect(scene.told).toEqual(['x: does not answer within 3 s']);
    expect(scene.checkedAt).toEqual([0]);
  });

  test('goes on where an earlier controller was: one failure has no effect, a pass is not reported', async () => {
    const scene = new Scene('impatient', {}, true);
    scene.answer = 'answers 503';
    scene.loop.start();
    await elapse(10_000);
    scene.answer = undefined;
    await elapse(20_000);
    expect(scene.told).toEqual([]);
    expect(scene.checkedAt).toEqual([0, 10_000, 20_000, 30_000]);
  });
});

describe('a check loop of a running service', () => {
  test('looks at the interval from the start, and reports the third failure in a row', async () => {
    const scene = new Scene('patient');
    scene.answer = 'answers 503';
    scene.loop.start();
    await elapse(29_999);
    expect(scene.told).toEqual([]);
    await elapse(1);
    expect(scene.checkedAt).toEqual([10_000, 20_000, 30_000]);
    expect(scene.told).toEqual(['answers 503']);
  });
});

describe('a check loop that is stopped', () => {
  test('checks nothing, and starts counting again when it goes on', async () => {
    const scene = new Scene('patient');
    scene.answer = 'answers 503';
    scene.loop.start();
    await elapse(20_000);
    scene.loop.stop();
    await elapse(60_000);
    expect(scene.checkedAt).toHaveLength(2);
    scene.loop.start();
    await elapse(20_000);
    expect(scene.told).toEqual([]);
    await elapse(10_000);
    expect(scene.told).toEqual(['answers 503']);
  });

  test('ends a check under way, which does not count', async () => {
    const scene = new Scene('impatient');
    scene.answer = 'silence';
    scene.loop.start();
    await elapse(100);
    scene.loop.stop();
    await elapse(60_000);
    expect([scene.aborted, scene.told, jest.getTimerCount()]).toEqual([1, [], 0]);
  });
});
