import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { defaultDefinition } from '../../../../src/supervisor/definition/default-definition.js';
import { readServicesYaml, readServiceYaml } from '../../../../src/supervisor/definition/read-yaml.js';
import type { ServiceName } from '../../../../src/types/service.js';
import { serviceReference } from '../../../helpers/service-reference.js';

const REFERENCE = new URL('../../../../docs/service-reference.md', import.meta.url);

// UPDATE_DOCS=1 npx jest documents: writes the page.
test('docs/service-reference.md matches the table of keys', () => {
  const page = serviceReference();
  if (process.env.UPDATE_DOCS === '1') writeFileSync(REFERENCE, page);
  expect(readFileSync(REFERENCE, 'utf8')).toBe(page);
});

const GUIDES = ['services.md', 'policies.md', 'migrate-from-supervisord.md'];

describe.each(GUIDES)('docs/%s', (guide) => {
  const blocks = [...textOf(guide).matchAll(/```yaml\n(.*?)```/gs)].map(([, text = '']) => text);
  const definitions = blocks.filter((text) => !text.includes('- run:'));

  // A block may show several ways to write one key.
  test.each(definitions.flatMap(variants))('%j is valid', (text) => {
    const problems = isFile(text) ? problemsOfFile(text) : problemsOfService(text);
    expect(problems).toEqual([]);
  });
});

// The last column of a table uses the words of my_init: `restart: no`.
test.each(['policies.md', 'migrate-from-supervisord.md', 'migrate-from-s6-overlay.md'])(
  'keys in the tables of docs/%s are valid',
  (guide) => {
    const rows = [...textOf(guide).matchAll(/^\|.*\| (?<words>[^|]+) \|$/gm)].map(({ groups }) => groups?.words ?? '');
    const keys = rows.flatMap((words) => [...words.matchAll(/`(\w+: [^`]+)`/g)].map(([, text = '']) => text));
    const ofServices = keys.filter((text) => !/^(then|action):/.test(text));
    expect(ofServices.length).toBeGreaterThan(5);
    for (const text of ofServices) expect([text, problemsOfKey(text)]).toEqual([text, []]);
  },
);

function textOf(guide: string): string {
  return readFileSync(new URL(`../../../../docs/${guide}`, import.meta.url), 'utf8');
}

const TIMES = { stopMs: 30_000, finishMs: 5_000, scriptMs: 30_000 };
const isFile = (text: string): boolean => /^services:/m.test(text);
const UNKNOWN = (): 'unknown' => 'unknown';

function variants(text: string): readonly string[] {
  const keys = [...text.matchAll(/^\w+(?=:)/gm)].map(([key]) => key);
  if (new Set(keys).size === keys.length) return [text];
  return text.split(/^(?=\w+:)/m);
}

function problemsOfFile(text: string): readonly string[] {
  const { services, problems } = readServicesYaml([{ file: 'f', text }], UNKNOWN, TIMES);
  return [...problems, ...[...services.values()].flatMap((service) => service.problems)].map(({ message }) => message);
}

const problemsOfKey = (text: string): readonly string[] =>
  problemsOfFile(`services:\n  web:\n    ${text}\n${text.startsWith('command:') ? '' : '    command: a\n'}`);

function problemsOfService(text: string): readonly string[] {
  // A service with its name before it.
  if (/^\w+:\n {2}\w/.test(text) && !/^\w+:\n {2}\w+: \{/.test(text)) {
    const nested = problemsOfFile(`services:\n${text.replace(/^/gm, '  ')}`);
    if (nested.length === 0) return nested;
  }
  const base = defaultDefinition('web' as ServiceName, '/', TIMES);
  return readServiceYaml({ file: 'f', text }, base, !/^command:/m.test(text), UNKNOWN).problems.map(
    ({ message }) => message,
  );
}
