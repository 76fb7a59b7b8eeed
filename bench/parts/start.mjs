/**
 * From the execution of PID 1 to the first instruction of the first service: wall-clock and CPU
 * time.
 */
import { apiAnswers } from '../api.mjs';
import { NODE, timeCommand } from '../commands.mjs';
import { Container } from '../container.mjs';
import { cpuMs } from '../proc.mjs';
import { SUPERVISORS } from '../supervisors.mjs';

const { my_init, myInitTree, runit, s6, daemontools, supervisord, pm2, pebble, processCompose } = SUPERVISORS;

export const rounds = 7;
export const contenders = [my_init, myInitTree, NODE, runit, s6, daemontools, supervisord, pm2, pebble, processCompose];

const FIRST = 'start of the first service';
const FIRST_CPU = 'CPU until the first service runs';
const API_CPU = 'CPU until the API answers';

export async function run(contender, record) {
  if (contender === NODE) {
    const { ms, cpuMs: cpu } = await timeCommand(['node', '-e', '0']);
    record(FIRST, 'ms', ms);
    record(FIRST_CPU, 'ms', cpu);
    record(API_CPU, 'ms', cpu);
    return;
  }
  await inContainer(contender, {}, async (container) => {
    const { begunMs, starts } = await container.started(1);
    record(FIRST, 'ms', starts[0].atMs - begunMs);
  });
  // Reading the CPU time takes some time itself.
  await inContainer(contender, { STOPWATCH_CPU: '1' }, async (container) => {
    await container.started(1);
    record(FIRST_CPU, 'ms', await container.cpuUntilStart());
    if (contender !== my_init && contender !== myInitTree) return;
    await apiAnswers(container);
    record(
      API_CPU,
      'ms',
      container.supervisors().reduce((sum, pid) => sum + cpuMs(pid), 0),
    );
  });
}

async function inContainer(contender, variables, work) {
  const container = new Container((directory) => {
    const { command, environment } = contender.prepare(1)(directory);
    return { command, environment: { ...environment, ...variables } };
  });
  try {
    await work(container);
  } finally {
    await container.dispose();
  }
}
