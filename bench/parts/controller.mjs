/** From `kill -9` of the controller to the first call that its successor answers. */
import { setTimeout as delay } from 'node:timers/promises';
import { apiAnswers } from '../api.mjs';
import { Container, nowMs, settled } from '../container.mjs';
import { SUPERVISORS } from '../supervisors.mjs';

/** Five within a minute would end the container. */
const KILLS = 4;

export const rounds = 5;
export const contenders = [SUPERVISORS.my_init];

export async function run(contender, record) {
  for (const count of [10, 500]) {
    const container = new Container(contender.prepare(count));
    try {
      await container.started(count);
      for (let kill = 0; kill < KILLS; kill++) {
        await settled(() => container.supervisors(), 500);
        const [, controller] = container.supervisors();
        const killed = nowMs();
        process.kill(controller, 'SIGKILL');
        await apiAnswers(container);
        record(`${count} services: kill -9 of the controller to the next answer`, 'ms', nowMs() - killed);
        await delay(100);
      }
    } finally {
      await container.dispose();
    }
  }
}
