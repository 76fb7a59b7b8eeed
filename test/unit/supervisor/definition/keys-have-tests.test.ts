import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';

const inRepository = (path: string): string => fileURLToPath(new URL(`../../../../${path}`, import.meta.url));

/** The keys that the shipped schema has for one service. */
const { properties }: { readonly properties: object } = JSON.parse(
  readFileSync(inRepository('dist/service.schema.json'), 'utf8'),
);

/** The tests with real processes. */
const tests = readdirSync(inRepository('test/pid1'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.test.ts'))
  .map((path) => readFileSync(join(inRepository('test/pid1'), path), 'utf8'));

test.each(Object.keys(properties))('the key %s is in a definition of a test with real processes', (key) => {
  const inDefinition = new RegExp(`(^|[\\s{'"\`])${key}["']?: `, 'm');
  expect(tests.some((text) => inDefinition.test(text))).toBe(true);
});
