/** From the execution of PID 1 to the first instruction of the first service. */

import { NODE, timeCommand } from '../commands.mjs';
import { Container } from '../container.mjs';
import { SUPERVISORS } from '../supervisors.mjs';

const { my_init, myInitTree, runit, s6, daemontools, supervisord, pm2 } = SUPERVISORS;

export const rounds = 11;
export const contenders = [my_init, myInitTree, NODE, runit, s6, daemontools, supervisord, pm2];

export async function run(contender, record) {
  if (contender === NODE)
    return record('start of the first service', 'ms', (await timeCommand(['node', '-e', '0'])).ms);
  const container = new Container(contender.prepare(1));
  try {
    const { begunMs, starts } = await container.started(1);
    record('start of the first service', 'ms', starts[0].atMs - begunMs);
  } finally {
    await container.dispose();
  }
}
