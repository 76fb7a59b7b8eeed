/** svctl from outside: beside `podman exec … svctl`, and for fifty my_init at once. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { timeCommand } from '../commands.mjs';
import { Container, nowMs, until } from '../container.mjs';
import { MY_INIT, SUPERVISORS } from '../supervisors.mjs';
import { inPath } from '../tools.mjs';

const SVCTL = fileURLToPath(new URL('../../dist/svctl.js', import.meta.url));
const TIMES = 12;
const HOSTS = 50;
/** The lines of each host within the last minute. */
const LINES = 1_000;
const RUN = `#!/bin/sh\nseq -f 'line %.0f of a service that has something to say' ${LINES}\nexec sleep 100000\n`;

export const rounds = 1;
export const contenders = [SUPERVISORS.my_init];

export async function run(_contender, record) {
  await besidePodman(record);
  await manyHosts(record);
}

/** Runs in the image that the container tests build. */
async function besidePodman(record) {
  const images = join(tmpdir(), `my_init-images-${process.getuid()}`);
  const environment = {
    CONTAINERS_CONF: join(images, 'containers.conf'),
    CONTAINERS_STORAGE_CONF: join(images, 'storage.conf'),
  };
  const env = { ...process.env, ...environment };
  const podman = (...args) => execFileSync('podman', args, { env, stdio: ['ignore', 'pipe', 'ignore'] });
  if (!inPath('podman') || !attempt(() => podman('image', 'exists', 'localhost/my_init'))) return;
  const name = `my_init-bench-${process.pid}`;
  podman('run', '--detach', '--network=none', '--name', name, 'localhost/my_init');
  try {
    await until('my_init to answer', 30_000, () => attempt(() => podman('exec', name, 'svctl', 'info')));
    const commands = new Map([
      ['svctl -H podman://', [SVCTL, '-H', `podman://${name}`, 'status']],
      ['podman exec svctl', ['podman', 'exec', name, 'svctl', 'status']],
    ]);
    for (let time = 0; time < TIMES; time++)
      for (const [title, command] of commands)
        record('status in a container of podman', 'ms', (await timeCommand(command, environment)).ms, title);
  } finally {
    podman('rm', '--force', '--time', '0', name);
  }
}

async function manyHosts(record) {
  const bin = mkdtempSync(join(tmpdir(), 'my_init-bench-bin-'));
  // As docker exec does it, without the time of Docker itself.
  const tool = `#!/bin/sh\nshift 2\nMY_INIT_SOCKET=$1 exec ${SVCTL} dial-stdio\n`;
  writeFileSync(join(bin, 'docker'), tool, { mode: 0o755 });
  const containers = [];
  try {
    // Only as many boot at once as a machine boots in a moment.
    while (containers.length < HOSTS) {
      const booting = Array.from({ length: 5 }, () => new Container(prepare));
      containers.push(...booting);
      for (const container of booting) await until('my_init to answer', 60_000, () => answers(container));
    }
    const sockets = containers.map(({ directory }) => join(directory, 'run/my_init.sock'));
    for (const scheme of ['unix', 'docker']) {
      const hosts = sockets.flatMap((socket) => ['-H', `${scheme}://${socket}`]);
      const title = scheme === 'unix' ? 'sockets' : 'a tool and a dial-stdio each';
      for (const command of [['status'], ['logs', '--since', '1m']])
        for (let time = 0; time < TIMES / 2; time++) {
          // Has each host write its lines anew, so that they are from the last minute.
          if (command[0] === 'logs') await measured(['restart', '--all', '--yes'], sockets.flatMap(overSocket), bin);
          const { ms, peakKb, lines } = await measured(command, hosts, bin);
          const what = `${command.join(' ')} of ${HOSTS} hosts`;
          record(what, 'ms', ms, title);
          record(`${what}: memory of svctl at most`, 'MB', peakKb / 1024, title);
          record(`${what}: lines`, '', lines, title);
        }
    }
  } finally {
    for (const container of containers) await container.dispose();
    rmSync(bin, { recursive: true });
  }
}

const overSocket = (socket) => ['-H', `unix://${socket}`];

function prepare(directory) {
  const services = join(directory, 'service');
  mkdirSync(join(services, 'web'), { recursive: true });
  writeFileSync(join(services, 'web/run'), RUN, { mode: 0o755 });
  const socket = join(directory, 'run/my_init.sock');
  return { command: [MY_INIT, '--service-dir', services, '--socket', socket, '--http-listen', 'none'] };
}

const answers = ({ directory }) =>
  attempt(() => execFileSync(SVCTL, ['--socket', join(directory, 'run/my_init.sock'), 'info'], { stdio: 'pipe' }));

/** The time from the start of svctl to its end, and its peak memory. */
async function measured(command, hosts, bin) {
  const begunMs = nowMs();
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` };
  const child = spawn(SVCTL, [...hosts, ...command], { env, stdio: ['ignore', 'pipe', 'ignore'] });
  let [peakKb, lines] = [0, 0];
  child.stdout.on('data', (chunk) => {
    for (const byte of chunk) if (byte === 10) lines++;
  });
  const timer = setInterval(() => {
    const status = attempt(() => readFileSync(`/proc/${child.pid}/status`, 'latin1')) ?? '';
    peakKb = Math.max(peakKb, Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0));
  }, 10);
  const code = await new Promise((resolve) => child.once('close', resolve));
  clearInterval(timer);
  if (code !== 0) throw new Error(`${command.join(' ')} exited with ${code}`);
  return { ms: nowMs() - begunMs, peakKb, lines };
}

function attempt(work) {
  try {
    return work() ?? true;
  } catch {
    return undefined;
  }
}
