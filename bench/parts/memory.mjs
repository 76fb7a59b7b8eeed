/**
 * The memory of the supervision itself, without the services: proportional (shared pages divided
 * among those who share them), anonymous, resident.
 */
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Container } from '../container.mjs';
import { memory } from '../proc.mjs';
import { SUPERVISORS, TREE } from '../supervisors.mjs';

const { my_init, myInitTree, pm2 } = SUPERVISORS;

const COUNTS = [10, 100, 500];
/** The time after which the memory of a start has been given back. */
const REST_MS = 3_000;

export const rounds = 1;
export const contenders = Object.values(SUPERVISORS);

export async function run(contender, record) {
  if (contender === myInitTree) forgetCachedPages(join(dirname(TREE), 'node'));
  for (const count of COUNTS) {
    // pm2 would take minutes, and show nothing new.
    if (contender === pm2 && count > 100) continue;
    const container = new Container(contender.prepare(count));
    try {
      await container.started(count, 120_000);
      await delay(REST_MS);
      const processes = container.supervisors().map(memory);
      const total = (kind) => processes.reduce((sum, process) => sum + process[kind], 0);
      record(`${count} services: proportional`, 'kB', total('pss'));
      record(`${count} services: anonymous`, 'kB', total('anonymous'));
      record(`${count} services: resident`, 'kB', total('rss'));
      if (contender !== my_init && contender !== myInitTree) continue;
      // PID 1 comes first.
      const [init] = processes;
      record(`${count} services: proportional`, 'kB', init.pss, 'of it PID 1');
      record(`${count} services: anonymous`, 'kB', init.anonymous, 'of it PID 1');
      record(`${count} services: resident`, 'kB', init.rss, 'of it PID 1');
    } finally {
      await container.dispose();
    }
  }
}

/**
 * The kernel keeps a file that was just written in pages of 2 MB and maps all of such a page at
 * once: 26 MB more resident than a file that was read, until the pages are dropped.
 */
function forgetCachedPages(file) {
  execFileSync('sync', [file]);
  execFileSync('dd', [`if=${file}`, 'iflag=nocache', 'count=0', 'status=none']);
}
