import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FIXTURES = fileURLToPath(new URL('../pid1/fixtures/', import.meta.url));
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/fixtures/', import.meta.url));

/** The path of a C program of the fixtures, which is compiled unless that was done before. */
export function compile(fixture: string, ...flags: readonly string[]): string {
  const source = join(FIXTURES, fixture);
  const options = ['-O1', '-Wall', '-Wextra', '-Werror', ...flags];
  return compiledOnce(basename(fixture, '.c'), [...options, readFileSync(source, 'utf8')], (program) =>
    execFileSync('cc', [...options, '-o', program, source]),
  );
}

/**
 * The path of a program that `make` compiles from these texts: sources and flags. The same texts
 * and the same compiler make it once, for all test files and runs.
 */
export function compiledOnce(name: string, texts: readonly string[], make: (program: string) => void): string {
  const compiler = execFileSync('cc', ['--version'], { encoding: 'utf8' });
  const key = createHash('sha256')
    .update(JSON.stringify([compiler, ...texts]))
    .digest('hex')
    .slice(0, 16);
  const program = join(CACHE, key, name);
  if (existsSync(program)) return program;
  mkdirSync(join(CACHE, key), { recursive: true });
  const unfinished = `${program}.${process.pid}`;
  make(unfinished);
  renameSync(unfinished, program); // another test may be starting it
  return program;
}
