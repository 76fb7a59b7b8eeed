import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatDuration, parseDuration } from '../../../src/text/duration.js';
import { formatSize, parseSize } from '../../../src/text/size.js';

test('durations', () => {
  expect(parseDuration('500ms')).toBe(500);
  expect(parseDuration('1.5s')).toBe(1_500);
  expect(parseDuration('1h1m1s1ms')).toBe(3_661_001);
  for (const text of ['', '10', '-1s', '1 s', '1d', 's', '1e3s']) expect(parseDuration(text)).toBeUndefined();
  expect(formatDuration(90_000)).toBe('1m30s');
  expect(formatDuration(0)).toBe('0s');
  expect(formatDuration(599_999.999_999)).toBe('10m');
  fc.assert(fc.property(fc.nat(), (ms) => parseDuration(formatDuration(ms)) === ms));
});

test('sizes', () => {
  expect(parseSize('64k')).toBe(65_536);
  expect(parseSize('1g')).toBe(2 ** 30);
  for (const text of ['', 'k', '1.5k', '-1', '1t']) expect(parseSize(text)).toBeUndefined();
  fc.assert(fc.property(fc.nat({ max: 999_999_999 }), (bytes) => parseSize(formatSize(bytes)) === bytes));
});
