import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { TestContainer } from '../../helpers/container.js';
import { waitFor } from '../../helpers/wait-for.js';

const COUNT = 300;

let container: TestContainer;
afterEach(() => container.dispose());

const states = async () => {
  return ((await container.statuses()) ?? []).map(({ state }) => state);
};
const allAre = async (state: string) => {
  const found = await states();
  return found.length === COUNT && found.every((each) => each === state);
};
const descriptors = () => readdirSync(`/proc/${container.controllerPid}/fd`).length;

test('three hundred services all start, all stop and all start again, and no descriptor stays open', async () => {
  const services = Object.fromEntries(
    Array.from({ length: COUNT }, (_, index) => [`s${index}`, { run: '#!/bin/sh\nexec sleep 1000\n' }]),
  );
  const begunAt = Date.now();
  container = await TestContainer.boot({ services });
  await waitFor('all to be up', () => allAre('SERVICE_STATE_UP'));
  const upAt = Date.now();
  // The FIFOs of sv are opened when the services run.
  const isReached = (name: string) => existsSync(join(container.services, name, 'supervise/ok'));
  await waitFor('sv to reach all', () => Object.keys(services).every(isReached));
  const before = descriptors();

  expect((await container.svctl('stop', '--all')).code).toBe(0);
  const stoppedAt = Date.now();
  expect(await allAre('SERVICE_STATE_DOWN')).toBe(true);

  expect((await container.svctl('start', '--all')).code).toBe(0);
  expect(await allAre('SERVICE_STATE_UP')).toBe(true);
  expect(descriptors()).toBeLessThanOrEqual(before + 2);
  process.stdout.write(
    `${COUNT} services: up ${upAt - begunAt} ms after the start of the container, stopped in ${stoppedAt - upAt} ms, started again in ${Date.now() - stoppedAt} ms\n`,
  );
});
