/** The Debian package, which starts no daemon and asks no question: it only brings files. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { sizeOf } from './archive.mjs';
import { EPOCH, PROJECT, VERSION } from './project.mjs';

const PACKAGE = 'my-init';

const { DEBFULLNAME = 'my_init developers', DEBEMAIL = 'my_init@localhost.localdomain' } = process.env;
const MAINTAINER = `${DEBFULLNAME} <${DEBEMAIL}>`;

/** Node's version is part of its own, so that APT brings a newer Node. */
export const versionOf = (node) => `${VERSION}+node${node}`;

export const fileName = (architecture, node) => `${PACKAGE}_${versionOf(node)}_${architecture}.deb`;

export function makeDeb(tree, architecture, node, file, work) {
  const root = `${work}/deb`;
  const documents = `${root}/usr/share/doc/${PACKAGE}`;
  rmSync(root, { recursive: true, force: true });
  cpSync(tree, root, { recursive: true, verbatimSymlinks: true });
  mkdirSync(documents, { recursive: true });
  cpSync(`${PROJECT}/packaging/debian/copyright`, `${documents}/copyright`);
  writeFileSync(`${documents}/changelog.gz`, gzipSync(changelog(node), { level: 9 }));
  mkdirSync(`${root}/usr/share/lintian/overrides`, { recursive: true });
  cpSync(`${PROJECT}/packaging/debian/lintian-overrides`, `${root}/usr/share/lintian/overrides/${PACKAGE}`);
  for (const page of readdirSync(`${PROJECT}/packaging/debian/man`)) {
    const directory = `${root}/usr/share/man/man${page.slice(-1)}`;
    mkdirSync(directory, { recursive: true });
    writeFileSync(
      `${directory}/${page}.gz`,
      gzipSync(readFileSync(`${PROJECT}/packaging/debian/man/${page}`), { level: 9 }),
    );
  }
  mkdirSync(`${root}/DEBIAN`);
  writeFileSync(`${root}/DEBIAN/control`, control(architecture, node, Math.ceil(sizeOf(root) / 1024)));
  const sums = execFileSync('sh', ['-c', 'find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum'], {
    cwd: root,
  });
  writeFileSync(`${root}/DEBIAN/md5sums`, sums);
  execFileSync('chmod', ['-R', 'u+w,go=rX', root]);
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zxz', '-z1', '--build', root, file], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, SOURCE_DATE_EPOCH: String(EPOCH) },
  });
  rmSync(root, { recursive: true });
}

function control(architecture, node, kilobytes) {
  return `Package: ${PACKAGE}
Version: ${versionOf(node)}
Architecture: ${architecture}
Maintainer: ${MAINTAINER}
Installed-Size: ${kilobytes}
Section: admin
Priority: optional
Description: init and control plane for containers with several processes
 my_init is PID 1 of a container: it supervises runit-style services, reaps
 orphans, collects logs, and is controlled by svctl over a Unix socket.
 It brings its own Node and its libraries and depends on no other package.
`;
}

function changelog(node) {
  const date = new Date(EPOCH * 1000).toUTCString().replace('GMT', '+0000');
  return `${PACKAGE} (${versionOf(node)}) unstable; urgency=medium

  * See CHANGELOG.md of the project.

 -- ${MAINTAINER}  ${date}
`;
}
