// The programs that test files need beside a C compiler: `/** @needs memcached sv */` in the first
// line of a file.
const { spawnSync } = require('node:child_process');
const { closeSync, existsSync, openSync, readSync } = require('node:fs');
const { join } = require('node:path');

/** Programs and the Debian packages that have them. */
const PACKAGES = {
  'chromium-headless-shell': 'chromium-headless-shell',
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

/** Programs that no Debian package has as the tests need them, and how to install them. */
const OTHERS = {
  go: { isThere: isGoRecent, how: 'install Go 1.24 or later (https://go.dev/dl)' },
  mypy: {
    isThere: () => existsSync('node_modules/.cache/python/bin/mypy'),
    how: 'python3 -m venv node_modules/.cache/python && node_modules/.cache/python/bin/pip install -r clients/python/dev-requirements.txt',
  },
};

const directories = [...(process.env.PATH ?? '').split(':'), '/usr/sbin'];
const isThere = (program) => directories.some((directory) => existsSync(join(directory, program)));

/** The reason why no container can be made of namespaces here; undefined where it can. */
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

/** How to install the programs that a test file needs and that are missing. */
function missing(path) {
  const needs = needsOf(path);
  const unknown = needs.filter((program) => !(program in PACKAGES || program in OTHERS));
  if (unknown.length > 0) throw new Error(`${path} needs ${unknown.join(' ')}: see test/needs/programs.cjs`);
  const packages = needs.filter((program) => program in PACKAGES && !isThere(program)).map((name) => PACKAGES[name]);
  const others = needs.filter((program) => program in OTHERS && !OTHERS[program].isThere());
  return [
    ...(packages.length > 0 ? [`apt-get install ${[...new Set(packages)].join(' ')}`] : []),
    ...others.map((program) => OTHERS[program].how),
  ];
}

function isGoRecent() {
  const { stdout } = spawnSync('go', ['env', 'GOVERSION'], { encoding: 'utf8', cwd: 'clients/go' });
  const [, minor = '0'] = /^go1\.(\d+)/.exec(stdout ?? '') ?? [];
  return Number(minor) >= 24;
}

module.exports = { missing, noNamespaces };
