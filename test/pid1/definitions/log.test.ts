import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { connect } from '../../../clients/typescript/src/index.js';
import { boot, bootWith, container, isThere, out } from '../../helpers/defined-services.js';
import { waitFor } from '../../helpers/wait-for.js';

/** Writes a line, and another one whenever the file `again` is there. */
const SAYS = `
      echo first word
      while :; do
        if [ -e /run/again ]; then echo "$(cat /run/again) word"; rm /run/again; fi
        sleep 0.01
      done`;

const services = (log: string): string => `services:
  web:
    log: ${log}
    command: |${SAYS}
`;

async function say(word: string): Promise<void> {
  await container.exec('sh', '-c', `echo ${word} > /run/new; mv /run/new /run/again`);
  await waitFor(word, async () => (await container.svctl('logs', 'web')).stdout.includes(`${word} word`));
}

test("output: is the service's own, follows svctl apply without a restart, and stays with the next controller", async () => {
  await boot(services('{ output: json }'));
  const said = (word: string): RegExp => new RegExp(`^(.*${word} word.*)$`, 'm');
  await waitFor('the first line', () => said('first').test(container.log()));
  expect(JSON.parse(said('first').exec(container.log())?.[1] ?? '')).toMatchObject({
    service: 'web',
    text: 'first word',
  });
  const { pid } = await container.reaches('web', 'up');

  const file = join(container.directory, 'new');
  writeFileSync(file, services('{ output: none }'));
  await container.exec('cp', file, '/etc/my_init/services.yaml');
  await waitFor('the change', async () => (await container.table('web')).includes('definition changed'));
  await container.svctl('apply');
  await say('second');
  process.kill(container.controllerPid, 'SIGKILL');
  await waitFor('an answer', () => container.answers());
  await say('third');
  expect(container.log()).not.toMatch(/(second|third) word/);
  expect((await container.status('web')).pid).toBe(pid);
});

test('file: contains the log of the service, and of no other', async () => {
  await boot(`services:
  web: { command: "echo from the web; exec sleep 1000", log: { file: "\${OUT}/own/web.log" } }
  other: { command: "echo from the other; exec sleep 1000" }
`);
  await isThere('own/web.log');
  const text = (): string => readFileSync(join(out, 'own/web.log'), 'utf8');
  await waitFor('its line', () => text().includes('from the web'));
  expect(text()).toMatch(/^\S+Z stdout F from the web\n$/);
  expect((await container.svctl('logs', 'web')).stdout).toContain('from the web');
});

test('file: a second service with the same file is refused, wherever the two are defined, also by the next controller', async () => {
  const yaml = `command: sleep 1000\nlog: { file: "\${OUT}/one.log" }\n`;
  await bootWith({
    etc: {
      'my_init/services.yaml': `services: { web: { ${yaml.trim().replace('\n', ', ')} } }\n`,
    },
    services: { api: { 'service.yaml': yaml }, batch: { 'service.yaml': yaml } },
  });
  const [api, batch] = ['api', 'batch'].map((name) => join(container.directory, `service/${name}/service.yaml`));
  const refused = (place: string, name: string): string =>
    `${place}: ${name} logs to ${out}/one.log, the file of api (${api}:2) (give each service its own file)`;
  const areRefused = async (): Promise<void> => {
    expect((await container.reaches('batch', 'failed')).trouble).toBe(refused(`${batch}:2:8`, 'batch'));
    expect((await container.reaches('web', 'failed')).trouble).toBe(refused('/etc/my_init/services.yaml:1:48', 'web'));
  };
  await container.reaches('api', 'up');
  await areRefused();
  process.kill(container.controllerPid, 'SIGKILL');
  await waitFor('the next controller', () => container.answers());
  await container.svctl('start', 'batch', 'web', '--no-wait');
  await areRefused();
  const my = connect(container.socket);
  try {
    const definition = { log: { file: join(out, 'one.log') } };
    await expect(my.run('late', ['sleep', '1000'], { definition })).rejects.toThrow(
      `late logs to ${out}/one.log, the file of api (${api}:2)`,
    );
  } finally {
    my.close();
  }
  expect(await container.status('late')).toEqual({});
});

test('file: stays that of the first start, also under the next controller', async () => {
  const withFile = (name: string): string => services(`{ file: "\${OUT}/${name}.log" }`);
  await boot(withFile('one'));
  await isThere('one.log');
  await container.reaches('web', 'up');
  const file = join(container.directory, 'new');
  writeFileSync(file, withFile('two'));
  await container.exec('cp', file, '/etc/my_init/services.yaml');
  await waitFor('the change', async () => (await container.table('web')).includes('definition changed'));
  await container.svctl('apply');
  process.kill(container.controllerPid, 'SIGKILL');
  await waitFor('an answer', () => container.answers());
  await say('second');
  expect(readFileSync(join(out, 'one.log'), 'utf8')).toContain('second word');
  expect(existsSync(join(out, 'two.log'))).toBe(false);
});

test('file: a service with another name takes over the file when the first one is gone', async () => {
  const named = (name: string): string =>
    `services: { ${name}: { command: sleep 1000, log: { file: "\${OUT}/one.log" } } }\n`;
  await boot(named('web'));
  await container.reaches('web', 'up');
  const file = join(container.directory, 'new');
  writeFileSync(file, named('www'));
  await container.exec('cp', file, '/etc/my_init/services.yaml');
  expect((await container.reaches('www', 'failed')).trouble).toContain(`the file of web`);
  await container.svctl('apply');
  await container.reaches('www', 'up');
});

test('buffer: holds as much as the key says', async () => {
  const says = (name: string, buffer: string): string =>
    `  ${name}: { command: "seq 100000 120000; touch $OUT/${name}; exec sleep 1000", log: { output: none, buffer: ${buffer} } }\n`;
  await boot(`services:\n${says('small', '64k')}${says('large', '4m')}`);
  const held = async (name: string): Promise<number> => {
    await isThere(name);
    await waitFor('the last line', async () =>
      (await container.svctl('logs', '-n', '1', name)).stdout.includes('120000'),
    );
    return (await container.svctl('logs', '-n', '100000', name)).stdout.trim().split('\n').length;
  };
  expect(await held('large')).toBe(20_001);
  expect(await held('small')).toBeLessThan(5_000);
});
