// What test files need beside a C compiler: `/** @needs memcached sv */` in the first line of a file.
const { spawnSync } = require('node:child_process');
const { closeSync, existsSync, openSync, readSync } = require('node:fs');
const { join } = require('node:path');

/** Programs and the Debian packages that have them. */
const PACKAGES = {
  fish: 'fish',
  memcached: 'memcached',
  nginx: 'nginx-light',
  prometheus: 'prometheus',
  promtool: 'prometheus',
  protoc: 'protobuf-compiler',
  python3: 'python3',
  ssh: 'openssh-client',
  sshd: 'openssh-server',
  sv: 'runit',
  zsh: 'zsh',
};

const directories = [...(process.env.PATH ?? '').split(':'), '/usr/sbin'];
const isThere = (program) => directories.some((directory) => existsSync(join(directory, program)));

/** Why no container can be made of namespaces here; undefined where it can. */
function noNamespaces() {
  const { status, stderr, error } = spawnSync('unshare', ['--mount', '--pid', '--fork', '--mount-proc', 'true'], {
    encoding: 'utf8',
  });
  return status === 0 ? undefined : (error?.message ?? stderr.trim());
}

function needsOf(path) {
  const start = Buffer.alloc(200);
  const fd = openSync(path, 'r');
  readSync(fd, start);
  closeSync(fd);
  return /@needs ([^*\n]+)/.exec(start.toString('utf8'))?.[1]?.trim().split(' ') ?? [];
}

/** The Debian packages that a test file needs and that are not installed. */
function missingPackages(path) {
  const unknown = needsOf(path).filter((program) => !(program in PACKAGES));
  if (unknown.length > 0) throw new Error(`${path} needs ${unknown.join(' ')}: see test/needs/programs.cjs`);
  return [...new Set(needsOf(path).flatMap((program) => (isThere(program) ? [] : [PACKAGES[program]])))];
}

module.exports = { missingPackages, noNamespaces };
