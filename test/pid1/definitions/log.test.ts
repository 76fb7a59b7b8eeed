import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { boot, container, isThere, out } from '../../helpers/defined-services.js';
import { waitFor } from '../../helpers/wait-for.js';

/** Says a word, and another one whenever the file `again` is there. */
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

test('output: is its own, follows svctl apply without a restart, and stays with the next controller', async () => {
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

test('file: has its log, and that of no other service', async () => {
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

test('buffer: holds as much as it says', async () => {
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
