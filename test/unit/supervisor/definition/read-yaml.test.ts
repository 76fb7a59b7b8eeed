/** biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the format, not of JavaScript. */
import { describe, expect, test } from '@jest/globals';
import { defaultDefinition } from '../../../../src/supervisor/definition/default-definition.js';
import type { Definition, Problem } from '../../../../src/supervisor/definition/definition.js';
import { SERVICE } from '../../../../src/supervisor/definition/keys.js';
import { readServicesYaml, readServiceYaml } from '../../../../src/supervisor/definition/read-yaml.js';
import type { Key } from '../../../../src/supervisor/definition/record-shape.js';
import type { ServiceName } from '../../../../src/types/service.js';

const TIMES = { stopMs: 30_000, finishMs: 5_000, scriptMs: 30_000 };
const VARIABLES = new Map([
  ['PORT', '8080'],
  ['EMPTY', ''],
]);
const FILE = '/etc/service/web/service.yaml';

function read(text: string, { hasRun = false } = {}): { definition: Definition; said: readonly string[] } {
  const base = defaultDefinition('web' as ServiceName, '/etc/service/web', TIMES);
  const { definition, problems } = readServiceYaml({ file: FILE, text }, base, hasRun, (name) => VARIABLES.get(name));
  return { definition, said: problems.map(say) };
}

const say = ({ origin, message, remedy }: Problem): string => `${origin.line}:${origin.column} ${message}; ${remedy}`;

function readAll(...texts: readonly string[]): ReturnType<typeof readServicesYaml> {
  const files = texts.map((text, at) => ({ file: `/etc/my_init/${at}.yaml`, text }));
  return readServicesYaml(files, (name) => VARIABLES.get(name), TIMES);
}

