import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from '@jest/globals';

const FIXTURES = fileURLToPath(new URL('../pid1/fixtures/scenarios/', import.meta.url));

let directory: string | undefined;
afterAll(() => {
  if (directory !== undefined) rmSync(directory, { recursive: true });
});

/** Compiles a helper program of the scenarios and returns the path of it. */
export function compile(source: string): string {
  directory ??= mkdtempSync('/tmp/my_init-fixtures-');
  const program = join(directory, basename(source, '.c'));
  execFileSync('cc', ['-O1', '-w', '-o', program, join(FIXTURES, source)]);
  return program;
}
