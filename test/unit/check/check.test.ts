/** biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the format, not of JavaScript. */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

const PROGRAM = new URL('../../../dist/my_init', import.meta.url).pathname;

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'check-'));
  write('/bin/sh', '\x7fELF');
  symlinkSync('/bin', join(root, 'usrbin'));
  write('/etc/passwd', 'root:x:0:0::/root:/bin/sh\nwww-data:x:33:33::/:/bin/sh\n');
  write('/etc/group', 'root:x:0:\naudio:x:29:\n');
});
afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, text: string, mode = 0o755): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
  chmodSync(join(root, path), mode);
}

const services = (text: string): void => write('/etc/my_init/services.yaml', text);
const run = (text: string, mode?: number): void => write('/etc/service/web/run', text, mode);

interface Finding {
  readonly id: string;
  readonly severity: string;
  readonly service: string | null;
  readonly file: string;
  readonly line: number;
  readonly message: string;
  readonly remedy: string;
}

function check(...words: readonly string[]): { code: number | null; findings: readonly Finding[]; errors: string } {
  const { status, stdout, stderr } = spawnSync(PROGRAM, ['check', '--root', root, '-o', 'json', ...words], {
    encoding: 'utf8',
    cwd: root,
  });
  return { code: status, findings: stdout === '' ? [] : JSON.parse(stdout).findings, errors: stderr };
}

const ids = (): readonly string[] =>
  check().findings.map(({ service, severity, id }) => `${service} ${severity} ${id}`);

