/** biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the format, not of JavaScript. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { boot as bootServices, bootWith, container, isThere, lines, out } from '../../helpers/defined-services.js';
import { waitFor } from '../../helpers/wait-for.js';

/** A program that writes how it was started, and stays. */
const TELLS = [
  '/bin/sh',
  '-c',
  'cd /proc/self; for f in status limits environ oom_score_adj; do cat $f > $OUT/$f; done; cat stat > $OUT/stat; umask > $OUT/umask; touch $OUT/told; exec sleep 1000',
];

const boot = (services: string): Promise<void> => bootServices(services, { env: { APP_COLOUR: 'red', SECRET: 'x' } });

/** Runs the program above with these keys, and returns a reader of its files. */
async function tell(keys: string): Promise<(file: string) => string> {
  await boot(`services: { web: { command: ${JSON.stringify(TELLS)}, ${keys} } }`);
  await isThere('told');
  return (file) => readFileSync(join(out, file), 'latin1');
}

const environ = (text: string): ReadonlyMap<string, string> =>
  new Map(
    text
      .split('\0')
      .filter((line) => line !== '')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );

describe('a service that is defined in services.yaml', () => {
  test('user: runs as the user, with its groups and its HOME', async () => {
    const told = await tell('user: www-data');
    expect(told('status')).toMatch(/^Uid:\t33\t33\t33\t33$/m);
    expect(told('status')).toMatch(/^Gid:\t33\t33\t33\t33$/m);
    expect(environ(told('environ')).get('HOME')).toBe('/var/www');
    expect(environ(told('environ')).get('USER')).toBe('www-data');
  });

  test('group_add: has further groups', async () => {
    const told = await tell('user: "33:33", group_add: [audio, 44]');
    expect(told('status')).toMatch(/^Groups:\t(?=.*\b29\b)(?=.*\b44\b)/m);
  });

  test('umask, nice, oom_score_adj, ulimits: are in force', async () => {
    const told = await tell(
      'umask: 027, nice: 5, oom_score_adj: 300, ulimits: { nofile: { soft: 100, hard: 200 }, core: 0 }',
    );
    expect(told('umask')).toMatch(/^0?027$/m);
    expect(told('stat').split(') ')[1]?.split(' ')[16]).toBe('5');
    expect(told('oom_score_adj').trim()).toBe('300');
    expect(told('limits')).toMatch(/^Max open files +100 +200 /m);
    expect(told('limits')).toMatch(/^Max core file size +0 +0 /m);
  });

  test('environment, env_file, pass_env: each layer goes over the one before', async () => {
    writeFileSync(join(out, 'file.env'), '# comment\nCOLOUR=blue\nSIZE=1\n');
    const told = await tell(
      'environment: { SIZE: 2, PORT: 8080, TEXT: "${APP_COLOUR} $$HOME" }, env_file: ["${OUT}/file.env", { path: /none, required: false }], pass_env: [PATH, OUT, "APP_*"]',
    );
    const variables = environ(told('environ'));
    expect(variables.get('COLOUR')).toBe('blue');
    expect(variables.get('SIZE')).toBe('2');
    expect(variables.get('PORT')).toBe('8080');
    expect(variables.get('TEXT')).toBe('red $HOME');
    expect(variables.get('APP_COLOUR')).toBe('red');
    expect(variables.has('SECRET')).toBe(false);
  });

  test('working_dir: is the directory that it runs in; / without it', async () => {
    await boot(`services:
  there: { command: 'pwd > $OUT/there; exec sleep 1000', working_dir: /usr/lib }
  nowhere: { command: 'pwd > $OUT/nowhere; exec sleep 1000' }
`);
    for (const [name, directory] of [
      ['there', '/usr/lib'],
      ['nowhere', '/'],
    ] as const) {
      await waitFor(name, () => lines(name).length > 0);
      expect(lines(name)).toEqual([directory]);
    }
  });

  test('command: a text without shell syntax is the process itself, one with it is run by sh', async () => {
    await boot(`services:
  direct: { command: sleep 1000 }
  shell: { command: 'exec sleep $((900 + 99))' }
  lines:
    command: |
      echo one > $OUT/lines
      exec sleep 1000
`);
    await isThere('lines');
    for (const [name, words] of [
      ['direct', 'sleep 1000'],
      ['shell', 'sleep 999'],
      ['lines', 'sleep 1000'],
    ] as const) {
      const { pid } = await container.reaches(name, 'up');
      const args = async () => (await container.exec('ps', '-o', 'args=', '-p', String(pid))).stdout.trim();
      await waitFor(`${name} to be ${words}`, async () => (await args()) === words);
    }
  });

  test('enabled: false is not started at boot, but can be started', async () => {
    await boot('services: { web: { command: sleep 1000, enabled: false } }');
    await container.reaches('web', 'down');
    await container.svctl('start', 'web');
    await container.reaches('web', 'up');
  });

  test('an invalid definition is failed with its place and its remedy, and affects no other service', async () => {
    await boot('services:\n  web: { comand: sleep 1000 }\n  db: { command: sleep 1000 }\n');
    await container.reaches('db', 'up');
    await container.reaches('web', 'failed');
    expect(await container.table('web')).toMatch(
      /services\.yaml:2:10: a service has no key comand \(did you mean command\?/,
    );
  });

  test('tags: select several services at once', async () => {
    await boot(
      'services: { a: { command: sleep 1000, tags: [workers] }, b: { command: sleep 1000, tags: [workers, b] }, c: { command: sleep 1000 } }',
    );
    await container.reaches('c', 'up');
    expect((await container.svctl('stop', '@workers')).code).toBe(0);
    await container.reaches('a', 'down');
    await container.reaches('b', 'down');
    await container.reaches('c', 'up');
    const marked = (await container.svctl('logs', '--markers', '@workers')).stdout;
    expect(marked).toContain('-- a: run 1 started --');
    expect(marked).toContain('-- b: run 1 started --');
    expect(marked).not.toContain('c: run');
    expect((await container.svctl('stop', '@workres')).stderr).toMatch(/no service has the tag "workres"/);
  });

  test('description: is shown by svctl config', async () => {
    await boot('services: { a: { command: sleep 1000, description: the first } }');
    expect((await container.svctl('config', 'a')).stdout).toMatch(/^description +"the first" /m);
  });

  test('sv works on a defined service', async () => {
    await boot('services: { web: { command: sleep 1000 } }');
    await container.reaches('web', 'up');
    expect((await container.exec('sv', 'status', '/run/my_init/services/web')).stdout).toMatch(
      /^run: .*web: \(pid \d+\)/,
    );
    await container.exec('sv', 'down', '/run/my_init/services/web');
    await container.reaches('web', 'down');
  });
});

describe('service.yaml', () => {
  test('adds to the directory that it lies in', async () => {
    await bootWith({
      services: {
        web: {
          run: '#!/bin/sh\numask > $OUT/umask\nexec sleep 1000\n',
          'service.yaml': 'umask: 077\ndescription: the web\n',
        },
      },
      env: { OUT: out },
    });
    await waitFor('umask', () => lines('umask').length > 0);
    expect(lines('umask')).toEqual(['0077']);
  });

  test('may have a command instead of run', async () => {
    await bootWith({ services: { web: { 'service.yaml': 'command: sleep 1000\n' } } });
    await container.reaches('web', 'up');
  });

  test('is tried again when it is mended', async () => {
    await bootWith({ services: { web: { 'service.yaml': 'command: sleep 1000\nnise: 3\n' } } });
    await container.reaches('web', 'failed');
    container.write('web/service.yaml', 'command: sleep 1000\nnice: 3\n');
    await container.reaches('web', 'up');
  });

  test('of a service that survives the death of the controller is read by the next one', async () => {
    await bootWith({
      services: { web: { 'service.yaml': 'command: sleep 1000\n' } },
      etc: { 'my_init/services.yaml': 'services: { db: { command: sleep 1000 } }' },
    });
    const before = [await container.reaches('web', 'up'), await container.reaches('db', 'up')];
    process.kill(container.controllerPid, 'SIGKILL');
    await waitFor('an answer', () => container.answers());
    for (const { name, pid } of before) expect((await container.reaches(String(name), 'up')).pid).toBe(pid);
    expect(container.log()).not.toMatch(/internal error/);
  });

  test('may be alone in the container and be removed while its service runs: the next controller has it from the record', async () => {
    await bootWith({
      services: { web: { 'service.yaml': 'command: sleep 1000\nstop_signal: USR1\ndescription: the web\n' } },
    });
    const { pid } = await container.reaches('web', 'up');
    rmSync(join(container.services, 'web/service.yaml'));
    await waitFor('the change', async () => (await container.table('web')).includes('definition changed'));
    process.kill(container.controllerPid, 'SIGKILL');
    await waitFor('an answer', () => container.answers());
    expect(await container.status('web')).toMatchObject({ pid, state: 'SERVICE_STATE_UP', definitionChanged: true });
    const { stdout } = await container.svctl('config', 'web');
    expect(stdout).toMatch(/^command +\["sleep","1000"\] +\S+service\.yaml:1/m);
    expect(stdout).toMatch(/^description +"the web" /m);
    await container.svctl('stop', 'web');
    expect((await container.status('web')).lastExit).toMatchObject({ signal: 'USR1' });
  });

  test('waits for svctl apply when it comes while its service runs, and is shown, by the next controller too', async () => {
    await bootWith({ services: { web: { run: '#!/bin/sh\nexec sleep 1000\n' } } });
    const { pid } = await container.reaches('web', 'up');
    container.write('web/service.yaml', 'nice: 3\ndescription: the web\n');
    const isChanged = async () => (await container.table('web')).includes('definition changed');
    await waitFor('the change', isChanged);
    process.kill(container.controllerPid, 'SIGKILL');
    await waitFor('an answer', () => container.answers());
    expect(await isChanged()).toBe(true);
    expect((await container.svctl('config', 'web')).stdout).not.toMatch(/the web/);
    expect((await container.status('web')).pid).toBe(pid);
    expect((await container.svctl('apply')).stdout).toMatch(/^web +restart/m);
    await waitFor('the next run', async () => (await container.status('web')).run === 2);
    expect(await isChanged()).toBe(false);
    expect((await container.svctl('config', 'web')).stdout).toMatch(/^description +"the web" /m);
  });

  test('causes no failed attempt when it is the first of a running container', async () => {
    await bootWith({ services: { other: { run: '#!/bin/sh\nexec sleep 1000\n' } } });
    await container.reaches('other', 'up');
    container.addService('web', { 'service.yaml': 'command: sleep 1000\n' });
    expect(await container.reaches('web', 'up')).toMatchObject({ run: 1 });
    expect(container.log()).not.toMatch(/being read/);
    expect((await container.svctl('boot', '-o', 'json')).stdout).not.toMatch(/FAILED/i);
  });

  test('and services.yaml with the same name: both are named', async () => {
    await bootWith({
      services: { web: { run: '#!/bin/sh\nexec sleep 1000\n' } },
      etc: { 'my_init/services.yaml': 'services: { web: { command: sleep 1000 } }' },
    });
    await container.reaches('web', 'failed');
    expect(await container.table('web')).toMatch(/web is defined in two places, .*\/web and .*services\.yaml/);
  });
});
