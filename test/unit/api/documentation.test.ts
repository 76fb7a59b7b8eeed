import { readFileSync } from 'node:fs';
import { status as codes } from '@grpc/grpc-js';
import { expect, test } from '@jest/globals';
import { CODES, type ErrorReason } from '../../../src/api/errors.js';

const page = readFileSync('docs/api.md', 'utf8');
const rows = [...page.matchAll(/^\| `([A-Z_]+)` +\| `([A-Z_]+)`/gm)].map(([, reason, code]) => [reason, code]);

test('docs/api.md has every reason with its code, and no other', () => {
  const reasons = (Object.keys(CODES) as ErrorReason[]).map((reason) => [reason, codes[CODES[reason]]]);
  expect(rows.sort()).toEqual(reasons.sort());
});
