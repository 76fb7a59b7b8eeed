import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { dial } from '../../../clients/svctl/hosts/dial.js';
import { waitFor } from '../../helpers/wait-for.js';

const TARGET = { kind: 'engine', engine: 'docker', container: 'web' } as const;
const { PATH } = process.env;

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'dial-'));
  writeFileSync(join(directory, 'docker'), `#!/bin/sh\necho $$ > ${directory}/pid\nexec sleep 1000\n`, { mode: 0o755 });
  process.env.PATH = `${directory}:${PATH}`;
});
afterEach(() => {
  process.env.PATH = PATH;
  rmSync(directory, { recursive: true, maxRetries: 20 });
});

const pid = (): number => (existsSync(join(directory, 'pid')) ? Number(readFileSync(join(directory, 'pid'))) : 0);

const isAlive = (): boolean => {
  try {
    return process.kill(pid(), 0);
  } catch {
    return false;
  }
};

test('a hanging tool is killed when the caller gives up', async () => {
  const caller = new AbortController();
  const dialled = dial(TARGET, 1_000_000, caller.signal).catch((error: unknown) => error);
  await waitFor('the tool', () => pid() > 0);
  caller.abort();
  expect(await dialled).toMatchObject({ reason: 'CANCELLED' });
  await waitFor('the end of the tool', () => !isAlive());
});

test('no tool is started for a caller who has given up', async () => {
  await expect(dial(TARGET, 1_000_000, AbortSignal.abort())).rejects.toMatchObject({ reason: 'CANCELLED' });
  expect(pid()).toBe(0);
});

test('a hanging tool is killed when its time is over', async () => {
  await expect(dial(TARGET, 1_000)).rejects.toThrow('docker gave no answer within 1 s');
  if (pid() > 0) await waitFor('the end of the tool', () => !isAlive());
});
