/** biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the format, not of JavaScript. */
import { describe, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { SERVICE } from '../../../../src/supervisor/definition/keys.js';
import type { Json } from '../../../../src/supervisor/definition/node.js';
import { readServicesYaml } from '../../../../src/supervisor/definition/read-yaml.js';
import type { Key } from '../../../../src/supervisor/definition/record-shape.js';
import { serviceSchema, servicesSchema } from '../../../../src/supervisor/definition/schema.js';

const TIMES = { stopMs: 30_000, finishMs: 5_000, scriptMs: 30_000 };
const isInForce = new Ajv2020({ allowUnionTypes: true, strictTypes: false }).compile(servicesSchema());

/** Valid values of a key in each of its forms, and invalid values. */
const VALUES: Readonly<Record<string, readonly [right: readonly Json[], wrong: readonly Json[]]>> = {
  command: [
    ['a', 'a | b', ['a', 1, true]],
    ['', 5, [], [[]], {}],
  ],
  type: [
    ['longrun', 'oneshot'],
    ['schedule', 'simple', true],
  ],
  description: [['x'], ['', 1]],
  tags: [
    [[], ['a', 'b-1']],
    ['a', ['a b'], [1]],
  ],
  log: [
    [{}, { output: 'json' }, { output: 'none', buffer: '4m', file: '/var/log/web.log' }, { buffer: 65536 }],
    ['json', [], { output: 'text' }, { buffer: 'much' }, { file: 'web.log' }, { level: 'debug' }],
  ],
  memory_max: [
    ['512m', 65536, { size: '1g' }, { size: '1g', for: '10s', action: 'restart' }, { size: 1, action: 'USR1' }],
    ['1 GB', -1, [], {}, { for: '10s' }, { size: '1g', action: 'stop' }, { size: '50%' }],
  ],
  replicas: [
    [1, 3, '${A:-2}'],
    [0, 101, 1.5, 'two', null],
  ],
  enabled: [
    [true, false, '${A:-true}'],
    ['yes', 1, null],
  ],
  depends_on: [
    [[], ['db'], { db: {} }, { 'db@1': { condition: 'started', required: false, restart: true } }],
    ['db', [1], ['a b'], { db: { conditon: 'ready' } }, { db: { condition: 'up' } }, { db: [] }, { 'a b': {} }],
  ],
  live: [
    [
      { tcp: 'localhost:1' },
      { http: 'http://localhost/', interval: '1s', timeout: '1s', failures: 1, successes: 2, on_failure: 'none' },
      { exec: ['a'], on_failure: 'restart' },
      { file: '/a', on_failure: 'shutdown' },
    ],
    [{}, [], 'tcp', { tcp: 'x' }, { notify: true }, { delay: '1s' }, { file: '/a', on_failure: 'reload' }],
  ],
  ready: [
    [
      { tcp: 'localhost:1' },
      { http: 'http://localhost/', interval: '1s', timeout: '1s', failures: 1, successes: 2 },
      { http: { url: 'http://a/', unix: '/a', headers: { A: 'b' }, status: [200, '300-399'] } },
      { unix: '/a' },
      { grpc: { address: 'a:1' } },
      { exec: ['a'] },
      { file: '/a' },
      { notify: true },
      { notify_fd: 3 },
      { log: 'ready' },
      { delay: '1s' },
    ],
    [
      {},
      [],
      'tcp',
      { tcp: 'x' },
      { tcp: 'a:1', delay: '1s' },
      { delay: '1s', interval: '1s' },
      { delay: 1 },
      { notify: false },
      { notify_fd: 2 },
      { http: 'https://a/' },
      { http: {} },
      { http: { url: 'http://a/', method: 'GET' } },
      { exec: [] },
      { grpc: 'a:1' },
      { interval: '1s' },
    ],
  ],
  start_timeout: [
    ['10s', '1m30s'],
    [10, '10', '10 s', null],
  ],
  restart: [
    ['always', 'on-failure', 'no'],
    ['never', true, null],
  ],
  success_exit_codes: [
    [[0], [0, 143, 'TERM'], ['SIGTERM']],
    [0, [], [null]],
  ],
  exit_rules: [
    [
      [],
      [{ codes: [1, 2], action: 'fail' }],
      [{ signals: ['SEGV'], action: 'restart' }],
      [{ codes: [3], action: { shutdown: 42 } }],
      [{ oom: true, action: 'fail' }],
    ],
    [
      'fail',
      [{ codes: [1] }],
      [{ codes: 1, action: 'fail' }],
      [{ codes: [1], action: 'stop' }],
      [{ codes: [1], action: { shutdown: 256 } }],
    ],
  ],
  restart_delay: [
    [{}, { initial: '500ms', factor: 1.5, max: '1m', jitter: 0, reset_after: '20s' }],
    ['1s', { initial: 1 }, { factor: 0.5 }, { jitter: 2 }, { least: '1s' }],
  ],
  start_limit: [
    [
      { attempts: 3, within: '1m' },
      Object.fromEntries([
        ['attempts', 1],
        ['within', '1s'],
        ['then', 'shutdown'],
      ]),
    ],
    [3, { attempts: 3 }, { within: '1m' }, { attempts: 0, within: '1m' }],
  ],
  essential: [
    [true, false],
    ['yes', 1],
  ],
  optional: [
    [true, false],
    ['yes', 1],
  ],
  stop_signal: [
    ['TERM', 'SIGQUIT', [{ signal: 'QUIT', wait: '5s' }, { signal: 'TERM' }]],
    [[], [{ wait: '5s' }], [{ signal: 'QUIT', wait: 5 }]],
  ],
  stop_command: [
    [['a'], ['a', 'b', '']],
    ['a', [], {}],
  ],
  reload: [
    ['USR1', 'SIGHUP', ['a', '-s', 'reload']],
    ['NONE', [], {}],
  ],
  stop_grace_period: [
    ['10s', '1m30s'],
    [10, '10', null],
  ],
  environment: [
    [{ A: 'b', B: 1, C: true }, {}, ['A=b', 'C=']],
    ['A=b', ['A'], { A: null }, { A: [] }, { A: {} }],
  ],
  env_file: [
    ['/a', ['/a', { path: '/b', required: false }]],
    ['a', [1], { path: '/a' }, [{ required: true }]],
  ],
  pass_env: [[['A', 'B_*']], ['A', [1], ['']]],
  user: [
    ['app', 1000, 'app:staff'],
    [[], null],
  ],
  group_add: [[['a', 1]], ['a', [[]]]],
  working_dir: [['/a'], ['a', 1]],
  umask: [['022'], [null, []]],
  nice: [
    [-20, 0, 19],
    [20, -21, 1.5, 'high'],
  ],
  oom_score_adj: [
    [-1000, 1000],
    [1001, true],
  ],
  ulimits: [
    [{ nofile: 1 }, { core: 'unlimited', nofile: { soft: 1, hard: 2 } }],
    [{ files: 1 }, { nofile: [] }, { nofile: { soft: 1 } }, 1],
  ],
};

const inForce = Object.entries<Key<unknown>>(SERVICE.keys).flatMap(([name, rule]) => (rule.later ? [] : [name]));
const later = Object.entries<Key<unknown>>(SERVICE.keys).flatMap(([name, rule]) => (rule.later ? [name] : []));

const entryFor = (name: string): fc.Arbitrary<readonly [string, Json]> => {
  const [right, wrong] = VALUES[name] ?? [[], []];
  return fc
    .oneof({ weight: 9, arbitrary: fc.constantFrom(...right) }, { weight: 1, arbitrary: fc.constantFrom(...wrong) })
    .map((value) => [name, value]);
};
const stranger: fc.Arbitrary<readonly [string, Json]> = fc
  .constantFrom('x-mine', 'comand', ...later)
  .map((name) => [name, 'x']);

const service: fc.Arbitrary<Json> = fc
  .tuple(
    fc.oneof(
      { weight: 15, arbitrary: entryFor('command').map((entry) => [entry]) },
      { weight: 1, arbitrary: fc.constant([]) },
    ),
    fc.subarray(inForce.filter((name) => name !== 'command')).chain((names) => fc.tuple(...names.map(entryFor))),
    fc.oneof({ weight: 9, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: stranger.map((entry) => [entry]) }),
  )
  .map((parts) => Object.fromEntries(parts.flat()));

describe('the JSON schema', () => {
  test('every key in force has values here, and they are judged as intended', () => {
    expect(Object.keys(VALUES).sort()).toEqual(inForce.toSorted());
    for (const [name, [right, wrong]] of Object.entries(VALUES)) {
      for (const value of right) expect([name, value, judge(one(name, value))]).toEqual([name, value, 'right']);
      for (const value of wrong) expect([name, value, judge(one(name, value))]).toEqual([name, value, 'wrong']);
    }
  });

  test('schema and parser agree on a thousand documents', () => {
    let right = 0;
    fc.assert(
      fc.property(service, (document) => {
        if (judge(document) === 'right') right++;
      }),
      { numRuns: 1_000 },
    );
    // Both kinds of documents were among them.
    expect(right).toBeGreaterThan(100);
    expect(right).toBeLessThan(900);
  });

  test('service.yaml has the same keys, and needs no command beside run', () => {
    const isService = new Ajv2020({ allowUnionTypes: true, strictTypes: false }).compile(serviceSchema());
    expect(isService({ nice: 3 })).toBe(true);
    expect(isService({ nise: 3 })).toBe(false);
  });

  test('a variable may stand for any number or word', () => {
    expect(
      judge({
        command: '${A:-a}',
        nice: '${A:-3}',
        enabled: '${A:-true}',
        type: '${A:-oneshot}',
        start_timeout: '${A:-3s}',
      }),
    ).toBe('right');
  });
});

const one = (name: string, value: Json): Json => ({ command: 'a', ...(name === 'ready' ? {} : {}), [name]: value });

/** The verdict of parser and schema on a service. Throws where they differ. */
function judge(document: Json): 'right' | 'wrong' {
  const file = { services: { a: document } };
  const schema = isInForce(file) ? 'right' : 'wrong';
  const read = readServicesYaml([{ file: 'f', text: stringify(file) }], () => undefined, TIMES);
  const problems = [...read.problems, ...[...read.services.values()].flatMap((found) => found.problems)];
  // Replicas that log to one file: a schema cannot compare services.
  const parser = problems.every(({ id }) => id === 'log-file-twice') ? 'right' : 'wrong';
  if (schema !== parser)
    throw new Error(
      `the schema says ${schema}, the parser ${parser}: ${JSON.stringify(document)} ${JSON.stringify(problems[0] ?? isInForce.errors)}`,
    );
  return parser;
}
