import { describe, expect, test } from '@jest/globals';
import { parseDuration, roughSpan, span, took } from '../../../clients/svctl/text/duration.js';
import { nearest } from '../../../src/text/nearest-name.js';

describe('times', () => {
  test.each([
    [-5, '0s'],
    [999, '0s'],
    [3_400, '3s'],
    [60_000, '1m'],
    [725_000, '12m 5s'],
    [3_600_000, '1h'],
    [8_000_000, '2h 13m'],
    [273_600_000, '3d 4h'],
  ])('%i ms are %s', (ms, text) => {
    expect(span(ms)).toBe(text);
    expect(roughSpan(ms)).toBe(text.split(' ')[0]);
  });

  test.each([
    [0.00042, '0.4 ms'],
    [0.012, '12 ms'],
    [0.9996, '1 s'],
    [1.54, '1.5 s'],
    [61, '1m 1s'],
    [-1, '0 ms'],
  ])('a duration of %f s is shown as %s', (seconds, text) => {
    expect(took(seconds)).toBe(text);
  });

  test.each([
    ['10', 10_000],
    ['500ms', 500],
    ['1.5m', 90_000],
    ['2h', 7_200_000],
    ['0', 0],
    ['', undefined],
    ['-1', undefined],
    ['1 s', undefined],
    ['soon', undefined],
    ['1e3', undefined],
  ])('"%s" is %p ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });
});

describe('the nearest word', () => {
  const COMMANDS = ['status', 'start', 'stop', 'restart', 'reload', 'health'];
  test.each([
    ['stauts', 'status'],
    ['strat', 'start'],
    ['restrat', 'restart'],
    ['helth', 'health'],
    ['rel', 'reload'],
    ['xyz', undefined],
    ['', undefined],
  ])('to "%s" is %s', (word, expected) => {
    expect(nearest(word, COMMANDS)).toBe(expected);
  });
});
