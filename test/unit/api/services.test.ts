import { status as codes } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { CauseKind, DesiredState, ServiceState } from '../../../gen/my_init/v1/service.js';
import {
  RestartRequest,
  ServicesClient,
  ServicesService,
  SignalRequest,
  StartRequest,
  StopRequest,
  WaitLevel,
} from '../../../gen/my_init/v1/services.js';
import { REASONS, type Reason } from '../../../gen/reasons.js';
import { OperationError } from '../../../src/supervisor/operation-error.js';
import type { OperationReason } from '../../../src/types/operations.js';
import { detailsOf, failure, startApi, type TestApi, until } from '../../helpers/api-server.js';
import { waitFor } from '../../helpers/wait-for.js';

const selecting = (...names: string[]) => ({ names, globs: [], all: false });

let api: TestApi;
beforeEach(async () => {
  api = await startApi();
});
afterEach(() => api.stop());

describe('reading', () => {
  test('List returns all services with the revision and the boot', async () => {
    const answer = await api.ask(ServicesService.list, { selector: undefined });
    expect(answer.services.map(({ name }) => name)).toEqual(['cron', 'memcached', 'web']);
    expect(answer.revision).toBe(3n);
    expect(answer.bootId).toBe('fake-boot');
  });

  test('List returns the selected services', async () => {
    const selector = { names: ['cron'], globs: ['m*'], all: false };
    const answer = await api.ask(ServicesService.list, { selector });
    expect(answer.services.map(({ name }) => name)).toEqual(['cron', 'memcached']);
  });

  test('Get returns everything about a service', async () => {
    api.services.set('web', {
      state: 'backoff',
      pid: 0,
      run: 4,
      runId: 'web-4',
      ready: false,
      consecutiveFailures: 3,
      trouble: 'it exits at once with 1',
      cause: { kind: 'exit', message: 'exited with 1' },
      counters: {
        starts: 4,
        startFailures: 0,
        restarts: { exit: 2, signal: 1, start_failure: 0, api: 0, sv: 0, scan: 0, check: 0, dependency: 0, memory: 0 },
        exits: { success: 0, failure: 3, signal: 0, core: 0, oom: 0, lost: 0 },
        kills: 0,
      },
      lastExit: {
        run: 4,
        status: { kind: 'signaled', signal: 9, coreDumped: false },
        atMs: api.system.info.bootedAtMs,
        durationMs: 1500,
        expected: false,
      },
    });
    const { service } = await api.ask(ServicesService.get, { name: 'web' });
    expect(service).toMatchObject({
      name: 'web',
      directory: '/etc/service/web',
      state: ServiceState.SERVICE_STATE_BACKOFF,
      desired: DesiredState.DESIRED_STATE_UP,
      pid: 0,
      runId: 'web-4',
      startsTotal: 4,
      restartsTotal: 3,
      consecutiveFailures: 3,
      trouble: 'it exits at once with 1',
      cause: { kind: CauseKind.CAUSE_KIND_EXIT, actor: '', message: 'exited with 1' },
      lastExit: { run: 4, code: 137, signal: 'KILL', runSeconds: 1.5, lost: false },
    });
    expect(Math.abs(Date.now() - Number(service?.stateSince))).toBeLessThan(10_000);
  });

  test('an exit that nobody saw is marked as such', async () => {
    const at = api.system.info.bootedAtMs;
    api.services.set('web', {
      lastExit: { run: 1, status: { kind: 'lost' }, atMs: at, durationMs: 1, expected: false },
    });
    const { service } = await api.ask(ServicesService.get, { name: 'web' });
    expect(service?.lastExit).toMatchObject({ lost: true, code: 0, signal: '' });
  });

  test('Get of an unknown service names the nearest', async () => {
    const error = await failure(api.ask(ServicesService.get, { name: 'memcache' }));
    expect(error.code).toBe(codes.NOT_FOUND);
    const details = detailsOf(error);
    expect(details).toMatchObject({ domain: 'my_init', reason: 'SERVICE_NOT_FOUND' });
    expect(details.metadata).toEqual({ service: 'memcache', suggestion: 'memcached' });
    expect(details.kinds).toEqual(['ErrorInfo', 'ResourceInfo']);
  });

  test('a pattern that matches nothing is an error', async () => {
    const error = await failure(api.ask(ServicesService.list, { selector: { names: [], globs: ['x*'], all: false } }));
    expect(error.code).toBe(codes.NOT_FOUND);
    expect(detailsOf(error).reason).toBe('NO_MATCH');
  });

  test('Get without a name is a bad request that names the field', async () => {
    const error = await failure(api.ask(ServicesService.get, { name: '' }));
    expect(error.code).toBe(codes.INVALID_ARGUMENT);
    expect(detailsOf(error)).toMatchObject({ reason: 'INVALID_ARGUMENT', kinds: ['ErrorInfo', 'BadRequest'] });
    expect(detailsOf(error).metadata).toEqual({ field: 'name' });
  });
});

