/**
 * `npm run package -- [--arch ARCHITECTURE]... [--out DIRECTORY]`: makes all that users install,
 * below packaging/out. docs/install.md
 *
 * `--tree DIRECTORY` only lays out one tree there, of this machine by default: the build of the
 * image does. `--without-node` leaves Node out of it.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ARCHITECTURES, Architecture, OWN, possible } from './architectures.mjs';
import { archive, sizeOf } from './archive.mjs';
import { makeClientPackage } from './client.mjs';
import { fileName, makeDeb } from './deb.mjs';
import { PROJECT, VERSION } from './project.mjs';
import { bom } from './sbom.mjs';
import { makeSvctlPackage, FILE as SVCTL_FILE } from './svctl.mjs';
import { compile, layOut } from './tree.mjs';

process.umask(0o022);
const options = parse();
const out = options.out ?? `${PROJECT}/packaging/out`;
if (options.tree === undefined) packageAll(options.arch ?? possible());
else layOutOne(options.tree, new Architecture(options.arch?.[0] ?? OWN));

function parse() {
  const arch = { type: 'string', multiple: true };
  const { values } = parseArgs({
    options: { arch, out: { type: 'string' }, tree: { type: 'string' }, 'without-node': { type: 'boolean' } },
  });
  const unknown = values.arch?.find((name) => !ARCHITECTURES.includes(name));
  if (unknown === undefined) return values;
  process.stderr.write(`unknown architecture ${unknown}: there are ${ARCHITECTURES.join(' and ')}\n`);
  process.exit(2);
}

function layOutOne(root, architecture) {
  const work = `${PROJECT}/node_modules/.cache/package/${process.pid}`;
  mkdirSync(work, { recursive: true });
  layOut(root, architecture, compile(architecture, work), work, options['without-node'] !== true);
  rmSync(work, { recursive: true });
}

function packageAll(names) {
  rmSync(out, { recursive: true, force: true });
  for (const name of names) {
    const architecture = new Architecture(name);
    const work = `${out}/work/${name}`;
    mkdirSync(work, { recursive: true });
    const native = compile(architecture, work);
    packageTree(architecture, native, work, true);
    packageTree(architecture, native, work, false);
  }
  makeSvctlPackage(`${out}/${SVCTL_FILE}`, out);
  makeClientPackage(out);
  rmSync(`${out}/npm`, { recursive: true });
  rmSync(`${out}/work`, { recursive: true });
  const entries = readdirSync(out, { withFileTypes: true }).filter((entry) => entry.isFile());
  const files = entries.map(({ name }) => name).sort();
  writeFileSync(`${out}/SHA256SUMS`, files.map((file) => `${sha256(`${out}/${file}`)}  ${file}\n`).join(''));
  for (const file of files) report(`${out}/${file}`);
}

/** The tree stays below tree/, for the tool image. */
function packageTree(architecture, native, work, withNode) {
  const root = `${out}/tree/${architecture.name}${withNode ? '' : '-without-node'}`;
  const parts = layOut(root, architecture, native, work, withNode);
  const node = parts.node?.version;
  const name = `my_init-${VERSION}-linux-${architecture.name}${node === undefined ? '' : `-node${node}`}`;
  archive(root, `${out}/${name}.tar.gz`, work);
  writeFileSync(`${out}/${name}.spdx.json`, bom(name, parts, readFileSync(`${out}/${name}.tar.gz`)));
  if (node !== undefined) makeDeb(root, architecture.name, node, `${out}/${fileName(architecture.name, node)}`, work);
  report(root);
}

function sha256(file) {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

function report(path) {
  process.stdout.write(`${(sizeOf(path) / 1e6).toFixed(1).padStart(6)} MB  ${path}\n`);
}
