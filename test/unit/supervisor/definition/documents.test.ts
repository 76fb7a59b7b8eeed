import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { serviceReference } from '../../../helpers/service-reference.js';

const REFERENCE = new URL('../../../../docs/service-reference.md', import.meta.url);

// UPDATE_DOCS=1 npx jest documents: writes the page.
test('docs/service-reference.md is what the table of keys says', () => {
  const page = serviceReference();
  if (process.env.UPDATE_DOCS === '1') writeFileSync(REFERENCE, page);
  expect(readFileSync(REFERENCE, 'utf8')).toBe(page);
});
