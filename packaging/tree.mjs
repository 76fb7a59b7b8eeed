/** Lays out /usr/lib/my_init, with all that it needs in it, and the links to it. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { bringLoader, ignoreImage } from './node/bring-loader.mjs';
import { pinnedNode } from './node/node.mjs';
import { PROJECT } from './project.mjs';

const PROGRAMS = ['my_init', 'launch', 'setuser', 'svctl', 'addon.node'];

/** Each by its name in the tree, and where the directory of its link is. */
const LINKS = { my_init: 'sbin', setuser: 'sbin', svctl: 'bin' };

const OPTIMIZED = [
  ...['-Os', '-ffreestanding', '-fno-builtin', '-fno-tree-loop-distribute-patterns', '-fno-stack-protector'],
  ...['-fpie', '-fno-asynchronous-unwind-tables', '-nostdlib', '-static', '-Wall', '-Wextra', '-Werror'],
  ...['-Wl,--build-id=none', '-Wl,--no-warn-rwx-segments'],
];

/** Compiles the native parts. Returns the directory with them. */
export function compile(architecture, work) {
  const directory = `${work}/native`;
  // Without -g no path of this machine is in them.
  const settings = [`OUT=${directory}`, `CC=${architecture.cc}`, `STATIC_CC=${architecture.staticCc}`, 'CFLAGS=-O2'];
  execFileSync('make', ['--silent', `--jobs=${availableParallelism()}`, '--directory=src', 'all', ...settings], {
    cwd: PROJECT,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  architecture.tool('strip', ...PROGRAMS.map((name) => `${directory}/${name}`));
  return directory;
}

/**
 * Lays out the tree below `root`. Returns the Node and the libraries in it, for the list of parts.
 */
export function layOut(root, architecture, native, work, withNode) {
  const home = `${root}/usr/lib/my_init`;
  rmSync(root, { recursive: true, force: true });
  mkdirSync(home, { recursive: true });
  copyScripts(home, architecture.isOwn && withNode);
  for (const name of PROGRAMS) cpSync(`${native}/${name}`, `${home}/${name}`);
  for (const [name, place] of Object.entries(LINKS)) {
    mkdirSync(`${root}/usr/${place}`, { recursive: true });
    mkdirSync(`${home}/${place}`, { recursive: true });
    symlinkSync(`../lib/my_init/${name}`, `${root}/usr/${place}/${name}`);
    symlinkSync(`../${name}`, `${home}/${place}/${name}`);
  }
  if (withNode) return addNode(home, architecture, work);
  cpSync(`${PROJECT}/packaging/old-node.cjs`, `${home}/old-node.cjs`);
  return { libraries: [], musl: architecture.musl };
}

/**
 * Copies the output of npm run build:bundle. V8's code cache is for the Node that it was made with.
 */
function copyScripts(home, withCache) {
  const dist = `${PROJECT}/dist`;
  if (!existsSync(`${dist}/controller.js`)) throw new Error('dist is empty: run npm run build');
  for (const name of readdirSync(dist))
    if (!PROGRAMS.includes(name) && !name.endsWith('.so'))
      cpSync(`${dist}/${name}`, `${home}/${name}`, {
        recursive: true,
        filter: (path) => withCache || !path.endsWith('.cache'),
      });
  // svctl starts it, without the shell that its head is for.
  const script = readFileSync(`${home}/svctl.js`, 'utf8').replace(/^#!.*\n.*\n/, '');
  rmSync(`${home}/svctl.js`);
  writeFileSync(`${home}/svctl.js`, script);
}

function addNode(home, architecture, work) {
  const { version, directory } = pinnedNode(architecture);
  const stripped = `${work}/node`;
  architecture.tool('strip', '-o', stripped, `${directory}/bin/node`);
  const needed = [...architecture.tool('objdump', '-p', stripped).matchAll(/NEEDED +(\S+)/g)].map(([, name]) => name);
  writeFileSync(`${home}/node`, bringLoader(readFileSync(stripped), compileEntry(architecture, work)), { mode: 0o755 });
  mkdirSync(`${home}/runtime`);
  const libraries = needed.map((name) => architecture.library(name));
  for (const [index, name] of needed.entries()) {
    const content = readFileSync(libraries[index]);
    if (name === architecture.loader) writeFileSync(`${home}/runtime/loader`, ignoreImage(content));
    else writeFileSync(`${home}/runtime/${name}`, content);
  }
  mkdirSync(`${home}/licenses`);
  cpSync(`${directory}/LICENSE`, `${home}/licenses/node`);
  rmSync(stripped);
  return { node: { name: architecture.nodePackage, version }, libraries, musl: architecture.musl };
}

function compileEntry({ cc, prefix, name }, work) {
  const [program, flat] = [`${work}/entry`, `${work}/entry.bin`];
  const sources = `${PROJECT}/packaging/node`;
  const protection = name === 'amd64' ? ['-fcf-protection=none'] : [];
  execFileSync(cc, [...OPTIMIZED, ...protection, `-Wl,-T,${sources}/entry.ld`, '-o', program, `${sources}/entry.c`], {
    stdio: 'inherit',
  });
  execFileSync(`${prefix}objcopy`, ['-O', 'binary', program, flat]);
  return readFileSync(flat);
}
