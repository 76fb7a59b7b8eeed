import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compiledOnce } from './compile.js';

const SOURCES = fileURLToPath(new URL('../../src/init', import.meta.url));

/** The changes of a source file of init: a text that is there, and its replacement. */
export type InitChanges = Readonly<Record<string, readonly (readonly [text: string, instead: string])[]>>;

const FLAGS = ['-O2', '-D_GNU_SOURCE', '-DMY_INIT_VERSION="1.0.0"', '-DMY_INIT_NODE="20.12"', '-Wl,-e,entry'];

/** Compiles init as it is, but for these changes, to `program`. */
export function compileChangedInit(program: string, changes: InitChanges): void {
  const sources = Object.fromEntries(
    readdirSync(SOURCES).map((name) => [name, readFileSync(join(SOURCES, name), 'utf8')]),
  );
  for (const [file, replacements] of Object.entries(changes))
    for (const [text, instead] of replacements) sources[file] = replaced(file, sources[file] ?? '', text, instead);
  const texts = [...FLAGS, ...Object.entries(sources).flat()];
  rmSync(program, { force: true });
  copyFileSync(
    compiledOnce('my_init', texts, (to) => compileSources(to, sources)),
    program,
  );
}

function compileSources(program: string, sources: Readonly<Record<string, string>>): void {
  const directory = mkdtempSync(join(tmpdir(), 'my_init-changed-'));
  try {
    for (const [name, text] of Object.entries(sources)) writeFileSync(join(directory, name), text);
    const units = Object.keys(sources).filter((name) => name.endsWith('.c'));
    execFileSync('cc', [...FLAGS, '-o', program, ...units], { cwd: directory });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function replaced(file: string, source: string, text: string, instead: string): string {
  if (!source.includes(text)) throw new Error(`${text} is not in ${file} any more`);
  return source.replace(text, instead);
}
