/** A hundred and five hundred services: until all run, and until all have ended. */
import { setTimeout as delay } from 'node:timers/promises';
import { Container } from '../container.mjs';
import { ONE_OF_EACH, SUPERVISORS } from '../supervisors.mjs';

const { pm2 } = SUPERVISORS;

export const rounds = 2;
export const contenders = ONE_OF_EACH;

export async function run(contender, record) {
  for (const count of [100, 500]) {
    // pm2 would take minutes, and show nothing new.
    if (contender === pm2 && count > 100) continue;
    const container = new Container(contender.prepare(count));
    try {
      const { begunMs, starts } = await container.started(count);
      record(`${count} services: start`, 'ms', starts.at(-1).atMs - begunMs);
      await delay(1_000);
      const { ms, graceful } = await container.stop(contender.stop);
      if (ms === undefined) continue;
      record(`${count} services: stop`, 'ms', ms);
      record(`${count} services: let end by themselves`, '', graceful);
    } finally {
      await container.dispose();
    }
  }
}
