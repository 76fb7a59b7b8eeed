import { expect, test } from '@jest/globals';
import { defaultDefinition } from '../../../../src/supervisor/definition/default-definition.js';
import type { Definition } from '../../../../src/supervisor/definition/definition.js';
import { SERVICE } from '../../../../src/supervisor/definition/keys.js';
import { readKept, readServiceYaml } from '../../../../src/supervisor/definition/read-yaml.js';
import type { Key } from '../../../../src/supervisor/definition/record-shape.js';
import { changedKeys, showDefinition } from '../../../../src/supervisor/definition/show-definition.js';
import type { ServiceName } from '../../../../src/types/service.js';

const TIMES = { stopMs: 30_000, finishMs: 5_000, scriptMs: 30_000 };

function read(text: string): Definition {
  const base = defaultDefinition('web' as ServiceName, undefined, TIMES);
  const { definition, problems } = readServiceYaml({ file: 'f', text }, base, false, () => undefined);
  expect(problems).toEqual([]);
  return definition;
}

test.each([
  '{}',
  '{ ready: { http: { url: "http://a/", status: [204] } }, depends_on: { db: { condition: started } } }',
  '{ ready: { tcp: "[::1]:1", interval: 90s } }',
  '{ ready: { grpc: { address: "a:1" } } }',
  '{ ready: { notify_fd: 4 }, ulimits: { core: unlimited, nofile: 3 }, umask: 027 }',
  '{ type: oneshot, environment: [A=b], env_file: /a, user: 33, tags: [a], start_timeout: 90s }',
])('the output for %s is read again as the same', (text) => {
  const definition = read(text.replace('{', '{ command: [a, "b c"], '));
  const later = Object.entries<Key<unknown>>(SERVICE.keys).flatMap(([name, rule]) => (rule.later ? [name] : []));
  const shown = [...showDefinition(definition)].filter(([key]) => !later.includes(key));
  expect({ ...read(JSON.stringify(Object.fromEntries(shown))), origins: definition.origins }).toEqual(definition);
});

test.each([
  '{ command: "echo $HOME; echo $${A}", user: 33 }',
  '{ command: a, environment: { A: "$$", B: "1", C: "a$${b}" }, umask: 027, ulimits: { nofile: 3 } }',
  `{ command: a, ready: { log: '^[$] [a-z]+$' }, depends_on: { db: { condition: started } } }`,
])('the record of %s for the next controller is the same definition, with the same origins', (text) => {
  const definition = read(text);
  const base = defaultDefinition('web' as ServiceName, undefined, TIMES);
  const values = JSON.parse(JSON.stringify({ ...Object.fromEntries(showDefinition(definition)), future: 1 }));
  expect(readKept({ values, origins: definition.origins, environment: 0 }, base)).toEqual(definition);
});

test('in the record of another version, an unknown value costs no other key', () => {
  const base = defaultDefinition('web' as ServiceName, undefined, TIMES);
  const values = { command: ['a'], restart: 'no', exit_rules: [{ future: true, action: 'fail' }], nice: 3 };
  expect(readKept({ values, origins: new Map(), environment: 0 }, base)).toMatchObject({
    command: { kind: 'argv', argv: ['a'] },
    policy: { restart: 'no', exitRules: [] },
    execution: { nice: 3 },
  });
});

test('different keys are named, wherever they are written', () => {
  const one = read('command: a\nnice: 3');
  expect(changedKeys(one, read('\n\nnice: 3\ncommand: [a]'))).toEqual([]);
  expect(changedKeys(one, read('command: a\numask: 077'))).toEqual(['nice', 'umask']);
});
