import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { matcherOf } from '../../../src/logs/read/pattern/matcher.js';
import { PatternError } from '../../../src/logs/read/pattern/syntax.js';

const matches = (pattern: string, text: string | Buffer): boolean => {
  const bytes = Buffer.from(text as string);
  const buffer = Buffer.concat([Buffer.from('>>'), bytes, Buffer.from('<<')]);
  return matcherOf(pattern)(buffer, 2, 2 + bytes.length);
};

describe('a pattern', () => {
  test.each([
    ['error', 'an error occurred', true],
    ['error', 'an erro', false],
    ['^GET /', 'GET /index', true],
    ['^GET /', ' GET /index', false],
    ['done$', 'all done', true],
    ['done$', 'done.', false],
    ['^$', '', true],
    ['^$', 'x', false],
    ['', 'anything', true],
    [' 5\\d\\d ', '"GET / HTTP/1.1" 502 13', true],
    [' 5\\d\\d ', '"GET / HTTP/1.1" 200 13', false],
    ['a{2,3}b', 'xaab', true],
    ['^a{2,3}b', 'ab', false],
    ['^a{2}$', 'aaa', false],
    ['^(foo|bar)+$', 'foobarfoo', true],
    ['^(?:foo|bar)+$', 'foobaz', false],
    ['[^a-c]', 'abc', false],
    ['[^a-c]', 'abcd', true],
    ['[]x]', ']', true],
    ['[a-]', '-', true],
    ['[\\w.]+@', 'a.b@c', true],
    ['\\[error\\]', 'x [error] y', true],
    ['(?i)ERROR', 'an Error', true],
    ['ERROR', 'an Error', false],
    ['(?i)[^e]', 'E', false],
    ['^.{3}$', 'äöü', true],
    ['[ä-ü]{2}', 'xäüx', true],
    ['^[^x]$', '😀', true],
    ['😀', 'a 😀 b', true],
    ['\\x1b\\[', '\x1b[31m', true],
    ['a{b', 'a{b', true],
    ['x*?y', 'xxy', true],
  ])('%s in "%s": %s', (pattern, text, expected) => {
    expect(matches(pattern, text)).toBe(expected);
  });

  test('matches bytes that are not text', () => {
    expect(matches('^a.b$', Buffer.from([0x61, 0xff, 0x62]))).toBe(true);
    expect(matches('b', Buffer.from([0, 0xc3, 0x62]))).toBe(true);
  });

  test.each([
    '(',
    ')',
    'a)',
    '[a',
    '*a',
    'a**',
    '(?=a)',
    '(?<n>a)',
    '\\1',
    '\\b',
    'a{3,2}',
    '\\',
    '[z-a]',
    '[[:alpha:]]',
  ])('%s is refused', (pattern) => {
    expect(() => matcherOf(pattern)).toThrow(PatternError);
  });

  test('of unlimited size is refused', () => {
    expect(() => matcherOf('((a{99}){99}){99}')).toThrow('too large');
    expect(() => matcherOf('a'.repeat(257))).toThrow('256 characters');
    expect(() => matcherOf('('.repeat(200))).toThrow(PatternError);
  });

  test.each(['(a|a)*b', '(a*)*b', '(a+)+b', 'a*a*a*a*a*a*b', '.*.*.*b', '(a|c)*a(a|c){60}b'])(
    '%s takes time in proportion to the line',
    (pattern) => {
      const line = Buffer.from('ac'.repeat(8 * 1024));
      const before = process.cpuUsage();
      expect(matcherOf(pattern)(line, 0, line.length)).toBe(false);
      expect(process.cpuUsage(before).user / 1000).toBeLessThan(1000);
    },
  );

  test('gives the same results as the engine of JavaScript', () => {
    const atom = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\d', '\\w', '^', '$', '1');
    const quantifier = fc.constantFrom('', '', '', '*', '+', '?', '{2}', '{1,2}', '{0,}');
    const { pattern } = fc.letrec<{ pattern: string; piece: string }>((tie) => ({
      piece: fc.oneof(
        { depthSize: 'small' },
        fc.tuple(atom, quantifier).map(([what, count]) => (what === '^' || what === '$' ? what : what + count)),
        fc.tuple(tie('pattern'), quantifier).map(([what, count]) => `(?:${what})${count}`),
      ),
      pattern: fc
        .array(fc.array(tie('piece'), { maxLength: 4 }), { minLength: 1, maxLength: 3 })
        .map((parts) => parts.map((part) => part.join('')).join('|')),
    }));
    const text = fc.array(fc.constantFrom('a', 'b', '1', ' '), { maxLength: 8 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(pattern, fc.array(text, { minLength: 1, maxLength: 5 }), (source, texts) => {
        fc.pre(source.length <= 40);
        const matcher = matcherOf(source);
        const own = new RegExp(source, 'su');
        for (const line of texts) {
          const bytes = Buffer.from(line);
          expect([source, line, matcher(bytes, 0, bytes.length)]).toEqual([source, line, own.test(line)]);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
