import { describe, expect, test } from '@jest/globals';
import { printable, printableJson } from '../../../src/text/printable.js';

describe('printable text', () => {
  test('shows every control character and every change of direction as an escape', () => {
    for (let code = 0; code < 0x100; code++) {
      const shown = printable(String.fromCharCode(code));
      const control = code < 0x20 || (code >= 0x7f && code < 0xa0);
      expect(/[\x00-\x1f\x7f-\x9f]/.test(shown)).toBe(false);
      expect(shown.length > 1).toBe(control);
    }
    expect(printable('a\u202eb\u2028c')).toBe('a\\u202eb\\u2028c');
    expect(printable('größer → 日本')).toBe('größer → 日本');
  });

  test('JSON stays the same value', () => {
    const value = { text: '\x1b[2J\x7f\x9b\u2028\u202e"\\ ü' };
    const shown = printableJson(value);
    expect(shown).toMatch(/^[\x20-\x7eü]*$/);
    expect(JSON.parse(shown)).toEqual(value);
  });
});
