/**
 * What `npm run package` makes for this machine: once for all test files of a run, and removed at
 * its end.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PACKAGE = fileURLToPath(new URL('../../packaging/package.mjs', import.meta.url));

/** The directory that belongs to this run of the suite. */
const RUN = dirname(process.env.MY_INIT_LEFT_OUT ?? '');

/** The architecture of this machine by Docker's name. */
const ARCHITECTURE = process.arch === 'x64' ? 'amd64' : process.arch;

/** The directory with everything that is packed. Nobody may change anything in it. */
export function packed(): string {
  const out = join(RUN, 'packed');
  // Several test files may ask for it at once. The checksums are written last.
  const script = 'test -e "$3/SHA256SUMS" || exec node "$0" "$1" "$2" --out "$3"';
  pack('flock', [`${out}.lock`, 'sh', '-c', script, PACKAGE, '--arch', ARCHITECTURE, out]);
  return out;
}

/**
 * Stand-ins for the compressors, which leave everything as it is: to compress Node takes a minute
 * of CPU.
 */
const UNCOMPRESSED = {
  gzip: '#!/bin/sh\nexec cat\n',
  'dpkg-deb':
    '#!/bin/sh\nfor word do\n  shift\n  case $word in -Zxz) word=-Znone ;; -z1) continue ;; esac\n  set -- "$@" "$word"\ndone\nexec /usr/bin/dpkg-deb "$@"\n',
};

/** Packs everything, even if that was done before, and compresses nothing. */
export function packUncompressedInto(out: string): void {
  const programs = mkdtempSync(join(tmpdir(), 'my_init-uncompressed-'));
  for (const [name, script] of Object.entries(UNCOMPRESSED))
    writeFileSync(join(programs, name), script, { mode: 0o755 });
  try {
    pack('node', [PACKAGE, '--arch', ARCHITECTURE, '--out', out], { PATH: `${programs}:${process.env.PATH}` });
  } finally {
    rmSync(programs, { recursive: true });
  }
}

/** The tree of this machine; `-without-node` is the flavour without Node. */
export const packedTree = (flavour: '' | '-without-node' = ''): string =>
  join(packed(), 'tree', `${ARCHITECTURE}${flavour}`);

function pack(program: string, words: readonly string[], environment: NodeJS.ProcessEnv = {}): void {
  execFileSync(program, words, { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, ...environment } });
}
