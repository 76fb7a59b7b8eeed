import { afterEach, beforeEach, expect, test } from '@jest/globals';
import {
  type Selector,
  ServicesClient,
  WatchUsageRequest,
  type WatchUsageResponse,
} from '../../../gen/my_init/v1/services.js';
import type { ProcessInfo } from '../../../src/types/system.js';
import { detailsOf, startApi, type TestApi, until } from '../../helpers/api-server.js';
import { fakeProcess } from '../../helpers/fake-services.js';

let api: TestApi;
beforeEach(async () => {
  api = await startApi();
});
afterEach(() => api.stop());

const ALL: Selector = { names: [], globs: [], all: false };
const QUICK = { seconds: 0n, nanos: 250e6 };

function watchUsage(selector = ALL, interval = QUICK) {
  const call = api.client(ServicesClient).watchUsage(WatchUsageRequest.fromPartial({ selector, interval }));
  const samples: WatchUsageResponse[] = [];
  const errors: Error[] = [];
  call.on('data', (sample: WatchUsageResponse) => samples.push(sample));
  call.on('error', (error) => errors.push(error));
  return { call, samples, errors };
}

/** A process of the service `web` that has used this much CPU time. */
const webProcess = (cpuSeconds: number): ProcessInfo =>
  fakeProcess(4_000_000, { service: 'web', residentBytes: 5_000_000, threads: 3, cpuSeconds });

test('the first sample comes at once, the next with the CPUs in use since then', async () => {
  const started = webProcess(1);
  api.system.processList = [started];
  const { samples } = watchUsage();
  await until(() => samples.length > 0);
  expect(samples[0]?.intervalSeconds).toBe(0.25);
  expect(samples[0]?.services.map(({ name }) => name)).toEqual(['cron', 'memcached', 'web']);
  const web = { name: 'web', cpuSeconds: 1, memoryBytes: 5_000_000n, processes: 1, threads: 3, openDescriptors: 0 };
  expect(samples[0]?.services[2]).toEqual({ ...web, cpus: undefined });
  expect(samples[0]?.services[0]).toMatchObject({ cpuSeconds: 0, memoryBytes: 0n, processes: 0, openDescriptors: 0 });
  api.system.processList = [{ ...started, cpuSeconds: 2 }];
  await until(() => samples.some(({ services }) => services[2]?.cpuSeconds === 2));
  const busy = samples.find(({ services }) => services[2]?.cpuSeconds === 2)?.services[2]?.cpus ?? 0;
  // One second of CPU time in a quarter of a second, or a little more on a busy machine.
  expect(busy).toBeGreaterThan(0);
  expect(busy).toBeLessThanOrEqual(8);
});

test('a client gets samples of the selected services, also of later ones', async () => {
  api.system.processList = [webProcess(1)];
  const { samples } = watchUsage({ ...ALL, globs: ['w*'] });
  await until(() => samples.length > 0);
  expect(samples[0]?.services.map(({ name }) => name)).toEqual(['web']);
  api.services.set('worker');
  await until(() => samples.at(-1)?.services.length === 2);
});

test('processes are looked at only while somebody watches, once for all watchers', async () => {
  let looks = 0;
  api.system.processes = () => {
    looks += 1;
    return [webProcess(1)];
  };
  expect(looks).toBe(0);
  const clients = [watchUsage(), watchUsage(), watchUsage()];
  await until(() => clients.every(({ samples }) => samples.length >= 4));
  expect(looks).toBeLessThanOrEqual(2 * Math.max(...clients.map(({ samples }) => samples.length)));
  for (const { call } of clients) call.cancel();
  await until(() => clients.every(({ errors }) => errors.length === 1));
  // The server may look until it hears of the cancel. After that no look comes in two intervals.
  let before: number;
  do {
    before = looks;
    await new Promise((resolve) => setTimeout(resolve, 600));
  } while (looks > before);
});

test('where /proc cannot be read, samples are empty', async () => {
  const { samples } = watchUsage();
  await until(() => samples.length > 1);
  expect(samples[0]?.services).toEqual([]);
});

test.each([
  ['an unknown service', { ...ALL, names: ['wbe'] }, QUICK, 'SERVICE_NOT_FOUND'],
  ['an interval that is too short', ALL, { seconds: 0n, nanos: 1e6 }, 'INVALID_ARGUMENT'],
  ['an interval that is too long', ALL, { seconds: 61n, nanos: 0 }, 'INVALID_ARGUMENT'],
])('%s is refused', async (_, selector, interval, reason) => {
  const { errors } = watchUsage(selector, interval);
  await until(() => errors.length === 1);
  expect(detailsOf(errors[0]).reason).toBe(reason);
});
