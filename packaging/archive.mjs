/** Archives that are equal byte for byte when they are made of the same tree again. */
import { execFileSync } from 'node:child_process';
import { closeSync, lstatSync, mkdirSync, openSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { EPOCH } from './project.mjs';

const REPRODUCIBLE = [
  ...[
    '--sort=name',
    `--mtime=@${EPOCH}`,
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    '--format=gnu',
    '--mode=u+w,go=rX',
  ],
];

/**
 * Archives what is below `root`, for ADD and tar. Only the directory of my_init is in it, not usr,
 * bin and sbin: where an image has a link in their place, it stays one. `/sbin` is a directory of
 * its own in some images and a link to `/usr/sbin` in others: its links work in both.
 */
export function archive(root, file, work) {
  const extra = `${work}/links`;
  rmSync(extra, { recursive: true, force: true });
  mkdirSync(`${extra}/sbin`, { recursive: true });
  for (const name of readdirSync(`${root}/usr/sbin`)) symlinkSync(`/usr/lib/my_init/${name}`, `${extra}/sbin/${name}`);
  const links = [...filesBelow(root, 'usr/bin'), ...filesBelow(root, 'usr/sbin')];
  tar(file, ['-C', root, 'usr/lib/my_init', ...links, '-C', extra, ...filesBelow(extra, 'sbin')]);
}

/** As npm packs: everything below `package`. */
export const archivePackage = (directory, file) => tar(file, ['-C', directory, 'package']);

function tar(file, operands) {
  const output = openSync(file, 'w');
  const options = { stdio: ['ignore', output, 'inherit'], env: { ...process.env, GZIP: undefined } };
  execFileSync('tar', [...REPRODUCIBLE, '--use-compress-program=gzip -6n', '-c', '-f', '-', ...operands], options);
  closeSync(output);
}

const filesBelow = (root, directory) =>
  readdirSync(`${root}/${directory}`)
    .map((name) => `${directory}/${name}`)
    .sort();

/** Bytes of all files below a directory. */
export function sizeOf(path) {
  const status = lstatSync(path);
  if (!status.isDirectory()) return status.size;
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(`${path}/${name}`), 0);
}
