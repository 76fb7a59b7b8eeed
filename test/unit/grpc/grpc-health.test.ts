import { status as codes, type ServiceError } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  type HealthCheckResponse,
  HealthClient,
  HealthService,
  HealthCheckResponse_ServingStatus as Serving,
} from '../../../gen/grpc/health/v1/health.js';
import { failure, startApi, type TestApi, until } from '../../helpers/api-server.js';

let api: TestApi;
beforeEach(async () => {
  api = await startApi();
});
afterEach(() => api.stop());

const check = async (service: string) => (await api.ask(HealthService.check, { service })).status;

function watch(service: string) {
  const call = api.client(HealthClient).watch({ service });
  const seen: Serving[] = [];
  let failed: ServiceError | undefined;
  call.on('data', ({ status }: HealthCheckResponse) => seen.push(status));
  call.on('error', (error: ServiceError) => {
    failed = error;
  });
  return { call, seen, error: () => failed };
}

describe('Check', () => {
  test.each(['', 'liveness', 'readiness', 'startup', 'service/web'])(
    'of "%s" is SERVING when all is well',
    async (name) => {
      expect(await check(name)).toBe(Serving.SERVING);
    },
  );

  test('of a service that is not ready is NOT_SERVING, and so is readiness', async () => {
    api.services.set('web', { ready: false, state: 'starting' });
    expect(await check('service/web')).toBe(Serving.NOT_SERVING);
    expect(await check('readiness')).toBe(Serving.NOT_SERVING);
    expect(await check('service/cron')).toBe(Serving.SERVING);
    expect(await check('liveness')).toBe(Serving.SERVING);
  });

  test('of startup is NOT_SERVING before it is over', async () => {
    api.system.set({ started: false });
    expect(await check('startup')).toBe(Serving.NOT_SERVING);
  });

  test.each(['nothing', 'service/nothing', 'service/', 'web'])('of the unknown name %s is NOT_FOUND', async (name) => {
    const error = await failure(check(name));
    expect(error.code).toBe(codes.NOT_FOUND);
    expect(error.details).toContain('readiness');
  });
});

test('List returns every name, also of more than 100', async () => {
  for (let i = 0; i < 150; i++) api.services.set(`extra-${i}`);
  const { statuses } = await api.ask(HealthService.list, {});
  expect(Object.keys(statuses)).toHaveLength(4 + 3 + 150);
  expect(statuses['service/web']).toEqual({ status: Serving.SERVING });
  expect(statuses['service/extra-7']).toEqual({ status: Serving.NOT_SERVING });
});

describe('Watch', () => {
  test('gets the status at once, and each change of it once', async () => {
    const { seen } = watch('readiness');
    await until(() => seen.length === 1);
    api.services.set('web', { ready: false });
    await until(() => seen.length === 2);
    api.services.set('web', { state: 'stopping' });
    api.services.set('cron', { ready: false });
    api.services.set('cron', { ready: true });
    api.services.set('web', { state: 'up', ready: true });
    await until(() => seen.length === 3);
    expect(seen).toEqual([Serving.SERVING, Serving.NOT_SERVING, Serving.SERVING]);
  });

  test('of an unknown name stays open, and learns when the service comes and goes', async () => {
    const { seen } = watch('service/later');
    await until(() => seen.length === 1);
    api.services.set('later');
    await until(() => seen.length === 2);
    api.services.set('later', { ready: true });
    await until(() => seen.length === 3);
    api.services.remove('later');
    await until(() => seen.length === 4);
    expect(seen).toEqual([Serving.SERVICE_UNKNOWN, Serving.NOT_SERVING, Serving.SERVING, Serving.SERVICE_UNKNOWN]);
  });

  test('gets the shutdown first, and the end last', async () => {
    const watching = watch('readiness');
    await until(() => watching.seen.length === 1);
    api.system.set({ phase: 'shutting_down' });
    await until(() => watching.seen.length === 2);
    await api.api.close(120_000);
    await until(() => watching.error() !== undefined);
    expect(watching.seen).toEqual([Serving.SERVING, Serving.NOT_SERVING]);
    expect(watching.error()?.code).toBe(codes.UNAVAILABLE);
  });

  test('leaves nothing behind when the client goes', async () => {
    const { call, seen } = watch('readiness');
    await until(() => seen.length === 1);
    call.cancel();
    await until(() => api.services.subscribers === 0);
  });

  test('is refused to the 101st client', async () => {
    const connections = [api.client(HealthClient), api.client(HealthClient)];
    const errors: number[] = [];
    let served = 0;
    for (let i = 0; i < 101; i++) {
      const call = connections[i % 2]?.watch({ service: '' });
      call?.on('error', (error: ServiceError) => errors.push(error.code)).on('data', () => served++);
    }
    await until(() => served === 100 && errors.length === 1);
    expect(errors).toEqual([codes.RESOURCE_EXHAUSTED]);
  });
});