describe('my_init check finds', () => {
  test('nothing in valid definitions, and nothing where there are none', () => {
    expect(check()).toEqual({ code: 0, findings: [], errors: '' });
    run('#!/usrbin/sh\nset -e\nexec sleep 1000\n');
    services('services: { db: { command: [/bin/sh], depends_on: [web], user: "www-data:audio" } }');
    expect(check()).toEqual({ code: 0, findings: [], errors: '' });
  });

  test('no missing exec in a oneshot: its script is the service itself', () => {
    services('services: { migrate: { type: oneshot, command: "cd /\\n/bin/sh one\\n/bin/sh two\\n" } }');
    expect(ids()).toEqual([]);
  });

  test('a limit that cannot be reached because of the delays, and no other', () => {
    services(`services:
  never: { command: [/bin/sh], restart_delay: { initial: 10s }, start_limit: { attempts: 4, within: 30s } }
  just: { command: [/bin/sh], restart_delay: { initial: 10s }, start_limit: { attempts: 4, within: 2m } }
  # A first run of a second is followed by the next at once.
  twice: { command: [/bin/sh], restart_delay: { initial: 1m, max: 1m }, start_limit: { attempts: 2, within: 30s } }
`);
    expect(ids()).toEqual(['never error limit-unreachable']);
  });

  test('services that a shutdown kills before their time is over: alone, or after their dependents', () => {
    services(`services:
  db: { command: [/bin/sh], stop_grace_period: 4s }
  web: { command: [/bin/sh], depends_on: [db], stop_grace_period: 3500ms }
  slow: { command: [/bin/sh], stop_grace_period: 20s }
  quick: { command: [/bin/sh], stop_grace_period: 7s }
`);
    expect(check().findings.map(({ service, id, message }) => [service, id, message])).toEqual([
      [
        'db',
        'grace-over-deadline',
        'db and the services that stop before it may take 7s500ms, and a shutdown of 8s gives services 7s100ms',
      ],
      ['slow', 'grace-over-deadline', 'slow may take 20s to stop, and a shutdown of 8s gives services 7s100ms'],
    ]);
  });

  test.each([
    [
      'a run that is not executable',
      '#!/bin/sh\nexec a',
      0o644,
      'error run-not-executable',
      /chmod \+x \/etc\/service\/web\/run/,
    ],
    ['a run without an interpreter line', 'exec a\n', 0o755, 'error run-no-interpreter-line', /#!\/bin\/sh/],
    ['an empty run', '', 0o755, 'error run-empty', /#!\/bin\/sh/],
    ['Windows line ends', '#!/bin/sh\r\nexec a\r\n', 0o755, 'error run-crlf', /sed -i/],
    ['an interpreter that is not there', '#!/bin/bash\nexec a\n', 0o755, 'error run-no-interpreter', /./],
    ['a run that does not exec', '#!/bin/sh\nsleep 1000\n', 0o755, 'warning no-exec', /exec sleep 1000/],
    ['a run that ends in the background', '#!/bin/sh\nsleep 1000 &\n', 0o755, 'warning in-background', /remove the &/],
    ['a daemon', '#!/bin/sh\nexec /usr/sbin/nginx -c /etc/nginx.conf\n', 0o755, 'warning daemonizes', /daemon off/],
    [
      'a daemon behind a wrapper',
      '#!/bin/sh\nexec setuser www-data memcached -d 2>&1\n',
      0o755,
      'warning daemonizes',
      /remove -d/,
    ],
  ])('%s', (_, script, mode, found, remedy) => {
    run(script, mode);
    const { findings } = check();
    expect(findings.map(({ severity, id }) => `${severity} ${id}`)).toEqual([found]);
    expect(findings[0]?.remedy).toMatch(remedy);
  });

  test.each([
    ['exec nginx -g "daemon off;"'],
    ['while :; do sleep 1; done'],
    ['exec sshd -D -e'],
    ['PORT=3 exec node server.js'],
    ['cd /srv && exec node server.js'],
    ['exec \\\n  node server.js'],
    ['if true; then exec a; else exec b; fi'],
  ])('nothing in a run that ends with %j', (line) => {
    run(`#!/bin/sh\n${line}\n`);
    expect(ids()).toEqual([]);
  });

  test.each([
    ['a: { command: [/bin/none] }', 'a error command-missing'],
    ['a: { command: none }', 'a warning command-not-found'],
    ['a: { command: [/bin/sh], stop_command: [/bin/none] }', 'a error command-missing'],
    ['a: { command: [/bin/sh], reload: [none] }', 'a warning command-not-found'],
    ['a: { command: [/bin/sh], user: nobody }', 'a error unknown-user'],
    ['a: { command: [/bin/sh], user: "1000:staff" }', 'a error unknown-group'],
    ['a: { command: [/bin/sh], group_add: [staff] }', 'a error unknown-group'],
    ['a: { command: [/bin/sh], env_file: /etc/none }', 'a error env-file-missing'],
    ['a: { command: [/bin/sh], working_dir: /none }', 'a warning working-dir-missing'],
    ['a: { command: "redis-server --daemonize yes" }', 'a warning daemonizes'],
    ['a: { command: [/bin/sh], depends_on: [b] }', 'a error unknown-service'],
    ['a: { command: [/bin/sh], depends_on: [a] }', 'a error cycle'],
    [
      'a: { command: [/bin/sh], depends_on: { b: { condition: completed } } }\n  b: { command: [/bin/sh] }',
      'a error condition-never',
    ],
    [
      'a: { command: [/bin/sh], depends_on: [b] }\n  b: { command: [/bin/sh], enabled: false }',
      'a warning condition-never',
    ],
    [
      'a: { command: [/bin/sh], ready: { tcp: "localhost:80" } }\n  b: { command: [/bin/sh, --port, 80] }',
      'b warning port-twice',
    ],
    [
      'a: { command: [/bin/sh], log: { file: /run/a.log } }\n  b: { command: [/bin/sh], log: { file: /run/a.log } }',
      'b error log-file-twice',
    ],
    ['a: { comand: a }', 'a error unknown-key'],
    ['a: { command: a, replicas: 0 }', 'a@1 error wrong-value'],
    ['a: { command: a, replicas: 2, depends_on: [b] }', 'a@1 error unknown-service'],
    ['a: { command: a, schedule: daily }', 'a error not-in-this-version'],
  ])('%s', (text, found) => {
    services(`services:\n  ${text}\n`);
    expect(ids()).toContain(found);
  });

  test.each([
    [
      'a: { command: [/bin/sh], log: { file: /run/log } }',
      'a logs to /run/log, the file of web (/etc/service/web/service.yaml:2); give each service its own file',
    ],
    [
      'a: { command: [/bin/sh], replicas: 2, log: { file: /run/a } }',
      'a@2 logs to /run/a, the file of a@1; put ${MY_INIT_REPLICA} into its name',
    ],
    [
      'a@2: { command: [/bin/sh] }\n  a: { command: [/bin/sh], replicas: 2 }',
      'a@2 is defined in two places: by this name, and as a replica of a; give one of the two another name',
    ],
  ])('two services that share a log file or a name: %s', (text, found) => {
    write('etc/service/web/service.yaml', 'command: [/bin/sh]\nlog: { file: /run/log }\n');
    services(`services:\n  ${text}\n`);
    expect(check().findings.map(({ message, remedy }) => `${message}; ${remedy}`)).toEqual([found]);
  });

  test('one name in two places, and names both', () => {
    run('#!/bin/sh\nexec sleep 1000\n');
    services('services: { web: { command: [/bin/sh] } }');
    expect(check().findings).toMatchObject([
      { id: 'defined-twice', message: 'web is defined in two places: /etc/my_init/services.yaml and /etc/service/web' },
    ]);
  });

  test('scripts beside run that cannot be executed', () => {
    run('#!/bin/sh\nexec sleep 1000\n');
    write('/etc/service/web/finish', '#!/bin/none\n');
    write('/etc/service/web/check', '#!/bin/sh\n', 0o644);
    write('/etc/service/web/log/run', 'x');
    expect(ids().toSorted()).toEqual([
      'web error check-not-executable',
      'web error finish-no-interpreter',
      'web error log-run-no-interpreter-line',
    ]);
  });

  test('a watchdog that nobody can hear', () => {
    const web = 'command: [/bin/sh], environment: { WATCHDOG_USEC: 30000000 }';
    services(`services: { web: { ${web} } }`);
    expect(ids()).toEqual(['web warning watchdog-unheard']);
    for (const heard of [`${web}, ready: { notify: true }`, web.replace('30000000', '0')]) {
      services(`services: { web: { ${heard} } }`);
      expect(ids()).toEqual([]);
    }
  });

  test('the service types of s6 files: a oneshot has no run, a bundle is no service', () => {
    write('/etc/service/once/type', 'oneshot\n');
    write('/etc/service/once/up', '/bin/sh -c true\n');
    write('/etc/service/user/type', 'bundle\n');
    write('/etc/service/web/run', '#!/bin/sh\nexec sleep 1000\n');
    write('/etc/service/web/dependencies.d/onec', '');
    expect(ids()).toEqual(['web error unknown-service']);
    write('/etc/service/web/max-death-tally', '5');
    expect(ids()).toEqual(['web error s6-file']);
  });

  test('nothing in values that depend on the environment: they are not known yet', () => {
    services(
      'services: { a: { command: "${PROGRAM}", user: "${RUN_AS:-www-data}", nice: "${NICE}", enabled: "${A}" } }',
    );
    expect(ids()).toEqual([]);
  });
});

describe('my_init check', () => {
  test('judges the named files, and knows the others', () => {
    write('/etc/service/a/service.yaml', 'command: [/bin/sh]\ndepends_on: [b]\n');
    write('/etc/service/b/service.yaml', 'command: [/bin/none]\n');
    expect(check('etc/service/a')).toMatchObject({ code: 0, findings: [] });
    expect(check('etc/service/a/service.yaml')).toMatchObject({ code: 0, findings: [] });
    expect(check('/etc/service/b').code).toBe(1);
    expect(check('etc/service').findings).toMatchObject([
      { id: 'command-missing', file: 'etc/service/b/service.yaml', line: 1 },
    ]);
  });

  test('with --strict a warning is an error', () => {
    run('#!/bin/sh\nsleep 1000\n');
    expect(check().code).toBe(0);
    expect(check('--strict').code).toBe(1);
  });

  test('prints its usage', () => {
    expect(check('--helpp')).toMatchObject({
      code: 2,
      errors: 'my_init check: there is no option --helpp; did you mean --help?\n',
    });
    expect(check('-o', 'xml')).toMatchObject({
      code: 2,
      errors: 'my_init check: --output must be one of text, json, github, not "xml"\n',
    });
    for (const words of [['/none'], ['--services', '/none'], ['--service-dir', '/none']])
      expect(check(...words)).toMatchObject({ code: 2, errors: 'my_init check: /none does not exist\n' });
  });

  test('writes text for people, and annotations for GitHub', () => {
    services('services: { a: { command: [/bin/sh], user: nobody } }');
    const output = (...words: readonly string[]): string =>
      spawnSync(PROGRAM, ['check', '--root', root, ...words], { encoding: 'utf8', cwd: root }).stdout;
    expect(output()).toBe(
      'etc/my_init/services.yaml:1:38: error: a: user: there is no user nobody in /etc/passwd [unknown-user]\n  create the user\n1 service, 1 error, 0 warnings\n',
    );
    expect(output('-o', 'github')).toBe(
      '::error file=etc/my_init/services.yaml,line=1,col=38,title=unknown-user::a: user: there is no user nobody in /etc/passwd%0Acreate the user\n',
    );
  });

  test('runs as a program: --help prints its usage', () => {
    expect(execFileSync(PROGRAM, ['check', '--help'], { encoding: 'utf8' })).toMatch(/^Usage: my_init check/);
  });
});

test('a file that --services names may be missing beside services.d', () => {
  write('/etc/services.d/web.yaml', 'services: { web: { comand: sleep 1 } }');
  expect(check('--services', '/etc/services.yaml').findings).toMatchObject([{ file: 'etc/services.d/web.yaml' }]);
});

test('relative --services and --service-dir start at the directory in which my_init check is called', () => {
  write('/some.yaml', 'services: { web: { comand: sleep 1 } }');
  write('/some/db/run', '#!/bin/sh\nsleep 1\n');
  const places = ['--services', 'some.yaml', '--service-dir', 'some'];
  const { stdout } = spawnSync(PROGRAM, ['check', '-o', 'json', ...places], { encoding: 'utf8', cwd: root });
  const findings: readonly Finding[] = JSON.parse(stdout).findings;
  expect(findings.map(({ service, file }) => `${service} ${file}`)).toEqual(['web some.yaml', 'db some/db/run']);
});
