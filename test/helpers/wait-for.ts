import { setTimeout as delay } from 'node:timers/promises';

/**
 * Looks again and again until there is an answer (anything but undefined or false). Fails with the
 * name of what was waited for.
 */
export async function waitFor<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  withinMs = 120_000,
): Promise<T> {
  const end = Date.now() + withinMs;
  for (;;) {
    const answer = await look();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > end) throw new Error(`waited ${withinMs} ms in vain for ${what}`);
    await delay(10);
  }
}
