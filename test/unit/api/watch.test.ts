import { type ClientReadableStream, status as codes, type ServiceError } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ServiceState } from '../../../gen/my_init/v1/service.js';
import { ServicesClient, WatchRequest, type WatchResponse } from '../../../gen/my_init/v1/services.js';
import { detailsOf, startApi, type TestApi, until } from '../../helpers/api-server.js';
import { FakeServices } from '../../helpers/fake-services.js';
import { heldMemory } from '../../helpers/held-memory.js';

type Event = NonNullable<WatchResponse['event']>;

/** The messages that a watching client has received so far. */
interface Watching {
  readonly call: ClientReadableStream<WatchResponse>;
  readonly events: Event[];
  readonly error: () => ServiceError | undefined;
}

let api: TestApi;
beforeEach(async () => {
  // The last five changes can be asked for again.
  api = await startApi({ services: new FakeServices(['cron', 'memcached', 'web'], 'this-boot', 5) });
});
afterEach(() => api.stop());

function watch(
  request: Parameters<typeof WatchRequest.fromPartial>[0] = {},
  client = api.client(ServicesClient),
): Watching {
  const call = client.watch(WatchRequest.fromPartial(request));
  const events: Event[] = [];
  let failed: ServiceError | undefined;
  call.on('data', ({ event }: WatchResponse) => event && events.push(event));
  call.on('error', (error: ServiceError) => {
    failed = error;
  });
  return { call, events, error: () => failed };
}

const kinds = ({ events }: Watching) => events.map(({ $case }) => $case);

const selecting = (selector: { names?: string[]; globs?: string[] }) => ({
  selector: { names: [], globs: [], all: false, ...selector },
});

describe('a watching client', () => {
  test('gets hello, a snapshot, and each change with its revision', async () => {
    const client = watch();
    await until(() => client.events.length === 2);
    api.services.set('web', { state: 'stopping' });
    await until(() => client.events.length === 3);
    const [hello, snapshot, change] = client.events;
    expect(hello).toMatchObject({ $case: 'hello', value: { bootId: 'this-boot', revision: 3n, heartbeatSeconds: 15 } });
    expect(snapshot).toMatchObject({ $case: 'snapshot', value: { revision: 3n } });
    expect(change).toMatchObject({
      $case: 'change',
      value: {
        revision: 4n,
        removed: false,
        previousState: ServiceState.SERVICE_STATE_UP,
        service: { name: 'web', state: ServiceState.SERVICE_STATE_STOPPING },
      },
    });
  });

  test('gets the removal of a service', async () => {
    const client = watch();
    await until(() => client.events.length === 2);
    api.services.remove('web');
    await until(() => client.events.length === 3);
    expect(client.events[2]).toMatchObject({ $case: 'change', value: { removed: true, service: { name: 'web' } } });
  });

  test('gets only changes of the selected services, also of later ones', async () => {
    const client = watch(selecting({ names: ['cron'], globs: ['mem*'] }));
    await until(() => client.events.length === 2);
    expect(client.events[1]).toMatchObject({ value: { services: [{ name: 'cron' }, { name: 'memcached' }] } });
    api.services.set('web', { ready: false });
    api.services.set('memory');
    await until(() => client.events.length === 3);
    expect(client.events[2]).toMatchObject({ $case: 'change', value: { revision: 5n, service: { name: 'memory' } } });
  });

  test('hears of a service that gets the tag later', async () => {
    api.services.set('cron', { tags: ['night'] });
    const client = watch(selecting({ names: ['@night'] }));
    await until(() => client.events.length === 2);
    expect(client.events[1]).toMatchObject({ value: { services: [{ name: 'cron' }] } });
    api.services.set('memcached', { ready: false });
    api.services.set('web', { tags: ['night'] });
    await until(() => client.events.length === 3);
    expect(client.events[2]).toMatchObject({ $case: 'change', value: { service: { name: 'web' } } });
    api.services.set('web', { tags: [] });
    await until(() => client.events.length === 4);
    expect(client.events[3]).toMatchObject({ $case: 'change', value: { service: { name: 'web', tags: [] } } });
  });

  test('is told that it selected a service that does not exist', async () => {
    const client = watch(selecting({ names: ['nothing'] }));
    await until(() => client.error() !== undefined);
    expect(client.error()?.code).toBe(codes.NOT_FOUND);
    expect(detailsOf(client.error()).reason).toBe('SERVICE_NOT_FOUND');
  });

  test('gets heartbeats when nothing happens', async () => {
    const client = watch({ heartbeatInterval: { seconds: 1n, nanos: 0 } });
    await until(() => client.events.length >= 4);
    expect(kinds(client).slice(0, 4)).toEqual(['hello', 'snapshot', 'heartbeat', 'heartbeat']);
    expect(client.events[3]).toMatchObject({ value: { revision: 3n } });
  });

  test.each([0n, 601n])('cannot ask for heartbeats every %s s', async (seconds) => {
    const client = watch({ heartbeatInterval: { seconds, nanos: 0 } });
    await until(() => client.error() !== undefined);
    expect(detailsOf(client.error()).metadata).toEqual({ field: 'heartbeat_interval' });
  });

  test('leaves nothing behind when it goes', async () => {
    const client = watch();
    await until(() => api.services.subscribers === 1);
    client.call.cancel();
    await until(() => api.services.subscribers === 0);
  });

  test('gets every change that was before its end', async () => {
    const client = watch();
    await until(() => client.events.length === 2);
    for (const state of ['stopping', 'down', 'starting'] as const) api.services.set('web', { state });
    void api.api.close(120_000, 'CONTROLLER_REPLACED');
    await until(() => client.error() !== undefined);
    expect(kinds(client)).toEqual(['hello', 'snapshot', 'change', 'change', 'change']);
  });

  test.each(['SHUTTING_DOWN', 'CONTROLLER_REPLACED'] as const)('learns why it ends: %s', async (reason) => {
    const client = watch();
    await until(() => client.events.length === 2);
    await api.api.close(120_000, reason);
    await until(() => client.error() !== undefined);
    expect(client.error()?.code).toBe(codes.UNAVAILABLE);
    expect(detailsOf(client.error())).toMatchObject({ reason, kinds: ['ErrorInfo', 'RetryInfo'] });
  });

  test('is refused when there are too many', async () => {
    const connections = [api.client(ServicesClient), api.client(ServicesClient)];
    const clients = Array.from({ length: 129 }, (_, i) => watch({}, connections[i % 2]));
    await until(() => clients.filter(({ events }) => events.length === 2).length === 128);
    await until(() => clients.some(({ error }) => error() !== undefined));
    const refused = clients.flatMap(({ error }) => error() ?? []);
    expect(refused.map(({ code }) => code)).toEqual([codes.RESOURCE_EXHAUSTED]);
    expect(detailsOf(refused[0])).toMatchObject({ reason: 'TOO_MANY_STREAMS', kinds: ['ErrorInfo', 'RetryInfo'] });
  });
});

