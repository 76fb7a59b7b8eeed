import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCES = fileURLToPath(new URL('../../src/init', import.meta.url));

/** The changes of a source file of init: a text that is there, and its replacement. */
export type InitChanges = Readonly<Record<string, readonly (readonly [text: string, instead: string])[]>>;

/** Compiles init as it is, but for these changes, to `program`. */
export function compileChangedInit(program: string, changes: InitChanges): void {
  const directory = mkdtempSync(join(tmpdir(), 'my_init-changed-'));
  try {
    cpSync(SOURCES, directory, { recursive: true });
    for (const [file, replacements] of Object.entries(changes))
      for (const [text, instead] of replacements) replace(join(directory, file), text, instead);
    const sources = readdirSync(directory).filter((name) => name.endsWith('.c'));
    const flags = ['-O2', '-D_GNU_SOURCE', '-DMY_INIT_VERSION="1.0.0"', '-DMY_INIT_NODE="20.12"', '-Wl,-e,entry'];
    rmSync(program, { force: true });
    execFileSync('cc', [...flags, '-o', program, ...sources], { cwd: directory });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function replace(path: string, text: string, instead: string): void {
  const source = readFileSync(path, 'utf8');
  if (!source.includes(text)) throw new Error(`${text} is not in ${path} any more`);
  writeFileSync(path, source.replace(text, instead));
}
