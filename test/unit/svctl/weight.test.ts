import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startApi, type TestApi } from '../../helpers/api-server.js';
import { bundledSvctl, type Svctl } from '../../helpers/svctl.js';

let svctl: Svctl;
let api: TestApi;
beforeAll(async () => {
  svctl = bundledSvctl();
  api = await startApi();
});
afterAll(async () => {
  svctl.remove();
  await api.stop();
});

/** The file that svctl loads for one command alone. */
function chunkOf(command: string): string {
  const directory = join(dirname(svctl.path), 'lib-svctl');
  const names = readdirSync(directory).filter((name) => name.startsWith(`${command}-`) && name.endsWith('.js'));
  expect(names).toHaveLength(1);
  return join(directory, names[0] ?? '');
}

const documents = (name: string): string => readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');

test.each(['top', 'dashboard'])('the document states the size of svctl %s', (command) => {
  const [, said] = new RegExp(`\`svctl ${command}\` is a file of (\\d+) kB`).exec(documents('looking.md')) ?? [];
  const kB = statSync(chunkOf(command)).size / 1000;
  expect(Math.abs(Number(said) - kB)).toBeLessThan(kB / 10);
});

test('the other commands work without the files of top and dashboard', async () => {
  for (const command of ['top', 'dashboard']) rmSync(chunkOf(command));
  for (const args of [['status', 'web'], ['info'], ['--help']]) {
    const { code, stderr } = await svctl.run(['--socket', api.path, ...args]);
    expect([args, code, stderr]).toEqual([args, 0, '']);
  }
});
