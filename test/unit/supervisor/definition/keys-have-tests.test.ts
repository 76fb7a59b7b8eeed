import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';

const inRepository = (path: string): string => fileURLToPath(new URL(`../../../../${path}`, import.meta.url));

/** The part of the shipped schema that has keys. */
interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
}

const service: Schema = JSON.parse(readFileSync(inRepository('dist/service.schema.json'), 'utf8'));

/** The tests with real processes. */
const tests = readdirSync(inRepository('test/pid1'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => readFileSync(join(inRepository('test/pid1'), path), 'utf8'));

/** Each key after the keys that contain it: `ready http headers`. */
function pathsOf({ properties = {}, patternProperties = {}, anyOf = [], items }: Schema): readonly string[] {
  const own = Object.entries(properties).flatMap(([key, schema]) => [
    key,
    ...pathsOf(schema).map((path) => `${key} ${path}`),
  ]);
  const inner = [...Object.values(patternProperties), ...anyOf, ...(items ? [items] : [])];
  return [...new Set([...own, ...inner.flatMap(pathsOf)])];
}

/** A definition has these keys near each other, in one line or a few. */
const written = (path: string): RegExp =>
  new RegExp(
    path
      .split(' ')
      .map((key) => `(^|[\\s{'"\`])${key}["']?: `.replace(/ $/, '\\s'))
      .join('(?:.|\\n(?! *\\n)){0,250}?'),
    'm',
  );

test.each(pathsOf(service))('the key %s is in a definition of a test with real processes', (path) => {
  const inDefinition = written(path);
  expect(tests.some((text) => inDefinition.test(text))).toBe(true);
});
