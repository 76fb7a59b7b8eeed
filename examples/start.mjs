// Boots my_init on examples/services: as PID 1 of a new PID namespace or, without the right to make
// one, as a subreaper.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const place = (path) => fileURLToPath(new URL(path, import.meta.url));
const directory = join(tmpdir(), `my_init-example-${process.getuid()}`);
const given = process.argv.indexOf('--socket');
const socket = given < 0 ? join(directory, 'my_init.sock') : process.argv[given + 1];
const http = process.env.MY_INIT_HTTP_LISTEN ?? '127.0.0.1:9180';
const svctl = relative(process.cwd(), place('../dist/svctl.js'));
mkdirSync(directory, { recursive: true, mode: 0o700 });

const NAMESPACE = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'];
const ways = [NAMESPACE, [NAMESPACE[0], '--user', '--map-root-user', ...NAMESPACE.slice(1)]];
const tries = ways.map(([program, ...args]) => spawnSync(program, [...args, 'true'], { encoding: 'utf8' }));
const way = ways[tries.findIndex(({ status }) => status === 0)] ?? [];
const [{ error, stderr }] = tries;

if (process.env.MY_INIT_EXAMPLE_QUIET === undefined) explain();

const [program, ...args] = [
  ...way,
  place('../dist/my_init'),
  '--skip-startup-files',
  ...['--service-dir', place('services')],
  ...['--socket', socket],
  ...['--http-listen', http],
  ...process.argv.slice(2),
];
const child = spawn(program, args, { stdio: 'inherit' });
// A Ctrl-C reaches my_init by itself, as everything in the foreground of the terminal; a TERM is
// for us to pass on.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => process.kill(way.length > 0 ? childOf(child.pid) : child.pid, 'SIGTERM'));
child.on('exit', (code, signal) => process.exit(signal === null ? code : 1));

function childOf(pid) {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean),
  );
  return Number(children[0] ?? pid);
}

function explain() {
  console.log(
    way.length > 0
      ? 'my_init is PID 1 of a PID namespace of its own.'
      : `No PID namespace can be made here (${error?.message ?? stderr.trim()}).
my_init is not PID 1: it adopts the orphans of its services as a subreaper.`,
  );
  console.log(`
In another terminal:
  export MY_INIT_SOCKET=${socket}
  ${svctl} status
  ${svctl} restart web
  curl http://${http}/metrics

Ctrl-C stops it.
`);
}
