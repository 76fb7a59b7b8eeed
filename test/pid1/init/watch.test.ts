import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { monotonicMs } from '../../../src/process/clock.js';
import { compile } from '../../helpers/compile.js';
import { boot, type Controller, closeBoxes } from '../../helpers/init-harness.js';
import { waitFor } from '../../helpers/wait-for.js';

afterEach(closeBoxes);

/** The line without the peak memory and the time of the end. */
const statusOf = (line: string): string => line.replace(/^(exited \d+ \d+) \d+ \d+$/, '$1');

const exits = (controller: Controller) =>
  controller.lines
    .filter((line) => line.startsWith('exited '))
    .map(statusOf)
    .sort();

/** Starts a brood and has every process of it watched. Returns the lines that init has to send. */
async function watchedBrood(controller: Controller): Promise<readonly string[]> {
  const brood = (await controller.call<string>('output', compile('init/brood.c'))).trim().split(' ');
  const entries = brood.map((entry) => entry.split(':'));
  await controller.send(...entries.map(([pid]) => `watch ${pid}`));
  return entries.map(([pid, status]) => `exited ${pid} ${status}`).sort();
}

describe('init keeps exit statuses', () => {
  test('of every exit code and every signal of processes that end while the controller is killed', async () => {
    const box = boot();
    const controller = await box.ready();
    const expected = await watchedBrood(controller);
    controller.order('die', 'SIGKILL');
    const next = await box.ready(2);
    await waitFor('all exits', () => exits(next).length >= expected.length);
    expect(exits(next)).toEqual(expected);
    expect(next.lines.filter((line) => line.startsWith('lost'))).toEqual([]);
  });

  test('that are unacknowledged for every next controller, the others for none', async () => {
    const box = boot();
    const controller = await box.ready();
    const expected = await watchedBrood(controller);
    controller.order('die', 'SIGKILL');
    const second = await box.ready(2);
    await waitFor('all exits', () => exits(second).length >= expected.length);
    const [taken, ...rest] = exits(second);
    await second.send(`took ${taken?.split(' ')[1]}`);
    await second.settle();
    second.order('die', 'SIGKILL');
    const third = await box.ready(3);
    await waitFor('all exits but one', () => exits(third).length >= rest.length);
    await third.settle();
    expect(exits(third)).toEqual(rest);
  });

  test('a living process is handed over as watched, and its end is reported later', async () => {
    const box = boot();
    const controller = await box.ready();
    const pid = await controller.call<number>(
      'spawn',
      'sh',
      '-c',
      'trap "exit 77" USR1; while :; do sleep 1 & wait; done',
    );
    await controller.send(`watch ${pid}`);
    controller.order('die', 'SIGKILL');
    const next = await box.ready(2);
    expect(next.lines).toContain(`watching ${pid}`);
    await next.send(`kill 5 ${pid} 10`);
    expect(await next.hear('killed 5')).toBe('killed 5 0');
    expect(statusOf(await next.hear('exited'))).toBe(`exited ${pid} ${77 << 8}`);
  });

  test('the time is that of the end, not of the next controller', async () => {
    const box = boot();
    const controller = await box.ready();
    const pid = await controller.call<number>('spawn', 'sh', '-c', 'read x; exit 3');
    await controller.send(`watch ${pid}`);
    const beforeMs = Math.floor(monotonicMs());
    controller.order('die', 'SIGKILL');
    const second = await box.ready(2);
    const first = await second.hear(`exited ${pid}`);
    const [, , status, peak, endedMs] = first.split(' ').map(Number);
    expect({ status, peak }).toEqual({ status: 3 << 8, peak: 0 });
    expect(endedMs).toBeGreaterThanOrEqual(beforeMs);
    expect(endedMs).toBeLessThanOrEqual(monotonicMs());
    await delay(20);
    second.order('die', 'SIGKILL');
    const third = await box.ready(3);
    expect(await third.hear(`exited ${pid}`)).toBe(first);
  });

  test('a status that the dead controller had waited for and not reported is lost', async () => {
    const box = boot();
    const controller = await box.ready();
    const pid = await controller.call<number>('spawn', 'sh', '-c', 'read x; exit 3');
    await controller.send(`watch ${pid}`);
    await controller.settle();
    controller.order('endInputs');
    await waitFor('its end', async () => !(await controller.call<boolean>('lives', pid)));
    controller.order('die', 'SIGKILL');
    const next = await box.controller(2);
    expect(await next.hear('lost')).toBe(`lost ${pid}`);
    expect(next.lines).not.toContain(`watching ${pid}`);
  });

  test('an end that a controller reports before init can see it is reported to the next controller once', async () => {
    const box = boot();
    const controller = await box.ready();
    const pid = await controller.call<number>('spawn', 'sh', '-c', 'read x; exit 3');
    await controller.send(`watch ${pid}`, `exited ${pid} ${7 << 8}`);
    controller.order('die', 'SIGKILL');
    const next = await box.ready(2);
    for (let id = 500; !next.lines.includes(`killed ${id} 3`); ) {
      id++;
      await next.send(`kill ${id} ${pid} 0`);
      await next.hear(`killed ${id} `);
    }
    await next.settle();
    expect(exits(next)).toEqual([`exited ${pid} ${7 << 8}`]);
  });

  test('a process that is not watched any more is an orphan', async () => {
    const box = boot();
    const controller = await box.ready();
    const pid = await controller.call<number>('spawn', 'sh', '-c', 'read x; exit 3');
    await controller.send(`watch ${pid}`, `took ${pid}`);
    controller.order('die', 'SIGKILL');
    const next = await box.ready(2);
    const told = Number((await next.hear('reaped')).split(' ')[1]);
    if (told === 0) expect(await next.hear('orphan')).toMatch(/^orphan 1 0$/);
    await next.settle();
    expect(exits(next)).toEqual([]);
  });

  test('a leader of a process group may end before it is watched: the kernel passes on the children of a dying controller before its end can be seen', async () => {
    const controller = await boot().ready();
    const started = await controller.call<string>('output', 'sh', '-c', '(setsid sh -c "echo \\$\\$; exit 7" &)');
    const pid = started.trim();
    await controller.hear('orphan');
    await controller.send(`watch ${pid}`);
    expect(statusOf(await controller.hear(`exited ${pid}`))).toBe(`exited ${pid} ${7 << 8}`);
  });

  test('a pid without a process is lost at once', async () => {
    const controller = await boot().ready();
    await controller.send('watch 4000000');
    expect(await controller.hear('lost')).toBe('lost 4000000');
    await controller.send('took 4000000');
    await controller.settle();
    expect(controller.lines.filter((line) => line.startsWith('error'))).toEqual([]);
  });

  test('at most 4096 pids are watched, and the table is usable again when they are not', async () => {
    const controller = await boot().ready();
    const pids = Array.from({ length: 4097 }, (_, i) => 100_000 + i);
    await controller.send(...pids.map((pid) => `watch ${pid}`));
    expect(await controller.hear('unwatched')).toBe('unwatched 104096');
    await controller.send(...pids.map((pid) => `took ${pid}`), 'watch 99999');
    await controller.hear('lost 99999');
  });

  test('init sends signals to its children, to groups they lead, and to nobody else', async () => {
    const box = boot();
    const controller = await box.ready();
    const leader = await controller.call<number>('spawn', 'setsid', '-w', 'sh', '-c', 'sleep 60 & echo x; sleep 60');
    const stranger = await controller.call<number>('spawn', 'sleep', '60');
    await controller.send(
      `kill 1 ${stranger} 9`,
      'kill 2 1 9',
      'kill 3 -1 9',
      'kill 4 0 9',
      `kill 5 ${controller.pid} 0`,
    );
    await controller.hear('killed 5 0');
    expect(controller.lines.filter((line) => /^killed \d /.test(line))).toEqual(
      [3, 3, 3, 3, 0].map((errno, i) => `killed ${i + 1} ${errno}`),
    );
    await controller.send(`watch ${leader}`, `watch ${stranger}`);
    controller.order('die', 'SIGKILL');
    const next = await box.ready(2);
    await next.send(`kill 6 -${stranger} 9`); // leads no group
    expect(await next.hear('killed 6')).toBe('killed 6 3');
    await next.send(`kill 7 ${stranger} 9`);
    expect(await next.hear(`exited ${stranger}`)).toMatch(new RegExp(`^exited ${stranger} 9 [1-9]\\d* \\d+$`));
  });
});
