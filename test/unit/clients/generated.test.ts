/** @needs protoc go */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';

const directory = mkdtempSync(join(tmpdir(), 'my_init-generated-'));
afterAll(() => rmSync(directory, { recursive: true }));

const FOLDERS = ['python/my_init', 'python/my_init/v1', 'go/v1'];

test('the committed messages of clients/python and clients/go match proto/: clients/generate makes them', () => {
  for (const folder of FOLDERS) mkdirSync(join(directory, folder), { recursive: true });
  execFileSync('bash', ['clients/generate', directory]);
  for (const folder of FOLDERS) {
    const generated = readdirSync(join(directory, folder)).filter((name) => name.includes('pb'));
    expect(generated.length).toBeGreaterThan(0);
    for (const name of generated) {
      const [now, committed] = [join(directory, folder, name), join('clients', folder, name)].map((path) =>
        readFileSync(path, 'utf8'),
      );
      expect({ name, text: committed }).toEqual({ name, text: now });
    }
  }
}, 900_000);
