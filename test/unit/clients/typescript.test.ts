import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startApi, type TestApi } from '../../helpers/api-server.js';
import { fakeProcess } from '../../helpers/fake-services.js';

let directory: string;
let api: TestApi;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'my_init-client-'));
  const packed = spawnSync('npm', ['pack', './clients/typescript', '--pack-destination', directory, '--silent'], {
    encoding: 'utf8',
    env: { ...process.env, PATH: `${resolve('node_modules/.bin')}:${process.env.PATH}`, NODE_OPTIONS: '' },
  });
  expect({ status: packed.status, stderr: packed.stderr }).toMatchObject({ status: 0 });
  const into = join(directory, 'node_modules/my_init-client');
  mkdirSync(into, { recursive: true });
  spawnSync('tar', ['-xzf', join(directory, 'my_init-client-0.1.0.tgz'), '-C', into, '--strip-components=1']);
  symlinkSync(resolve('node_modules/@bufbuild'), join(directory, 'node_modules/@bufbuild'));
  api = await startApi();
  api.system.processList = [fakeProcess(41, { service: 'web', residentBytes: 4096 })];
});
afterAll(async () => {
  await api.stop();
  rmSync(directory, { recursive: true, maxRetries: 20 });
});

const examples = [...readFileSync('clients/typescript/README.md', 'utf8').matchAll(/```js\n(.*?)```/gs)].map(
  ([, code]) => code ?? '',
);

test.each([
  [0, /^cron SERVICE_STATE_UP \d+\n/],
  [1, /^pid \d+ -> \d+\n$/],
  [3, /^cron - 0n 0\nweb - 4096n 1\n$/],
  [2, /^all \[ 'cron', 'web' \]\n$/],
] as const)('example %i of the README works with the packed library', async (number, expected) => {
  const file = join(directory, `example-${number}.mjs`);
  writeFileSync(file, examples[number] ?? '');
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [file], {
    env: { PATH: process.env.PATH, MY_INIT_SOCKET: api.path },
  });
  expect(stderr).toBe('');
  expect(stdout).toMatch(expected);
});

test('the package has types', () => {
  const types = readFileSync(join(directory, 'node_modules/my_init-client/dist/index.d.ts'), 'utf8');
  expect(types).toContain('connect');
});
