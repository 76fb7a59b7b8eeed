import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compiledOnce } from './compile.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The changes of a source file: a text that is there, and its replacement. */
export type NativeChanges = Readonly<Record<string, readonly (readonly [text: string, instead: string])[]>>;

const INIT_FLAGS = ['-O2', '-D_GNU_SOURCE', '-DMY_INIT_VERSION="1.0.0"', '-DMY_INIT_NODE="20.12"', '-Wl,-e,entry'];
const HEADERS = `-I${join(ROOT, 'node_modules/node-api-headers/include')}`;
const ADDON_FLAGS = ['-O2', '-D_GNU_SOURCE', '-DNAPI_VERSION=8', '-fPIC', '-shared', '-fvisibility=hidden', HEADERS];

/** Compiles init as it is, but for these changes, to `program`. */
export const compileChangedInit = (program: string, changes: NativeChanges): void =>
  compileChanged(program, 'src/init', INIT_FLAGS, changes);

/** The same with the addon. */
export const compileChangedAddon = (addon: string, changes: NativeChanges): void =>
  compileChanged(addon, 'src/process', ADDON_FLAGS, changes);

function compileChanged(file: string, from: string, flags: readonly string[], changes: NativeChanges): void {
  const names = readdirSync(join(ROOT, from)).filter((name) => /\.[ch]$/.test(name));
  const sources = Object.fromEntries(names.map((name) => [name, readFileSync(join(ROOT, from, name), 'utf8')]));
  for (const [name, replacements] of Object.entries(changes))
    for (const [text, instead] of replacements) sources[name] = replaced(name, sources[name] ?? '', text, instead);
  const texts = [...flags, ...Object.entries(sources).flat()];
  rmSync(file, { force: true });
  copyFileSync(
    compiledOnce(basename(file), texts, (to) => compileSources(to, flags, sources)),
    file,
  );
}

function compileSources(file: string, flags: readonly string[], sources: Readonly<Record<string, string>>): void {
  const directory = mkdtempSync(join(tmpdir(), 'my_init-changed-'));
  try {
    for (const [name, text] of Object.entries(sources)) writeFileSync(join(directory, name), text);
    const units = Object.keys(sources).filter((name) => name.endsWith('.c'));
    execFileSync('cc', [...flags, '-o', file, ...units], { cwd: directory });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function replaced(file: string, source: string, text: string, instead: string): string {
  if (!source.includes(text)) throw new Error(`${text} is not in ${file} any more`);
  return source.replace(text, instead);
}
