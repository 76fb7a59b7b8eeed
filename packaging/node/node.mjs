/** The Node of an architecture, in the pinned version. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { LOCK, PROJECT } from '../project.mjs';

/**
 * Returns `{ version, directory }`: the unpacked npm package. npm installs the package for this
 * machine with the others.
 */
export function pinnedNode({ nodePackage, isOwn }) {
  const installed = `node_modules/${nodePackage}`;
  const { version, integrity } = LOCK[installed];
  if (isOwn && existsSync(`${PROJECT}/${installed}/bin/node`)) return { version, directory: `${PROJECT}/${installed}` };
  const place = `${PROJECT}/node_modules/.cache/${nodePackage}-${version}`;
  if (!existsSync(`${place}/package/bin/node`)) download(place, `${nodePackage}@${version}`, integrity);
  return { version, directory: `${place}/package` };
}

function download(place, name, integrity) {
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place, { recursive: true });
  const file = execFileSync('npm', ['pack', '--silent', '--pack-destination', place, name], {
    encoding: 'utf8',
  }).trim();
  const digest = `sha512-${createHash('sha512')
    .update(readFileSync(`${place}/${file}`))
    .digest('base64')}`;
  if (digest !== integrity) throw new Error(`${name}: its checksum is ${digest}, package-lock.json says ${integrity}`);
  execFileSync('tar', ['-xzf', file], { cwd: place });
  rmSync(`${place}/${file}`);
}