describe('a client that resumes', () => {
  test('gets the changes that it missed, and no snapshot', async () => {
    api.services.set('web', { state: 'stopping' });
    api.services.set('web', { state: 'down' });
    const client = watch({ sinceRevision: 3n, bootId: 'this-boot' });
    await until(() => client.events.length === 3);
    expect(kinds(client)).toEqual(['hello', 'change', 'change']);
    expect(client.events[1]).toMatchObject({ value: { revision: 4n } });
  });

  test('gets nothing but hello when it missed nothing', async () => {
    const client = watch({ sinceRevision: 3n, bootId: 'this-boot' });
    await until(() => client.events.length === 1);
    api.services.set('web', { ready: false });
    await until(() => client.events.length === 2);
    expect(kinds(client)).toEqual(['hello', 'change']);
  });

  test('gets a gap when its revision is no longer held', async () => {
    for (let i = 0; i < 10; i++) api.services.set('web', { run: i });
    const client = watch({ sinceRevision: 4n, bootId: 'this-boot' });
    await until(() => client.events.length === 3);
    expect(kinds(client)).toEqual(['hello', 'gap', 'snapshot']);
    expect(client.events[1]).toMatchObject({ value: { fromRevision: 5n, toRevision: 13n } });
  });

  test('gets a gap when its revision is of another boot', async () => {
    const client = watch({ sinceRevision: 2n, bootId: 'last-boot' });
    await until(() => client.events.length === 3);
    expect(kinds(client)).toEqual(['hello', 'gap', 'snapshot']);
    expect(client.events[1]).toMatchObject({ value: { fromRevision: 1n, toRevision: 3n } });
  });

  test('gets a snapshot when its revision is in the future', async () => {
    const client = watch({ sinceRevision: 99n, bootId: 'this-boot' });
    await until(() => client.events.length === 3);
    expect(kinds(client)).toEqual(['hello', 'gap', 'snapshot']);
  });

  test('has to name the boot of its revision', async () => {
    const client = watch({ sinceRevision: 2n });
    await until(() => client.error() !== undefined);
    expect(detailsOf(client.error()).metadata).toEqual({ field: 'boot_id' });
  });
});

test('a client that reads too slowly gets a gap, and costs no memory meanwhile', async () => {
  const client = watch();
  await until(() => client.events.length === 2);
  client.call.pause();
  const changes = 20_000;
  const trouble = 'x'.repeat(1000);
  const before = memory();
  for (let i = 0; i < changes; i++) {
    api.services.set('web', { run: i, trouble });
    if (i % 100 === 0) await new Promise(setImmediate);
  }
  // All changes together would be 20 MB.
  expect(memory() - before).toBeLessThan(5e6);
  client.call.resume();
  await until(() => lastRevision(client) === BigInt(api.services.revision));
  expect(kinds(client).filter((kind) => kind === 'gap').length).toBeGreaterThan(0);
  expectNothingLostUnsaid(client.events);
});

function memory(): number {
  // The memory of JavaScript's buffers is part of it.
  return heldMemory().external;
}

function lastRevision({ events }: Watching): bigint | undefined {
  const last = events.at(-1);
  return last?.$case === 'change' || last?.$case === 'snapshot' ? last.value.revision : undefined;
}

function expectNothingLostUnsaid(events: readonly Event[]): void {
  let known = 0n;
  for (const [i, event] of events.entries()) {
    if (event.$case === 'change') expect(event.value.revision).toBe(known + 1n);
    if (event.$case === 'gap') {
      expect(event.value.fromRevision).toBe(known + 1n);
      expect(events[i + 1]?.$case).toBe('snapshot');
    }
    if (event.$case === 'change' || event.$case === 'snapshot') known = event.value.revision;
  }
}
