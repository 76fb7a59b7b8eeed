/** @needs mypy */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { conforms } from '../../helpers/conformance.js';
import { TestContainer } from '../../helpers/container.js';

const PYTHON = resolve('node_modules/.cache/python/bin/python');
const run = promisify(execFile);

/**
 * Where pip installs the library, with nothing but Python and the library's dependencies: no
 * protoc, no network.
 */
const directory = mkdtempSync(join(tmpdir(), 'my_init-python-'));
const installed = join(directory, 'installed');
beforeAll(async () => {
  const source = join(directory, 'source');
  cpSync('clients/python', source, { recursive: true });
  const options = ['--quiet', '--no-index', '--no-deps', '--no-build-isolation', '--target', installed];
  await run(PYTHON, ['-m', 'pip', 'install', ...options, source], { env: { PATH: '/usr/bin:/bin' } });
});
afterAll(() => rmSync(directory, { recursive: true, maxRetries: 20 }));

describe.each(['plain', 'asyncio'])('%s', (kind) => {
  const environment = ['env', `PYTHONPATH=${installed}`, 'PYTHONDONTWRITEBYTECODE=1'];
  conforms((socket) => [...environment, PYTHON, 'clients/conformance/driver.py', socket, kind]);
});

const mypy = (...words: readonly string[]) => [
  '-m',
  'mypy',
  '--strict',
  '--cache-dir',
  join('node_modules/.cache/mypy'),
  ...words,
];

test('the types of the library are strict', async () => {
  const { stdout } = await run(PYTHON, mypy('--config-file', 'clients/python/pyproject.toml'), {
    env: { PATH: process.env.PATH, MYPYPATH: 'clients/python' },
  });
  expect(stdout).toMatch(/^Success: no issues/);
});

describe('the README', () => {
  const examples = [...readFileSync('clients/python/README.md', 'utf8').matchAll(/```python\n(.*?)```/gs)].map(
    ([, code]) => code ?? '',
  );
  let container: TestContainer;
  beforeAll(async () => {
    const sleeper = { run: '#!/bin/sh\necho hello\nexec sleep 1000\n' };
    container = await TestContainer.boot({ services: { web: sleeper, cron: sleeper } });
    await container.reaches('web', 'up');
  });
  afterAll(() => container.dispose());

  test.each([
    [0, /^cron SERVICE_STATE_UP \d+\nweb SERVICE_STATE_UP \d+\n$/],
    [1, /^pid \d+ -> \d+\n$/],
    [2, /^all \['cron', 'web'\]\n$/],
    [3, /^web hello\n/],
    [4, /^cron True\nweb True\n$/],
    [5, /^True job 1 \d+\n$/],
  ] as const)('example %i works, and its types are right', async (number, expected) => {
    const file = join(directory, `example_${number}.py`);
    writeFileSync(file, examples[number] ?? '');
    const env = { PATH: process.env.PATH, MY_INIT_SOCKET: container.socket, PYTHONPATH: installed };
    const { stdout, stderr } = await run(PYTHON, [file], { env });
    expect(stderr).toBe('');
    expect(stdout).toMatch(expected);
    const checked = await run(PYTHON, mypy('--config-file', 'clients/python/pyproject.toml', file), {
      env: { PATH: process.env.PATH, MYPYPATH: installed },
    });
    expect(checked.stdout).toMatch(/^Success/);
  });
});
