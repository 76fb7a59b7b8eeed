/**
 * A hundred services with nothing to do: the cost of their supervision in a minute, and of a scrape
 * of my_init.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from '../api.mjs';
import { Container, settled } from '../container.mjs';
import { cpuMs, wakeUps } from '../proc.mjs';
import { ONE_OF_EACH, SUPERVISORS } from '../supervisors.mjs';

const { my_init } = SUPERVISORS;

const SERVICES = 100;
/** Twice this time makes a minute. */
const HALF_MINUTE_MS = 30_000;
/** V8 tidies up once, some seconds after the last work. */
const REST_MS = 12_000;
const SCRAPES = 4;

export const rounds = 1;
export const together = true;
export const contenders = ONE_OF_EACH;

export async function run(contender, record) {
  const container = new Container(contender.prepare(SERVICES));
  try {
    await container.started(SERVICES);
    await settled(() => container.supervisors(), 3_000);
    await delay(REST_MS);
    const pids = container.supervisors();
    const used = async (work) => {
      const measure = () => pids.map((pid) => ({ wakes: wakeUps(pid), cpu: cpuMs(pid) }));
      const before = measure();
      await work();
      return measure().map(({ wakes, cpu }, at) => ({ wakes: wakes - before[at].wakes, cpu: cpu - before[at].cpu }));
    };
    const sum = (list, kind) => list.reduce((total, one) => total + one[kind], 0);
    const half = await used(() => delay(HALF_MINUTE_MS));
    const minute = half.map(({ wakes, cpu }) => ({ wakes: 2 * wakes, cpu: 2 * cpu }));
    record('idle for a minute: wake-ups', '', sum(minute, 'wakes'));
    record('idle for a minute: CPU', 'ms', sum(minute, 'cpu'));
    if (contender !== my_init) return;
    record('idle for a minute: wake-ups', '', minute[0].wakes, 'of it PID 1');
    record('idle for a minute: CPU', 'ms', minute[0].cpu, 'of it PID 1');
    const client = connect(container);
    const url = `http://${(await client.info()).httpAddress}/metrics`;
    client.close();
    const scraped = await used(async () => {
      for (let scrape = 0; scrape < SCRAPES; scrape++) await (await fetch(url)).text();
    });
    record('a scrape: CPU', 'ms', sum(scraped, 'cpu') / SCRAPES);
  } finally {
    await container.dispose();
  }
}
