import { describe, expect, test } from '@jest/globals';
import {
  type ShutdownLimits,
  type Stage,
  shutdownTimeoutOf,
  stageLimit,
} from '../../../src/container/shutdown/shutdown-plan.js';

const NONE: ShutdownLimits = {
  shutdownTimeoutMs: undefined,
  killProcessTimeoutMs: undefined,
  killAllTimeoutMs: undefined,
};
const ALL: Stage[] = [
  'startup script',
  'main command',
  'pre-shutdown hooks',
  'services',
  'post-shutdown hooks',
  'the rest',
];

describe('the deadline', () => {
  test('is 8 s, less than the limit of docker stop', () => {
    expect(shutdownTimeoutOf(NONE)).toBe(8_000);
  });

  test('is the configured one, whatever the variables of baseimage-docker say', () => {
    expect(shutdownTimeoutOf({ ...NONE, shutdownTimeoutMs: 3_000, killProcessTimeoutMs: 30_000 })).toBe(3_000);
  });

  test('has room for the times of baseimage-docker', () => {
    expect(shutdownTimeoutOf({ ...NONE, killProcessTimeoutMs: 30_000, killAllTimeoutMs: 30_000 })).toBe(92_000);
  });

  test('does not get shorter by the times of baseimage-docker', () => {
    expect(
      shutdownTimeoutOf({ ...NONE, killProcessTimeoutMs: 1_000, killAllTimeoutMs: Number.POSITIVE_INFINITY }),
    ).toBe(8_000);
  });
});

const whole = (wholeMs: number) => ({ wholeMs, leftMs: wholeMs });

describe('the time of a stage', () => {
  test('leaves something for every later stage, even when each uses all of its time', () => {
    let leftMs = 8_000;
    for (const [index, stage] of ALL.entries()) {
      const limitMs = stageLimit(stage, ALL.slice(index), { wholeMs: 8_000, leftMs }, NONE);
      expect(limitMs).toBeGreaterThan(300);
      leftMs -= limitMs;
    }
    expect(leftMs).toBeCloseTo(0);
  });

  test('is nearly everything for services alone, and for a hook without services', () => {
    expect(stageLimit('services', ['services', 'the rest'], whole(8_000), NONE)).toBeGreaterThan(7_000);
    const hook = 'pre-shutdown hooks';
    expect(stageLimit(hook, [hook, 'the rest'], whole(8_000), NONE)).toBeGreaterThan(7_000);
  });

  test('is most of the time for a hook before services', () => {
    const coming: Stage[] = ['pre-shutdown hooks', 'services', 'the rest'];
    expect(stageLimit('pre-shutdown hooks', coming, whole(8_000), NONE)).toBeGreaterThan(5_000);
  });

  test('is shared if an earlier stage has taken too much', () => {
    const late = { wholeMs: 8_000, leftMs: 600 };
    expect(stageLimit('services', ['services', 'post-shutdown hooks', 'the rest'], late, NONE)).toBeCloseTo(
      (600 * 0.25) / 0.4,
    );
  });

  test('is KILL_PROCESS_TIMEOUT if set, also when a later stage gets less', () => {
    const limits = { ...NONE, killProcessTimeoutMs: 30_000 };
    const left = (leftMs: number) => ({ wholeMs: 62_000, leftMs });
    expect(stageLimit('services', ALL.slice(3), left(60_000), limits)).toBe(30_000);
    expect(stageLimit('main command', ALL.slice(1), left(62_000), limits)).toBe(30_000);
  });

  test('cannot exceed the explicit deadline', () => {
    const limits = { ...NONE, shutdownTimeoutMs: 4_500, killProcessTimeoutMs: 30_000 };
    expect(stageLimit('services', ['services', 'the rest'], whole(4_500), limits)).toBe(4_275);
  });

  test('is not limited further if the timeout is Infinity', () => {
    const none = Number.POSITIVE_INFINITY;
    const limits = { ...NONE, killProcessTimeoutMs: none, killAllTimeoutMs: none };
    expect(stageLimit('the rest', ['the rest'], whole(8_000), limits)).toBe(8_000);
  });
});
