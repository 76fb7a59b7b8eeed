import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const MAKER = join(PROJECT, 'src/code-cache.mjs');
const dist = mkdtempSync(join(tmpdir(), 'my_init-dist-'));
beforeAll(() => cpSync(join(PROJECT, 'dist'), dist, { recursive: true }));
afterAll(() => rmSync(dist, { recursive: true, maxRetries: 20 }));

/** Prints the chunks whose cache V8 rejects. */
const LOAD = `
  const { readdirSync, readFileSync } = require('node:fs');
  for (const name of readdirSync('.').filter((name) => name.endsWith('.js'))) {
    const cachedData = readFileSync(name + '.cache');
    const { cachedDataRejected } = new (require('node:vm').Script)(readFileSync(name, 'latin1'), { cachedData });
    if (cachedDataRejected) console.log(name);
  }`;

/** When the newest cache was written. */
const newest = (lib: string): number =>
  Math.max(
    ...readdirSync(join(dist, lib))
      .filter((name) => name.endsWith('.cache'))
      .map((name) => statSync(join(dist, lib, name)).mtimeMs),
  );

test('the code cache is that of a controller at work, and fits Node as init starts it', () => {
  const { status, stderr } = spawnSync(process.execPath, [MAKER, dist], { encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
  // The cache of svctl is ready before the container runs.
  expect(newest('lib')).toBeGreaterThan(newest('lib-svctl'));
  const init = readFileSync(join(PROJECT, 'src/init/controller.c'), 'utf8');
  const options = /node, ((?:"--[\w-]+=\d+", )+)/.exec(init)?.[1]?.match(/--[\w-]+=\d+/g) ?? [];
  expect(options).not.toEqual([]);
  const loaded = (lib: string, own: readonly string[]) =>
    spawnSync(process.execPath, [...own, '-e', LOAD], { cwd: join(dist, lib), encoding: 'utf8' });
  expect(loaded('lib', options)).toMatchObject({ stdout: '', stderr: '' });
  expect(loaded('lib-svctl', [])).toMatchObject({ stdout: '', stderr: '' });
});

test('without a container the cache stays as it is, and the build says why', () => {
  rmSync(join(dist, 'my_init'));
  const { status, stderr } = spawnSync(process.execPath, [MAKER, dist], { encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, expect.stringMatching(/^The code cache lacks .*: ENOENT.*my_init'?/)]);
  expect(newest('lib')).toBeLessThan(newest('lib-svctl'));
});
