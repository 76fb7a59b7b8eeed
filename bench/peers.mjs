/**
 * Installs the peers that are missing: Debian packages where we may, the others into a cache of our
 * own.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const PACKAGES = ['runit', 's6', 'daemontools', 'supervisor', 'tini', 'dumb-init'];
const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'my_init-bench');

const PM2_VERSION = '6.0.14';
/** Go modules whose program is built: the module, its version, and the package of the program. */
const GO = {
  pebble: ['github.com/canonical/pebble', 'v1.32.1', 'github.com/canonical/pebble/cmd/pebble'],
  'process-compose': ['github.com/f1bonacc1/process-compose', 'v1.87.0', 'github.com/f1bonacc1/process-compose'],
};

export const PM2_RUNTIME = join(CACHE, 'node_modules/pm2/bin/pm2-runtime');
export const PM2 = join(CACHE, 'node_modules/pm2/bin/pm2');
export const PEBBLE = join(CACHE, 'bin/pebble');
export const PROCESS_COMPOSE = join(CACHE, 'bin/process-compose');

/** Tables name a peer that cannot be installed as missing. */
export function installPeers() {
  const debian = 'apt-get install -q -y --no-install-recommends';
  attempt('sh', ['-c', `${debian} ${PACKAGES.join(' ')} || { apt-get update -q && ${debian} ${PACKAGES.join(' ')}; }`]);
  attempt('npm', ['install', '--no-audit', '--no-fund', '--prefix', CACHE, `pm2@${PM2_VERSION}`]);
  for (const [name, peer] of Object.entries(GO)) if (!existsSync(join(CACHE, 'bin', name))) installGo(name, peer);
}

/** The versions that are installed. */
export function peerVersions() {
  const debian = PACKAGES.map((name) => [name, debianVersion(name)]).filter(([, version]) => version !== undefined);
  const go = Object.entries(GO).filter(([name]) => existsSync(join(CACHE, 'bin', name)));
  const pm2 = existsSync(PM2) ? [['pm2', PM2_VERSION]] : [];
  return Object.fromEntries([...debian, ...pm2, ...go.map(([name, [, version]]) => [name, version.slice(1)])]);
}

function debianVersion(name) {
  try {
    const status = execFileSync('dpkg', ['--status', name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return /^Version: (?:\d+:)?(.*?)(?:-[^-]*)?$/m.exec(status)?.[1];
  } catch {
    return undefined;
  }
}

/**
 * `go install` asks the module proxy for more than one version; a module that requires it does not.
 */
function installGo(name, [module, version, program]) {
  const directory = join(CACHE, 'go', name);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'go.mod'), `module peer\n\ngo 1.22\n\nrequire ${module} ${version}\n`);
  attempt('go', ['build', '-C', directory, '-mod=mod', '-o', join(CACHE, 'bin', name), program]);
}

function attempt(file, args) {
  try {
    execFileSync(file, args, { stdio: ['ignore', 2, 2], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
  }
}
