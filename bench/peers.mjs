/** Gets the peers that are missing: Debian packages where we may, pm2 into a cache of our own. */
import { execFileSync } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';

const PACKAGES = ['runit', 's6', 'daemontools', 'supervisor', 'tini', 'dumb-init'];
const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'my_init-bench');

export const PM2_RUNTIME = join(CACHE, 'node_modules/pm2/bin/pm2-runtime');
export const PM2 = join(CACHE, 'node_modules/pm2/bin/pm2');

/** What cannot be installed is missing in the tables, and said there. */
export function installPeers() {
  const debian = 'apt-get install -q -y --no-install-recommends';
  attempt('sh', ['-c', `${debian} ${PACKAGES.join(' ')} || { apt-get update -q && ${debian} ${PACKAGES.join(' ')}; }`]);
  attempt('npm', ['install', '--no-audit', '--no-fund', '--prefix', CACHE, 'pm2']);
}

function attempt(file, args) {
  try {
    execFileSync(file, args, { stdio: ['ignore', 2, 2], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
  }
}