describe('service.yaml', () => {
  test('every key of this version has its place in the definition', () => {
    const { definition, said } = read(`
command: redis-server --port 6379
description: the cache
tags: [data, cache]
enabled: false
depends_on:
  db: { condition: started, required: false, restart: true }
ready:
  http: { url: "http://localhost:\${PORT}/health", unix: /run/web.sock, headers: { Host: web }, status: [204, 300-399] }
  interval: 30s
start_timeout: 1m30s
environment: { PORT: 8080, DEBUG: true, TEXT: "$$HOME" }
env_file: [/etc/web.env, { path: /etc/more.env, required: false }]
pass_env: [PATH, "APP_*"]
user: www-data:staff
group_add: [audio, 44]
working_dir: /srv
umask: 027
nice: -5
oom_score_adj: -500
ulimits: { nofile: 65536, core: unlimited, nproc: { soft: 10, hard: 20 } }
x-mine: { anything: goes }
`);
    expect(said).toEqual([]);
    expect(definition).toMatchObject({
      command: { kind: 'argv', argv: ['redis-server', '--port', '6379'] },
      description: 'the cache',
      tags: ['data', 'cache'],
      enabled: false,
      dependsOn: [{ on: 'db', condition: 'started', required: false, restart: true }],
      ready: {
        kind: 'probe',
        probe: {
          kind: 'http',
          url: 'http://localhost:8080/health',
          unix: '/run/web.sock',
          headers: { Host: 'web' },
          status: [
            [204, 204],
            [300, 399],
          ],
        },
        times: { intervalMs: 30_000, timeoutMs: 3_000, failures: 3, successes: 1 },
      },
      startTimeoutMs: 90_000,
      environment: {
        variables: new Map([
          ['PORT', '8080'],
          ['DEBUG', 'true'],
          ['TEXT', '$HOME'],
        ]),
        files: [
          { path: '/etc/web.env', required: true },
          { path: '/etc/more.env', required: false },
        ],
        pass: ['PATH', 'APP_*'],
      },
      execution: {
        user: 'www-data:staff',
        groupAdd: ['audio', '44'],
        workingDirectory: '/srv',
        umask: 0o27,
        nice: -5,
        oomScoreAdj: -500,
        ulimits: new Map([
          ['nofile', { soft: 65536, hard: 65536 }],
          ['core', { soft: Number.POSITIVE_INFINITY, hard: Number.POSITIVE_INFINITY }],
          ['nproc', { soft: 10, hard: 20 }],
        ]),
      },
    });
    expect(definition.origins.get('ready.http.unix')).toEqual({ file: FILE, line: 9, column: 51 });
  });

  test.each([
    ['tcp: "[::1]:5432"', { kind: 'tcp', host: '::1', port: 5432 }],
    ['unix: /run/a.sock', { kind: 'unix', path: '/run/a.sock' }],
    ['grpc: { address: "localhost:1" }', { kind: 'grpc', address: 'localhost:1', service: '' }],
    ['exec: [pg_isready, -q]', { kind: 'exec', argv: ['pg_isready', '-q'] }],
    ['file: /run/ready', { kind: 'file', path: '/run/ready' }],
  ])('a service is checked with %s', (text, probe) => {
    expect(read(`command: a\nready: { ${text} }`)).toMatchObject({
      said: [],
      definition: { ready: { kind: 'probe', probe } },
    });
  });

  test.each([
    ['notify: true', { kind: 'notify' }],
    ['notify_fd: 3', { kind: 'notify_fd', fd: 3 }],
    ['log: "listening on [0-9]+"', { kind: 'log', pattern: 'listening on [0-9]+' }],
    ['delay: 2s', { kind: 'delay', delayMs: 2_000 }],
  ])('a service reports that it is ready with %s', (text, ready) => {
    expect(read(`command: a\nready: { ${text} }`)).toMatchObject({ said: [], definition: { ready } });
  });

  test('a file beside run needs no command; an empty one changes nothing', () => {
    expect(read('nice: 3', { hasRun: true })).toMatchObject({ said: [], definition: { command: { kind: 'run' } } });
    expect(read('', { hasRun: true }).said).toEqual([]);
    expect(read('# nothing yet\n', { hasRun: true }).said).toEqual([]);
  });

  test('JSON is YAML', () => {
    expect(read('{"command": ["a", "b"], "nice": 3}')).toMatchObject({
      said: [],
      definition: { execution: { nice: 3 } },
    });
  });

  test('no, on and yes are text', () => {
    expect(read('command: a\nenvironment: { A: no, B: on, C: yes }').definition.environment.variables).toEqual(
      new Map([
        ['A', 'no'],
        ['B', 'on'],
        ['C', 'yes'],
      ]),
    );
  });

  test.each([
    ['a: {', '1:5 this is not YAML: '],
    ['comand: a', '1:1 a service has no key comand; did you mean command?'],
    ['command: a\nzzz: 1', '2:1 a service has no key zzz; it has command, type, '],
    ['command: a\ncommand: b', '2:1 command is given twice, first in line 1; remove one of the two'],
    [
      'command: !!str a',
      '1:16 tags such as !!str are not allowed; remove the tag; put text that looks like a number in quotes',
    ],
    ['command: 5', '1:10 command must be a command line, not 5; put it in quotes: "5"'],
    [
      'command: a\nready: { tcp: 5432 }',
      '2:15 ready.tcp must be an address like localhost:5432 or [::1]:5432, not 5432; write an address like',
    ],
    [
      'command: a\nready: { exec: "pg_isready -q" }',
      '2:16 ready.exec must be a list of a program and its arguments, not "pg_isready -q"; write a list: [pg_isready, -q]',
    ],
    ['command: a\nready: { notify: yes }', '2:18 ready.notify must be true, not "yes"; write true'],
    [
      'command: a\nulimits: { nofle: 3 }',
      '2:12 ulimits: "nofle" is not one of core, cpu, data, fsize, locks, memlock, msgqueue, nice, nofile, nproc, rss, rtprio, rttime, sigpending, stack, as; did you mean nofile?',
    ],
    ['command: []', '1:10 command is an empty list; write a list of a program and its arguments'],
    ['command: {a: 1}', '1:10 command must be a command line, or a list of a program and its arguments, not a map; '],
    ['command: a\nenabled: no', '2:10 enabled must be true or false, not "no"; write true or false'],
    [
      'command: a\nstart_timeout: 10',
      '2:16 start_timeout must be a duration like 500ms, 10s, 2m or 1h, not 10; add a unit: 10s',
    ],
    ['command: a\nstart_timeout: 500h', '2:16 start_timeout must be a duration of at most 480h, not "500h"'],
    ['command: a\ntype: schedule', '2:7 type: schedule is not in this version of my_init; use longrun or oneshot'],
    ['command: a\ntype: oneshto', '2:7 type must be longrun or oneshot, not "oneshto"; did you mean oneshot?'],
    [
      'command: a\nreplicas: 2',
      '2:1 replicas is for a service in a file for many services: a directory is one service; move the definition',
    ],
    ['command: a\nreplicas: 0', '2:11 replicas must be a whole number from 1 to 100, not 0; '],
    ['command: a\nnice: 20', '2:7 nice must be a whole number from -20 to 19, not 20; '],
    ['command: a\nnice: ${PORT}', '2:7 nice must be a whole number from -20 to 19, not "${PORT}", which is "8080"; '],
    [
      'command: ${NOT_SET}',
      '1:10 command: the variable NOT_SET is not set; set NOT_SET for the container, or write ${NOT_SET:-} for an empty text, $${NOT_SET} for a shell to expand it',
    ],
    [
      'command: ${NOT_SET:?needed for the database}',
      '1:10 command: NOT_SET: needed for the database; set NOT_SET for the container',
    ],
    ['command: ${a b}', '1:10 command: ${a b} is not a variable; write ${NAME}'],
    ['command: a\nready: { tcp: "a:1", delay: 1s }', '2:8 ready has two probes, tcp and delay; keep one of the two'],
    [
      'command: a\nready: { interval: 1s }',
      '2:8 ready has no probe; add one of http, tcp, unix, grpc, exec, file, notify_fd, notify, log, delay',
    ],
    ['command: a\nready: { delay: 1s, timeout: 1s }', '2:21 ready: timeout means nothing with delay; remove timeout'],
    ['command: a\nready: { log: "a(" }', '2:15 ready.log: "a(" is not a regular expression: a group is not closed'],
    [
      'command: a\nready: { http: https://localhost/ }',
      '2:16 ready.http must be a URL like http://localhost:8080/health, not "https://localhost/"; probe the service itself, not what encrypts for it',
    ],
    [
      'command: a\nready: { http: "http://x y" }',
      '2:16 ready.http must be a URL like http://localhost:8080/health, not "http://x y"',
    ],
    [
      'command: a\nlive: { http: { url: "http://localhost:99999/" } }',
      '2:22 live.http.url must be a URL like http://localhost:8080/health, not "http://localhost:99999/"',
    ],
    [
      'command: a\nready: { grpc: { address: "x y:1" } }',
      '2:27 ready.grpc.address must be an address like localhost:50051 or unix:/run/app.sock, not "x y:1"',
    ],
    [
      'command: a\nready: { tcp: "5432" }',
      '2:15 ready.tcp must be an address like localhost:5432 or [::1]:5432, not "5432"',
    ],
    [
      'command: a\ntype: oneshot\nready: { delay: 1s }',
      '3:1 a oneshot is ready when it has ended successfully, and has no ready; remove ready',
    ],
    ['command: a\nworking_dir: srv', '2:14 working_dir must be an absolute path, not "srv"; write an absolute path'],
    ['command: a\numask: 99', '2:8 umask must be an octal number like 022, not 99'],
    ['command: a\nulimits: { files: 3 }', '2:12 ulimits: "files" is not one of core, cpu, data'],
    [
      'command: a\nulimits: { nofile: { soft: 3, hard: 2 } }',
      '2:20 ulimits.nofile: soft is more than hard; raise hard, or lower soft',
    ],
    ['command: a\nenvironment: { A: }', '2:19 environment.A must be text, not empty; write "" for an empty text'],
    ['command: a\nenvironment: [A]', '2:15 environment[0] must be a text like NAME=VALUE, not "A"'],
    ['command: a\ndepends_on: db', '2:13 depends_on must be a list of services, or a map'],
    [
      'command: a\ndepends_on: { db: { conditon: ready } }',
      '2:21 a dependency has no key conditon; did you mean condition?',
    ],
    ['<<: *a', '1:5 there is no &a before *a; define &a above this line'],
    [
      'command: a\n<<: {nice: 3}',
      '2:1 << is YAML 1.1, my_init reads YAML 1.2; use defaults, or *NAME as the whole value',
    ],
    ['[a]', '1:1 a service must be a map with keys such as command, type, description, tags, not a list; '],
    ['nice: 3', '1:1 there is neither command nor run; add command: to service.yaml, or a script run beside it'],
    ['command: a\n---\ncommand: b', '2:1 there is more than one document; remove the line ---: a file has one'],
    ['%YAML 1.1\n---\ncommand: a', '1:1 this is YAML 1.1, and my_init reads YAML 1.2; remove the line %YAML'],
    ['? [a]\n: b', '1:3 a key must be a word; put a key that begins with * & [ or { in quotes'],
  ])('%j is refused: %s', (text, message) => {
    expect(read(text).said).toContainEqual(expect.stringContaining(message));
  });

  test('a mistake in one key does not hide a mistake in another', () => {
    expect(read('comand: a\nnice: 99\nenabled: maybe').said).toHaveLength(3);
  });

  test('run and command exclude each other', () => {
    expect(read('command: a', { hasRun: true }).said).toEqual([
      '1:1 the directory has run, and service.yaml has command; keep one of the two',
    ]);
  });

  test('aliases are values; aliases of aliases are limited', () => {
    expect(read('command: a\nx-t: &t 10s\nstart_timeout: *t').definition.startTimeoutMs).toBe(10_000);
    const lines = Array.from({ length: 6 }, (_, at) =>
      at === 0
        ? 'x-0: &a0 { nofile: 3 }'
        : `x-${at}: &a${at} [${Array(100)
            .fill(`*a${at - 1}`)
            .join()}]`,
    );
    expect(read(`${lines.join('\n')}\ncommand: *a5`).said.length).toBeGreaterThan(0);
    expect(read('command: &c [*c]').said).toEqual(['1:14 *c is inside of &c itself; define &c above this line']);
  });

  test('a text of any size and depth is read or refused', () => {
    expect(read('['.repeat(200_000)).said).toHaveLength(1);
    expect(read(`command: ${'a'.repeat(2 << 20)}`).said).toEqual([
      '0:0 the file is larger than 1 MiB; split it into files of services.d',
    ]);
  });
});

