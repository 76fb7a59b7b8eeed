// Runs the example services, and rebuilds on every change: a new controller takes over, a new PID 1
// starts everything again.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SOCKET = join(tmpdir(), `my_init-dev-${process.getuid()}.sock`);
/** An editor that saves all files, or a checkout, counts as one change. */
const QUIET_MS = 200;

/** The build steps of a changed file, and whether my_init is restarted afterwards. */
const STEPS = [
  { of: /^proto\/.*\.proto$/, script: 'build:proto', restart: false },
  { of: /^src\/(init|launch)\/.*\.[ch]$/, script: 'build:native', restart: true },
  { of: /^src\/.*\.[ch]$/, script: 'build:native', restart: false },
  { of: /^(src|clients|proto)\/.*\.(ts|proto)$/, script: 'build:bundle', restart: false },
];

const run = (script) => spawnSync('npm', ['run', '--silent', script], { cwd: ROOT, stdio: 'inherit' }).status === 0;

let child;
function start() {
  const options = ['--socket', SOCKET, ...process.argv.slice(2)];
  child = spawn(process.execPath, [join(ROOT, 'examples/start.mjs'), ...options], { stdio: 'inherit' });
}

async function restart() {
  const ended = child.exitCode === null ? once(child, 'exit') : undefined;
  child.kill('SIGTERM');
  await ended;
  start();
}

/**
 * The services go on under a new controller; where it cannot take over, everything is restarted.
 */
async function replace() {
  const svctl = join(ROOT, 'dist/svctl.js');
  const { status } = spawnSync(svctl, ['--socket', SOCKET, 'reexec'], { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) await restart();
}

const changed = new Set();
let timer;
async function rebuild() {
  const files = [...changed];
  changed.clear();
  const steps = STEPS.filter(({ of }) => files.some((file) => of.test(file)));
  if (steps.length === 0) return;
  console.log(`dev: ${files.slice(0, 5).join(', ')}${files.length > 5 ? ' …' : ''}`);
  for (const script of new Set(steps.map((step) => step.script))) if (!run(script)) return;
  await (steps.some((step) => step.restart) ? restart() : replace());
}

if (!run('build')) process.exit(1);
start();
for (const directory of ['src', 'clients', 'proto'])
  watch(join(ROOT, directory), { recursive: true }, (_event, name) => {
    changed.add(`${directory}/${name}`);
    clearTimeout(timer);
    timer = setTimeout(rebuild, QUIET_MS);
  });
for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, async () => {
    if (child.exitCode === null) {
      if (signal === 'SIGTERM') child.kill('SIGTERM');
      await once(child, 'exit');
    }
    process.exit();
  });
