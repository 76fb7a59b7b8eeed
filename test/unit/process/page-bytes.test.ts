import { execFileSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { pageBytes } from '../../../src/process/page-bytes.js';

test('the kernel says how large a page is', () => {
  expect(pageBytes()).toBe(Number(execFileSync('getconf', ['PAGESIZE'], { encoding: 'utf8' })));
});
