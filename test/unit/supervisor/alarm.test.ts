import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import { monotonicMs } from '../../../src/process/clock.js';
import { Alarm } from '../../../src/supervisor/alarm.js';
import { stateOf } from '../../helpers/processes.js';

test('never rings before its moment, wherever in a millisecond that is', async () => {
  const early: number[] = [];
  const moments = Array.from({ length: 2_000 }, (_, index) => monotonicMs() + 5 + index * 0.0501);
  await Promise.all(
    moments.map(
      (atMs) =>
        new Promise<void>((rung) => {
          const alarm = new Alarm(() => {
            const ms = atMs - monotonicMs();
            if (ms > 0) early.push(ms);
            rung();
          });
          alarm.set(atMs);
        }),
    ),
  );
  expect(early).toEqual([]);
});

test('rings once, at the moment that was set last, or never', async () => {
  const beganMs = monotonicMs();
  let rung = 0;
  await new Promise<void>((done) => {
    const alarm = new Alarm(() => {
      rung += 1;
      done();
    });
    alarm.set(beganMs + 1);
    alarm.set(beganMs + 30);
    new Alarm(() => done()).set(undefined);
  });
  expect(rung).toBe(1);
  expect(monotonicMs() - beganMs).toBeGreaterThanOrEqual(30);
});

test('that is late lets the end of a process in that came before its moment', async () => {
  const order: string[] = [];
  const child = spawn('true');
  await once(child, 'spawn');
  const ended = once(child, 'exit').then(() => order.push('end of the process'));
  const rung = new Promise<void>((resolve) =>
    new Alarm(() => {
      order.push('alarm');
      resolve();
    }).set(monotonicMs() + 200),
  );
  // The process ends at once, and nobody reads that before the alarm is late.
  for (const untilMs = monotonicMs() + 400; monotonicMs() < untilMs || stateOf(child.pid ?? 0) !== 'Z'; );
  await Promise.all([ended, rung]);
  expect(order).toEqual(['end of the process', 'alarm']);
});
