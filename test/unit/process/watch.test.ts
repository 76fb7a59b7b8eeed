import { closeSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { native } from '../../../src/process/native.js';

test('the use of a watch that has ended throws, without a crash', () => {
  const [reader, writer] = native().pipe(false);
  const watch = native().watchReadable(reader, () => {});
  native().endWatch(watch);
  expect(() => native().endWatch(watch)).toThrow('Bad file descriptor');
  expect(() => native().watchOn(watch, true)).toThrow('Bad file descriptor');
  for (const fd of [reader, writer]) closeSync(fd);
});
