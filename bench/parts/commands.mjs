/**
 * How long the command that shows the state of all services takes, from its execution to its end.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NODE, timeCommand } from '../commands.mjs';
import { Container, settled } from '../container.mjs';
import { PEBBLE, PM2, PROCESS_COMPOSE } from '../peers.mjs';
import { names, SUPERVISORS } from '../supervisors.mjs';

const SVCTL = fileURLToPath(new URL('../../dist/svctl.js', import.meta.url));
const TIMES = 15;

const { my_init, runit, s6, supervisord, pm2, pebble, processCompose } = SUPERVISORS;
const commandOf = new Map([
  [my_init, (directory) => [SVCTL, '--socket', join(directory, 'run/my_init.sock'), 'status']],
  [runit, (directory, count) => ['sv', 'status', ...places(directory, count)]],
  [s6, (directory, count) => ['sh', '-c', 'for place; do s6-svstat $place; done', 'sh', ...places(directory, count)]],
  [supervisord, (directory) => ['supervisorctl', '-c', join(directory, 'supervisord.conf'), 'status']],
  [pm2, () => ['node', PM2, 'ls']],
  [pebble, () => [PEBBLE, 'services']],
  [
    processCompose,
    (directory) => {
      const socket = ['--use-uds', '--unix-socket', join(directory, 'run/process-compose.sock')];
      return [PROCESS_COMPOSE, ...socket, 'process', 'list', '--output', 'wide'];
    },
  ],
]);

export const rounds = 2;
export const contenders = [my_init, NODE, runit, s6, supervisord, pm2, pebble, processCompose];

export async function run(contender, record) {
  for (const count of [10, 100]) {
    const title = `status of ${count} services`;
    if (contender === NODE) {
      await repeat(title, record, () => timeCommand(['node', '-e', '0']));
      continue;
    }
    const container = new Container(contender.prepare(count));
    try {
      await container.started(count);
      await settled(() => container.supervisors(), 1_000);
      const command = commandOf.get(contender)(container.directory, count);
      await repeat(title, record, () => timeCommand(command, environment(container.directory)));
    } finally {
      await container.dispose();
    }
  }
}

const environment = (directory) => ({
  PM2_HOME: join(directory, 'pm2'),
  PEBBLE: directory,
  PEBBLE_SOCKET: join(directory, 'run/pebble.sock'),
});

const places = (directory, count) => names(count).map((name) => join(directory, 'service', name));

async function repeat(title, record, measure) {
  for (let time = 0; time < TIMES; time++) {
    const { ms, cpuMs: cpu } = await measure();
    record(title, 'ms', ms);
    record(`${title}: CPU`, 'ms', cpu);
  }
}
