import { describe, expect, test } from '@jest/globals';
import { exitCodeOf, exitCodeOfSignal } from '../../../src/settings/exit-codes.js';

describe('the container’s exit code', () => {
  test.each([0, 1, 127, 255])('is the command’s own: %i', (code) => {
    expect(exitCodeOf({ kind: 'exited', code })).toBe(code);
  });

  test.each([
    [1, 129],
    [9, 137],
    [11, 139],
    [15, 143],
  ])('is 128 plus the signal that killed the command: %i → %i', (signal, code) => {
    expect(exitCodeOf({ kind: 'signaled', signal, coreDumped: false })).toBe(code);
  });

  test('is 70 if nobody knows how the command ended', () => {
    expect(exitCodeOf({ kind: 'lost' })).toBe(70);
  });

  test('is that of the signal that prevented its start', () => {
    expect([exitCodeOfSignal('TERM'), exitCodeOfSignal('INT')]).toEqual([143, 130]);
  });
});
