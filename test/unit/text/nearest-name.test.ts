import { expect, test } from '@jest/globals';
import { matchesGlob } from '../../../src/text/glob.js';
import { nearest } from '../../../src/text/nearest-name.js';

test.each([
  ['memcahed', 'memcached'],
  ['wbe', 'web'],
  ['wen', 'web'],
  ['mem', 'memcached'],
])('%s may mean %s', (typed, meant) => {
  expect(nearest(typed, ['cron', 'memcached', 'web'])).toBe(meant);
});

test('a name unlike any other has no nearest name', () => {
  expect(nearest('postgresql', ['cron', 'memcached', 'web'])).toBeUndefined();
});

test.each([
  ['web-*', 'web-1', true],
  ['web-*', 'web', false],
  ['*', '', true],
  ['w?b', 'web', true],
  ['w?b', 'weeb', false],
  ['*a*b*c', 'xxaxxbxxc', true],
  ['web.1', 'web-1', false],
])('the pattern %s on %s: %s', (pattern, name, matches) => {
  expect(matchesGlob(pattern, name)).toBe(matches);
});

test('a pattern of many stars is answered at once', () => {
  expect(matchesGlob(`${'*a'.repeat(60)}b`, 'a'.repeat(128))).toBe(false);
});
