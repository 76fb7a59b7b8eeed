import { readFileSync } from 'node:fs';
import { status as codes } from '@grpc/grpc-js';
import { expect, test } from '@jest/globals';
import { REASONS } from '../../../gen/reasons.js';

const page = readFileSync('docs/api.md', 'utf8');
const rows = [...page.matchAll(/^\| `([A-Z_]+)` +\| `([A-Z_]+)` +\| (\d+)/gm)].map(([, ...cells]) => cells);

test('docs/api.md has every reason with its code and exit code, and no other', () => {
  const reasons = Object.entries(REASONS).map(([reason, { code, exitCode }]) => [
    reason,
    codes[code],
    String(exitCode),
  ]);
  expect(rows.sort()).toEqual(reasons.sort());
});