describe('a file of services', () => {
  test('has services and defaults; later files win in defaults, key by key', () => {
    const { services, problems } = readAll(
      'defaults: { nice: 1, ready: { delay: 1s }, user: www-data }\nservices:\n  web: { command: web }\n  once: { type: oneshot, command: [true], nice: 2 }\n',
      'x-more: 1\ndefaults: { nice: 5 }\nservices: { db: { command: db } }',
    );
    expect(problems).toEqual([]);
    expect([...services.keys()]).toEqual(['web', 'once', 'db']);
    for (const { problems: own } of services.values()) expect(own).toEqual([]);
    expect(services.get('web' as ServiceName)?.definition).toMatchObject({
      ready: { delayMs: 1_000 },
      execution: { nice: 5, user: 'www-data' },
    });
    expect(services.get('once' as ServiceName)?.definition).toMatchObject({
      ready: { delayMs: 250 },
      execution: { nice: 2 },
      policy: { restart: 'no' },
      command: { argv: ['true'] },
    });
  });

  test('an invalid definition fails its own service', () => {
    const { services, problems } = readAll('services:\n  a: { command: a }\n  b: { comand: b }\n  c: { command: c }\n');
    expect(problems).toEqual([]);
    expect([...services].map(([name, service]) => [name, service.problems.length])).toEqual([
      ['a', 0],
      ['b', 1],
      ['c', 0],
    ]);
  });

  test('a mistake in the syntax fails its own service and those after it, and none before it', () => {
    const { services } = readAll('services:\n  a:\n    command: a\n  b:\n    command: "b\n  c:\n    command: c\n');
    expect(services.get('a' as ServiceName)?.problems).toEqual([]);
    expect(services.get('b' as ServiceName)?.problems.map(say)[0]).toMatch(/this is not YAML/);
  });

  test('a name in two files is an error that names both', () => {
    const { services } = readAll('services: { a: { command: a } }', 'services: { a: { command: b } }');
    expect(services.get('a' as ServiceName)?.problems.map(say)).toEqual([
      '1:13 a is defined in two places, first in /etc/my_init/0.yaml:1; remove one of the two, or give it another name',
    ]);
  });

  test('a service that logs to the file of another is refused, and so is a replica', () => {
    const { services } = readAll(
      'defaults: { log: { file: /run/log } }\nservices: { a: { command: a }, b: { command: b, replicas: 2, log: { file: /run/b } } }',
      'services: { c: { command: c }, d: { command: d, log: { file: "/run/${PORT}" } } }',
      'services: { e: { command: e, log: { file: /run/./b } } }',
    );
    const said = [...services].map(([name, { problems }]) => [name, ...problems.map(say)]);
    expect(said).toEqual([
      ['a'],
      ['b@1'],
      ['b@2', '2:69 b@2 logs to /run/b, the file of b@1; put ${MY_INIT_REPLICA} into its name'],
      ['c', '1:20 c logs to /run/log, the file of a; give each service its own file'],
      ['d'],
      ['e', '1:37 e logs to /run/./b, the file of b@1 (/etc/my_init/0.yaml:2); give each service its own file'],
    ]);
  });

  test('invalid defaults fail each service: none runs as root because www-data was misspelt', () => {
    const { services } = readAll('defaults: { usr: www-data }\nservices: { a: { command: a }, b: { command: b } }');
    for (const { problems } of services.values())
      expect(problems.map(say)).toEqual(['1:13 defaults has no key usr; did you mean user?']);
  });

  test('a mistake outside all services is reported for the file', () => {
    expect(readAll('service: {}').problems.map(say)[0]).toMatch(
      /a file of services has no key service; did you mean services\?/,
    );
    expect(readAll('services: { "a b": { command: a } }').problems.map(say)).toEqual([
      '1:13 "a b" cannot be the name of a service; use letters, digits and . _ @ -, and begin with a letter or digit',
    ]);
    expect(readAll('services: [a]').problems.map(say)[0]).toMatch(/services must be a map of services, not a list/);
    expect(
      readAll('defaults: { command: a }\nservices: { a: { command: b } }')
        .services.get('a' as ServiceName)
        ?.problems.map(say)[0],
    ).toMatch(/defaults has no key command/);
  });
});

test('the defaults of the table are those of a service without keys', () => {
  const base = defaultDefinition('web' as ServiceName, undefined, TIMES);
  const written = Object.entries<Key<unknown>>(SERVICE.keys).flatMap(([name, rule]) =>
    rule.default === undefined || rule.later ? [] : [[name, rule.default]],
  );
  const { definition, said } = read(JSON.stringify(Object.fromEntries(written)), { hasRun: true });
  expect(said).toEqual([]);
  expect({ ...definition, directory: undefined, origins: base.origins }).toEqual(base);
});
