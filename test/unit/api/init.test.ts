import { status as codes, type ServiceError } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  InitClient,
  InitService,
  Phase,
  ProcessRole,
  type ShutdownProgress,
  ShutdownRequest,
} from '../../../gen/my_init/v1/init.js';
import { ServicesService } from '../../../gen/my_init/v1/services.js';
import { RpcStats } from '../../../src/grpc/rpc-stats.js';
import type { ServiceName } from '../../../src/types/service.js';
import { detailsOf, failure, startApi, type TestApi, until } from '../../helpers/api-server.js';

let api: TestApi;
beforeEach(async () => {
  api = await startApi();
});
afterEach(() => api.stop());

function shutdown(request: Parameters<typeof ShutdownRequest.fromPartial>[0]) {
  const call = api.client(InitClient).shutdown(ShutdownRequest.fromPartial(request));
  const seen: ShutdownProgress[] = [];
  let [failed, ended]: [ServiceError | undefined, boolean] = [undefined, false];
  call.on('data', (progress: ShutdownProgress) => seen.push(progress));
  call.on('end', () => {
    ended = true;
  });
  call.on('error', (error: ServiceError) => {
    failed = error;
  });
  return { call, seen, error: () => failed, ended: () => ended };
}

test('GetInfo describes my_init', async () => {
  api.system.zombies = new Map([
    ['', 2],
    ['web', 5],
  ]);
  api.system.restarts = { ...api.system.restarts, exit: 1, signal: 2 };
  const info = await api.ask(InitService.getInfo, {});
  expect(info).toMatchObject({
    version: '0.0.0-fake',
    nodeVersion: process.version,
    bootId: 'fake-boot',
    pid: 1,
    pid1: true,
    controllerPid: process.pid,
    controllerRestarts: 3,
    phase: Phase.PHASE_RUNNING,
    serviceDirectory: '/etc/service',
    socket: api.path,
    httpAddress: '127.0.0.1:9180',
    shutdownTimeoutSeconds: 9,
    zombiesReapedTotal: 7n,
    mayChange: true,
  });
  expect(Math.abs(Date.now() - Number(info.bootedAt))).toBeLessThan(10_000);
});

test('ListProcesses lists the processes', async () => {
  api.system.processList = [
    {
      pid: 7,
      parentPid: 1,
      session: 7,
      state: 'S',
      service: 'web',
      role: 'service_child',
      name: 'worker',
      startedAtMs: api.system.info.bootedAtMs,
      residentBytes: 4096,
      cpuSeconds: 1.5,
      threads: 1,
    },
  ];
  const { processes } = await api.ask(InitService.listProcesses, {});
  expect(processes).toMatchObject([
    { pid: 7, parentPid: 1, role: ProcessRole.PROCESS_ROLE_SERVICE_CHILD, service: 'web', residentBytes: 4096n },
  ]);
});

test('Rescan reports what it found', async () => {
  const found = { added: ['a'], removed: ['b'], skipped: [{ name: '..data', reason: 'not a name of a service' }] };
  api.system.rescanResult = found;
  expect(await api.ask(InitService.rescan, { requestId: '' })).toEqual(found);
});

describe('Shutdown', () => {
  test('gives the order, reports the progress, and ends well with my_init', async () => {
    const call = shutdown({ reason: 'upgrade', exitCode: 3, timeout: { seconds: 5n, nanos: 0 } });
    await until(() => api.system.orders.length === 1);
    expect(api.system.orders[0]).toMatchObject({ reason: 'upgrade', exitCode: 3, timeoutMs: 5000 });
    expect(api.system.orders[0]?.actor).toMatch(/^uid \d+.*, pid \d+$/);
    api.system.progress({ stage: 'services', remaining: ['web'], elapsedMs: 100, remainingMs: 4900 });
    await until(() => call.seen.length === 1);
    const told = { stage: 'services', remaining: ['web'], elapsedSeconds: 0.1, remainingSeconds: 4.9 };
    expect(call.seen).toEqual([{ ...told, clientService: '' }]);
    await api.api.close(120_000);
    await until(() => call.ended());
    expect(call.error()).toBeUndefined();
  });

  test('ends the call of a client that belongs to a service', async () => {
    api.services.owner = 'web' as ServiceName;
    const call = shutdown({});
    await until(() => api.system.orders.length === 1);
    api.system.progress({ stage: 'services', remaining: ['web'], elapsedMs: 1, remainingMs: 1 });
    await until(() => call.ended());
    expect(call.seen).toMatchObject([{ clientService: 'web' }]);
    expect(call.error()).toBeUndefined();
  });

  test('goes on after the client has left', async () => {
    const { call } = shutdown({});
    await until(() => api.system.orders.length === 1);
    call.cancel();
    await api.ask(ServicesService.list, { selector: undefined });
    api.system.progress({ stage: 'services', remaining: [], elapsedMs: 1, remainingMs: 1 });
    expect(api.system.phase()).toBe('shutting_down');
  });

  test.each([
    ['exit_code', { exitCode: 256 }],
    ['timeout', { timeout: { seconds: -1n, nanos: 0 } }],
    ['reason', { reason: 'x'.repeat(501) }],
  ])('with an invalid %s is refused', async (field, request) => {
    const call = shutdown(request);
    await until(() => call.error() !== undefined);
    expect(call.error()?.code).toBe(codes.INVALID_ARGUMENT);
    expect(detailsOf(call.error()).metadata).toEqual({ field });
    expect(api.system.orders).toEqual([]);
  });
});

test('an unknown method is UNIMPLEMENTED', async () => {
  const missing = { ...InitService.getInfo, path: '/my_init.v1.Init/Explode' };
  expect((await failure(api.ask(missing, {}))).code).toBe(codes.UNIMPLEMENTED);
});

test('the calls are counted for the metrics, from 0', async () => {
  const rpc = new RpcStats();
  await api.stop();
  api = await startApi({ rpc });
  await failure(api.ask(ServicesService.get, { name: 'nothing' }));
  const counted = [...rpc.methods()].map(({ service, method, started }) => [service, method, started]);
  expect(counted).toContainEqual(['my_init.v1.Services', 'Get', 1]);
  expect(counted).toContainEqual(['my_init.v1.Init', 'Shutdown', 0]);
  expect(counted).toContainEqual(['grpc.health.v1.Health', 'Check', 0]);
});
