/**
 * svctl alone, as a package of npm: for machines that have Node and steer containers from outside.
 */
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { archivePackage } from './archive.mjs';
import { LICENSE, PROJECT, readJson, VERSION } from './project.mjs';

export const FILE = `svctl-${VERSION}.tgz`;

const README = `# svctl

The command line of my_init. It finds my_init at /run/my_init/my_init.sock, or where --socket or MY_INIT_SOCKET says.
\`svctl --help\` lists the commands.
`;

export function makeSvctlPackage(file, work) {
  const root = `${work}/npm`;
  rmSync(root, { recursive: true, force: true });
  mkdirSync(`${root}/package`, { recursive: true });
  // Without V8's code cache, which is for the Node of the image.
  const filter = (path) => !path.endsWith('.cache');
  for (const name of ['svctl.js', 'lib-svctl'])
    cpSync(`${PROJECT}/dist/${name}`, `${root}/package/${name}`, { recursive: true, filter });
  writeFileSync(`${root}/package/README.md`, README);
  const { engines } = readJson('package.json');
  const description = 'The command line of my_init, the init and control plane for containers';
  const properties = { name: 'svctl', version: VERSION, description, license: LICENSE, type: 'commonjs', engines };
  const files = { bin: { svctl: 'svctl.js', 'kubectl-svctl': 'svctl.js' }, os: ['linux', 'darwin'] };
  writeFileSync(`${root}/package/package.json`, `${JSON.stringify({ ...properties, ...files }, undefined, 2)}\n`);
  archivePackage(root, file);
}