describe('changing', () => {
  test('Stop answers per service and says whether it did anything', async () => {
    const first = await api.ask(ServicesService.stop, StopRequest.fromPartial({ selector: selecting('web', 'cron') }));
    expect(first.outcomes.map(({ name, changed }) => [name, changed])).toEqual([
      ['cron', true],
      ['web', true],
    ]);
    expect(first.outcomes[0]).toMatchObject({ error: undefined, service: { state: ServiceState.SERVICE_STATE_DOWN } });
    expect(first.outcomes[0]?.oldPid).toBeGreaterThan(0);
    const second = await api.ask(ServicesService.stop, StopRequest.fromPartial({ selector: selecting('web') }));
    expect(second.outcomes[0]?.changed).toBe(false);
  });

  test('the supervisor learns who asked', async () => {
    await api.ask(ServicesService.restart, RestartRequest.fromPartial({ selector: selecting('web') }));
    const actor = `uid ${process.getuid?.()}${process.getuid?.() === 0 ? ' (root)' : ''}, pid ${process.pid}`;
    expect(api.services.calls[0]?.options.cause).toEqual({ kind: 'api', actor });
  });

  test('the supervisor gets everything that a request says', async () => {
    await api.ask(ServicesService.start, StartRequest.fromPartial({ selector: { globs: ['w?b'] }, once: true }));
    await api.ask(ServicesService.stop, {
      selector: { names: [], globs: [], all: true },
      wait: WaitLevel.WAIT_LEVEL_NONE,
      waitTimeout: { seconds: 3n, nanos: 500_000_000 },
      stopTimeout: { seconds: 2n, nanos: 0 },
      withDependents: true,
      requestId: 'a-stop',
    });
    await api.ask(ServicesService.reload, { selector: selecting('web'), requestId: '' });
    await api.ask(ServicesService.signal, {
      selector: selecting('web'),
      signal: 'SIGHUP',
      requestId: 'a-signal',
      group: true,
      expectedRunId: 'web-2',
    });
    const [start, stop, reload, signal] = api.services.calls;
    expect(start).toMatchObject({
      method: 'start',
      selector: { globs: ['w?b'] },
      options: { wait: 'ready', once: true },
    });
    expect(stop).toMatchObject({
      method: 'stop',
      selector: { all: true },
      options: { wait: 'none', waitTimeoutMs: 3500, stopTimeoutMs: 2000, withDependents: true },
    });
    expect(reload).toMatchObject({ method: 'reload', selector: { names: ['web'] } });
    expect(signal).toMatchObject({
      method: 'signal',
      signal: 'SIGHUP',
      options: { group: true, expectedRunId: 'web-2' },
    });
  });

  test('an empty selector changes nothing', async () => {
    const error = await failure(api.ask(ServicesService.stop, StopRequest.fromPartial({})));
    expect(error.code).toBe(codes.INVALID_ARGUMENT);
    expect(detailsOf(error)).toMatchObject({ reason: 'EMPTY_SELECTOR', kinds: ['ErrorInfo', 'BadRequest'] });
  });

  test.each([
    ['a wait that is not one of the operation', { wait: WaitLevel.WAIT_LEVEL_STOPPED }, 'wait'],
    ['a wait that nobody knows', { wait: 77 as WaitLevel }, 'wait'],
    ['a negative time', { waitTimeout: { seconds: -1n, nanos: 0 } }, 'wait_timeout'],
    ['a time over a day', { waitTimeout: { seconds: 1n << 60n, nanos: 0 } }, 'wait_timeout'],
  ])('%s is a bad request', async (_, wrong, field) => {
    const request = StartRequest.fromPartial({ selector: selecting('web'), ...wrong });
    const error = await failure(api.ask(ServicesService.start, request));
    expect(error.code).toBe(codes.INVALID_ARGUMENT);
    expect(detailsOf(error).metadata).toEqual({ field });
    expect(api.services.calls).toEqual([]);
  });

  test('a signal without a name is a bad request', async () => {
    const error = await failure(
      api.ask(ServicesService.signal, SignalRequest.fromPartial({ selector: selecting('web') })),
    );
    expect(detailsOf(error).metadata).toEqual({ field: 'signal' });
  });

  test('the error of one service is in its outcome, with the same details as that of a call', async () => {
    api.services.answer = async () => [
      {
        name: 'web',
        changed: true,
        error: new OperationError('EXITED_EARLY', 'web exited with 1', { service: 'web', code: '1' }),
        oldPid: 7,
        status: api.services.get('web'),
        durationMs: 250,
      },
    ];
    const { outcomes } = await api.ask(ServicesService.start, StartRequest.fromPartial({ selector: selecting('web') }));
    expect(outcomes[0]).toMatchObject({ name: 'web', oldPid: 7, seconds: 0.25 });
    expect(outcomes[0]?.error).toMatchObject({ code: codes.ABORTED, message: 'web exited with 1' });
    expect(outcomes[0]?.error?.details.map(({ typeUrl }) => typeUrl)).toEqual([
      'type.googleapis.com/google.rpc.ErrorInfo',
    ]);
  });

  test.each(
    (Object.keys(REASONS) as Reason[]).filter((reason): reason is OperationReason => REASONS[reason].number < 15),
  )('the reason %s reaches the client with its code', async (reason) => {
    api.services.answer = async () => {
      throw new OperationError(reason, 'it went wrong', { service: 'web' });
    };
    const error = await failure(
      api.ask(ServicesService.start, StartRequest.fromPartial({ selector: selecting('web') })),
    );
    expect(error.code).toBe(REASONS[reason].code);
    expect(error.details).toBe('it went wrong');
    expect(detailsOf(error)).toMatchObject({ domain: 'my_init', reason, metadata: { service: 'web' } });
    expect(detailsOf(error).status).toMatchObject({ code: error.code, message: 'it went wrong' });
    expect(detailsOf(error).kinds.includes('RetryInfo')).toBe(reason === 'SHUTTING_DOWN');
  });

  test('an unforeseen error is logged, kept from the client, and does no harm', async () => {
    api.services.answer = async () => {
      throw new TypeError('secret of the house');
    };
    const error = await failure(
      api.ask(ServicesService.start, StartRequest.fromPartial({ selector: selecting('web') })),
    );
    expect(error.code).toBe(codes.INTERNAL);
    expect(error.details).not.toContain('secret');
    expect(api.logged.join()).toMatch(/Services\/Start failed: TypeError: secret of the house\n +at /);
    expect((await api.ask(ServicesService.list, { selector: undefined })).services).toHaveLength(3);
  });

  test('an error that is long, or not quite Unicode, still has its details', async () => {
    api.services.answer = async () => {
      throw new OperationError('START_FAILED', `\ud800 ${'ä'.repeat(5000)}`, {
        service: 'web',
        path: '/x'.repeat(5000),
      });
    };
    const error = await failure(
      api.ask(ServicesService.start, StartRequest.fromPartial({ selector: selecting('web') })),
    );
    expect(error.code).toBe(codes.FAILED_PRECONDITION);
    expect(detailsOf(error).reason).toBe('START_FAILED');
    expect(error.details.length).toBeLessThanOrEqual(500);
  });
});

