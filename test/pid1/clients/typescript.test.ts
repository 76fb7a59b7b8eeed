import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';
import { build } from 'esbuild';
import { conforms } from '../../helpers/conformance.js';

const directory = mkdtempSync(join(tmpdir(), 'my_init-typescript-'));
const library = join(directory, 'library.mjs');
beforeAll(async () => {
  const entryPoints = ['clients/typescript/src/index.ts'];
  await build({ entryPoints, outfile: library, bundle: true, platform: 'node', format: 'esm' });
});
afterAll(() => rmSync(directory, { recursive: true, maxRetries: 20 }));

conforms((socket) => [process.execPath, 'clients/conformance/driver.mjs', socket, library]);
