import { mkdtempSync, rmSync } from 'node:fs';
import { afterAll, beforeEach, expect, jest, test } from '@jest/globals';
import { isRepeated, orderOf } from '../../../src/supervisor/orders.js';
import type { Cause } from '../../../src/types/service.js';
import { World } from '../../helpers/service-world.js';

const API: Cause = { kind: 'api' };

const root = mkdtempSync('/tmp/my_init-stand-still-');
afterAll(() => rmSync(root, { recursive: true }));
beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
  jest.clearAllTimers();
});

const newWorld = (): World => new World(root, { finish: true, broken: () => [] });

test('an order that comes while a service stands still is carried out by the next controller', async () => {
  const world = newWorld();
  const order = () => orderOf('start', 'one', world.status, world.status.run + 1);
  const start = (): boolean => {
    world.dispatch({ type: 'start', cause: API });
    return true;
  };
  world.service.record();
  world.service.standStill();
  world.service.accept(order(), start);
  // Facts that are not steps of the machine are put on record meanwhile.
  world.service.isIn('another');
  await world.replaceController(10);
  expect(isRepeated(world.service.order, 'start', 'one')).toBe(false);
  world.service.accept(order(), start);
  expect(world.status.state).toBe('starting');
  await world.replaceController(10);
  expect(isRepeated(world.service.order, 'start', 'one')).toBe(true);
});

test('a timer that ends while a service stands still is handled when it goes on, in its state at that time', async () => {
  const world = newWorld();
  world.dispatch({ type: 'start', cause: API });
  await world.pass(5_000);
  world.host.behaviour.stubborn = true;
  world.dispatch({ type: 'stop', why: 'asked', cause: API });
  world.host.behaviour.finishHangs = true;
  const { pid } = world.status;
  world.service.standStill();
  world.host.end(pid, { kind: 'exited', code: 0 });
  await world.pass(2_500);
  world.service.goOn();
  await world.pass(4_000);
  expect(world.host.living).toEqual([expect.objectContaining({ program: './finish' })]);
  expect(world.status).toMatchObject({ state: 'finishing', finishPid: world.host.living[0]?.pid });
});

test('init keeps the status of a process that ends while a service stands still, until the end is on record', async () => {
  const world = newWorld();
  world.dispatch({ type: 'start', cause: API });
  await world.pass(5_000);
  world.service.standStill();
  const acknowledged: string[] = [];
  const failed = { kind: 'exited', code: 3 } as const;
  void world.service.exited(failed).then(() => acknowledged.push('exited'));
  await world.pass(100);
  expect(acknowledged).toEqual([]);
  world.service.goOn();
  await world.pass(0);
  expect(acknowledged).toEqual(['exited']);
  expect(world.record?.machine).toMatchObject({ state: 'finishing', lastExit: { status: failed } });
});