describe('waiting', () => {
  /** Makes a start wait until the call is aborted. */
  function waitForever(): Promise<void> {
    return new Promise((gaveUp) => {
      api.services.answer = (call) =>
        new Promise((resolve) => {
          call.options.abort?.addEventListener('abort', () => {
            gaveUp();
            const error = new OperationError('WAIT_TIMEOUT', 'web is not ready yet', { service: 'web' });
            const status = api.services.get('web');
            resolve([{ name: 'web', changed: true, error, oldPid: 0, status, durationMs: 0 }]);
          });
        });
    });
  }

  test("the client's deadline ends the wait in time for an answer", async () => {
    void waitForever();
    const request = StartRequest.fromPartial({ selector: selecting('web') });
    // On a busy machine both may be held up at that moment: then the client gets no answer.
    const { outcomes } = await waitFor('an answer', () =>
      api.ask(ServicesService.start, request, { deadline: Date.now() + 1_000 }).catch(() => undefined),
    );
    expect(outcomes[0]?.error).toMatchObject({ code: codes.DEADLINE_EXCEEDED });
  });

  test('a client that cancels ends the wait and nothing else', async () => {
    const gaveUp = waitForever();
    const call = api
      .client(ServicesClient)
      .start(StartRequest.fromPartial({ selector: selecting('web') }), () => undefined);
    await until(() => api.services.calls.length === 1);
    call.cancel();
    await gaveUp;
    expect(api.services.calls.map(({ method }) => method)).toEqual(['start']);
  });
});
