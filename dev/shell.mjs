// A shell in a throw-away PID namespace, with my_init as its init and the example services running.
// Nothing is left behind.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const place = (path) => fileURLToPath(new URL(path, import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'my_init-shell-'));
const [bin, services, socket] = ['bin', 'services', 'my_init.sock'].map((name) => join(directory, name));
mkdirSync(bin);
symlinkSync(place('../dist/svctl.js'), join(bin, 'svctl'));
cpSync(place('../examples/services'), services, { recursive: true, filter: (path) => !path.endsWith('/supervise') });

const shell = process.argv.length > 2 ? process.argv.slice(2) : [process.env.SHELL ?? '/bin/sh'];
console.log(`The services are in ${services}; svctl is in PATH. The end of the shell ends everything.`);
const { status } = spawnSync(
  process.execPath,
  [
    place('../examples/start.mjs'),
    ...['--service-dir', services, '--socket', socket, '--log-output', 'none', '--', ...shell],
  ],
  {
    stdio: ['inherit', 'inherit', 'inherit'],
    env: {
      ...process.env,
      PATH: `${bin}:${process.env.PATH}`,
      MY_INIT_SOCKET: socket,
      MY_INIT_HTTP_LISTEN: 'none',
      MY_INIT_EXAMPLE_QUIET: '1',
    },
  },
);
rmSync(directory, { recursive: true, force: true });
process.exitCode = status ?? 1;
