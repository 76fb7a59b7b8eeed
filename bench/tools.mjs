/** The programs of the benchmark itself, compiled when it starts. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The directory of the programs, until the benchmark ends. */
export const TOOLS = mkdtempSync(join(tmpdir(), 'my_init-bench-tools-'));
process.on('exit', () => rmSync(TOOLS, { recursive: true, force: true }));

export const inPath = (program) =>
  (process.env.PATH ?? '').split(delimiter).some((place) => existsSync(join(place, program)));

/**
 * Compiles a program of this directory. The program is static, so that its own start weighs little
 * in the measure.
 */
export function compile(source) {
  const program = join(TOOLS, source.replace(/.*\/|\.c$/g, ''));
  const compiler = inPath('musl-gcc') ? 'musl-gcc' : 'cc';
  execFileSync(compiler, ['-O2', '-static', '-o', program, fileURLToPath(new URL(source, import.meta.url))]);
  return program;
}

export const STOPWATCH = compile('stopwatch.c');

/** The same program under the name of a service. */
export const SERVICE = join(TOOLS, 'service');
copyFileSync(STOPWATCH, SERVICE);
