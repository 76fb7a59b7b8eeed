/** From `kill -9` of a long-lived service to the first instruction of the next run. */
import { setTimeout as delay } from 'node:timers/promises';
import { Container, nowMs, until } from '../container.mjs';
import { names, ONE_OF_EACH } from '../supervisors.mjs';

/**
 * A service lives for two seconds before its turn comes, and has one turn. Some supervisors wait
 * before they restart a service that lived for less than a second; my_init waits after two failures
 * within ten seconds.
 */
const SERVICES = 20;
const EVERY_MS = 100;

export const rounds = 2;
export const contenders = ONE_OF_EACH;

export async function run(contender, record) {
  const container = new Container(contender.prepare(SERVICES));
  try {
    await container.started(SERVICES);
    await delay(2_000);
    const kills = [];
    for (const name of names(SERVICES)) {
      const pid = await until(`${name} to run`, 10_000, () => container.service(name));
      kills.push({ name, atMs: nowMs() });
      process.kill(pid, 'SIGKILL');
      await delay(EVERY_MS);
    }
    const { starts } = await container.started(SERVICES + kills.length);
    for (const { name, atMs } of kills)
      record(
        'kill -9 to the next run',
        'ms',
        starts.find((start) => start.name === name && start.atMs > atMs).atMs - atMs,
      );
  } finally {
    await container.dispose();
  }
}
