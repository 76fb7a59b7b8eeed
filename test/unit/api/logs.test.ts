import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ClientReadableStream, ServiceError } from '@grpc/grpc-js';
import { status as codes } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  LogMarkerKind,
  LogStream,
  LogsClient,
  LogsService,
  ReadRequest,
  type ReadResponse,
} from '../../../gen/my_init/v1/logs.js';
import { detailsOf, startApi, type TestApi, until } from '../../helpers/api-server.js';
import { FakeLogs, FIRST_MS } from '../../helpers/fake-logs.js';
import { heldMemory } from '../../helpers/held-memory.js';

let logs: FakeLogs;
let api: TestApi;
beforeEach(async () => {
  logs = new FakeLogs();
  api = await startApi({ logs });
});
afterEach(async () => {
  await api.stop();
  logs.close();
});

type Request = Parameters<typeof ReadRequest.fromPartial>[0];

/** The messages that a reading client has received so far. */
class Reading {
  readonly call: ClientReadableStream<ReadResponse>;
  readonly told: string[] = [];
  readonly cursor: Record<string, string> = {};
  error: ServiceError | undefined;
  ended = false;

  constructor(request: Request = {}) {
    this.call = api.client(LogsClient).read(ReadRequest.fromPartial(request));
    this.call.on('data', (response: ReadResponse) => {
      this.told.push(...wordsOf(response));
      Object.assign(this.cursor, response.cursor?.services);
    });
    this.call.on('error', (error: ServiceError) => {
      this.error = error;
    });
    this.call.on('end', () => {
      this.ended = true;
    });
  }
}

function wordsOf({ event }: ReadResponse): string[] {
  switch (event?.$case) {
    case 'lines':
      return event.value.lines.map(({ service, text }) => `${service}:${text}`);
    case 'gap':
      return [`gap ${event.value.service} ${event.value.lines} ${event.value.bytes}`];
    case 'marker':
      return [`${event.value.service} ${LogMarkerKind[event.value.kind]} ${event.value.run}`];
    case 'caughtUp':
    case 'heartbeat':
    case undefined:
      return [event?.$case ?? ''];
    default:
      return event satisfies never;
  }
}

async function reading(request: Request = {}): Promise<string[]> {
  const client = new Reading(request);
  await until(() => client.ended || client.error !== undefined);
  if (client.error !== undefined) throw client.error;
  return client.told;
}

async function refusal(request: Request) {
  const client = new Reading(request);
  await until(() => client.error !== undefined);
  return detailsOf(client.error);
}

const selecting = (selector: { names?: string[]; globs?: string[] }) => ({
  selector: { names: [], globs: [], all: false, ...selector },
});

describe('a reading client', () => {
  test('gets the lines of all services, then the news that it has caught up, and the call ends', async () => {
    logs.of('web').line('one');
    logs.of('my_init').line('two');
    expect(await reading()).toEqual(['web:one', 'my_init:two', 'caughtUp']);
  });

  test('gets the service, stream, time and text of each line, as bytes', async () => {
    const text = Buffer.from([0, 0xff, 0x1b, 0x80]);
    logs.of('web').line(text, { stream: 'stderr', partial: true, atMs: FIRST_MS + 7 });
    logs.of('web').line('', { atMs: FIRST_MS + 1007 });
    const lines: unknown[] = [];
    const client = new Reading();
    client.call.on('data', ({ event }: ReadResponse) => event?.$case === 'lines' && lines.push(...event.value.lines));
    await until(() => client.ended);
    expect(lines).toEqual([
      { service: 'web', stream: LogStream.LOG_STREAM_STDERR, time: new Date(FIRST_MS + 7), text, partial: true },
      {
        service: 'web',
        stream: LogStream.LOG_STREAM_STDOUT,
        time: new Date(FIRST_MS + 1007),
        text: Buffer.of(),
        partial: false,
      },
    ]);
  });

  test('gets the longest lines and long names', async () => {
    const name = 'x'.repeat(128);
    const text = 'y'.repeat(16 * 1024);
    for (let i = 0; i < 10; i++) logs.of(name).line(text);
    expect(await reading()).toEqual([...Array(10).fill(`${name}:${text}`), 'caughtUp']);
  });

  test('selects by name, pattern, stream, time, text, run and number', async () => {
    for (const name of ['web-1', 'web-2', 'db'])
      for (const [index, text] of ['a 1', 'b 2', 'a 3'].entries())
        logs.of(name).line(`${text}`, { stream: index === 2 ? 'stderr' : 'stdout', atMs: FIRST_MS + index });
    expect(await reading(selecting({ names: ['db'] }))).toEqual(['db:a 1', 'db:b 2', 'db:a 3', 'caughtUp']);
    expect(await reading({ ...selecting({ globs: ['web-*'] }), tail: 1 })).toEqual([
      'web-1:a 3',
      'web-2:a 3',
      'caughtUp',
    ]);
    expect(
      await reading({ stream: LogStream.LOG_STREAM_STDERR, tail: 1, ...selecting({ names: ['db'] }) }),
    ).toHaveLength(2);
    const one = selecting({ names: ['db'] });
    expect(await reading({ ...one, since: new Date(FIRST_MS + 1), until: new Date(FIRST_MS + 2) })).toEqual([
      'db:b 2',
      'caughtUp',
    ]);
    expect(await reading({ ...one, grep: '^a' })).toEqual(['db:a 1', 'db:a 3', 'caughtUp']);
  });

  test('gets markers with how the run ended', async () => {
    logs.of('web').mark('exited', 3, { kind: 'signaled', signal: 9, coreDumped: false });
    const client = new Reading();
    let marker: unknown;
    client.call.on('data', ({ event }: ReadResponse) => {
      if (event?.$case === 'marker') marker = event.value;
    });
    await until(() => client.ended);
    expect(marker).toMatchObject({
      service: 'web',
      kind: LogMarkerKind.LOG_MARKER_KIND_EXITED,
      run: 3,
      runId: 'web-3',
      exit: { code: 137, signal: 'KILL' },
    });
  });

  test('may name a service that has no lines yet, but not one that does not exist', async () => {
    expect(await reading(selecting({ names: ['memcached'] }))).toEqual(['caughtUp']);
    expect(await refusal(selecting({ names: ['memcachd'] }))).toMatchObject({
      reason: 'SERVICE_NOT_FOUND',
      metadata: { suggestion: 'memcached' },
    });
    expect(await refusal(selecting({ globs: ['zz*'] }))).toMatchObject({ reason: 'NO_MATCH' });
  });

  test.each([
    [{ grep: '(a' }, 'grep'],
    [{ grep: 'x'.repeat(257) }, 'grep'],
    [{ grep: '(?=a)' }, 'grep'],
    [{ tail: 1, cursor: { services: {} } }, 'tail'],
    [{ cursor: { services: { web: 'nonsense' } } }, 'cursor'],
    [{ follow: true, until: new Date() }, 'until'],
    [{ follow: true, run: 2 }, 'run'],
    [{ run: 9 }, 'run'],
    [{ stream: 9 }, 'stream'],
    [{ heartbeatInterval: { seconds: 0n, nanos: 1 } }, 'heartbeat_interval'],
  ] as const)('is refused an invalid request: %j', async (request, field) => {
    logs.of('web').line('x');
    expect(await refusal(request as Request)).toMatchObject({ reason: 'INVALID_ARGUMENT', metadata: { field } });
  });
});

describe('a following client', () => {
  test('gets new lines, also of services that come later', async () => {
    logs.of('web').line('old');
    const client = new Reading({ follow: true });
    await until(() => client.told.length === 2);
    logs.of('web').line('new');
    logs.of('late').line('hello');
    await until(() => client.told.length === 4);
    expect(client.told).toEqual(['web:old', 'caughtUp', 'web:new', 'late:hello']);
  });

  test('resumes from its cursor, and gets a gap for what it missed', async () => {
    const web = logs.of('web');
    web.line('1');
    const first = new Reading({ follow: true });
    await until(() => first.told.includes('caughtUp'));
    first.call.cancel();
    web.line('2');
    const second = new Reading({ follow: true, cursor: { services: first.cursor } });
    await until(() => second.told.includes('caughtUp'));
    expect(second.told).toEqual(['web:2', 'caughtUp']);
    second.call.cancel();
    for (let round = 0; round < 3; round++) web.lines(Array(2500).fill('xxxxx'));
    const third = new Reading({ follow: true, cursor: { services: second.cursor } });
    await until(() => third.told.includes('caughtUp'));
    const lost = web.store.oldest.record - 2;
    expect(third.told[0]).toBe(`gap web ${lost} ${lost * 5}`);
    expect(third.told).toHaveLength(1 + 7500 - lost + 1);
  });

  test('is told that a cursor belongs to the log of another boot', async () => {
    logs.of('web').line('1');
    const client = new Reading();
    await until(() => client.ended);
    const services = Object.fromEntries(Object.entries(client.cursor).map(([name, text]) => [name, `${text}x`]));
    const error = await refusal({ cursor: { services } });
    expect(error).toMatchObject({ reason: 'BOOT_CHANGED' });
    expect(error.status.code).toBe(codes.OUT_OF_RANGE);
  });

  test('gets heartbeats when there are no lines', async () => {
    const client = new Reading({ follow: true, heartbeatInterval: { seconds: 1n, nanos: 0 } });
    await until(() => client.told.includes('heartbeat'));
  });

  test('is forgotten when it has gone', async () => {
    logs.of('web');
    const client = new Reading({ follow: true });
    await until(() => logs.subscribers === 1);
    client.call.cancel();
    await until(() => logs.subscribers === 0 && logs.of('web').subscribers === 0);
  });

  test('sees the end of my_init as UNAVAILABLE', async () => {
    const client = new Reading({ follow: true });
    await until(() => client.told.includes('caughtUp'));
    void api.api.close(120_000);
    await until(() => client.error !== undefined);
    expect(detailsOf(client.error)).toMatchObject({ reason: 'SHUTTING_DOWN' });
  });
});

(process.getuid?.() === 0 ? test : test.skip)(
  'a user who is neither root nor ours, nor of the group, is refused',
  async () => {
    const open = await startApi({ logs, mode: 0o666, fullAccessGroupId: 4444 });
    const readAs = async (gid: number): Promise<string> => {
      const program = fileURLToPath(new URL('../../helpers/raw-client.mjs', import.meta.url));
      const request = Buffer.from(ReadRequest.encode(ReadRequest.fromPartial({})).finish()).toString('hex');
      const child = spawn(process.execPath, [program, open.target, LogsService.read.path, request, 'stream'], {
        env: { ...process.env, AS_UID: '4321', AS_GID: String(gid) },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let output = '';
      child.stdout.on('data', (text) => {
        output += text;
      });
      await once(child, 'close');
      return output;
    };
    const refused = JSON.parse(await readAs(4321));
    expect([refused.code, refused.details]).toEqual([
      codes.PERMISSION_DENIED,
      expect.stringContaining('may not read logs'),
    ]);
    expect(JSON.parse(await readAs(4444)).code).not.toBe(codes.PERMISSION_DENIED);
    await open.stop();
  },
);

test('followers that do not read cost no reading and no memory', async () => {
  const web = logs.of('web');
  const clients = Array.from({ length: 60 }, () => new Reading({ follow: true }));
  await until(() => clients.every(({ told }) => told.includes('caughtUp')));
  for (const { call } of clients) call.pause();
  const lines = Array(500).fill('z'.repeat(100));
  let reads = 0;
  const read = web.store.read.bind(web.store);
  web.store.read = (offset, into) => {
    reads++;
    return read(offset, into);
  };
  const held = (): number => {
    const { arrayBuffers, heapUsed } = heldMemory();
    return arrayBuffers + heapUsed;
  };
  const before = held();
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  for (let round = 0; round < 400; round++) {
    web.lines(lines);
    await turn();
  }
  const stalled = reads;
  for (let round = 0; round < 400; round++) {
    web.lines(lines);
    await turn();
  }
  expect(reads).toBe(stalled);
  expect(held() - before).toBeLessThan(60 * 1024 * 1024);
  for (const { call } of clients) call.resume();
  await until(() => clients.every(({ told }) => told.some((words) => words.startsWith('gap'))));
});

test('a slow client that reads a million numbered lines has each of them, or a gap that counts it', async () => {
  const web = logs.of('web');
  const client = new Reading({ follow: true });
  await until(() => client.told.includes('caughtUp'));
  client.call.removeAllListeners('data');
  let [next, lost, gaps] = [0, 0, 0];
  client.call.on('data', ({ event }: ReadResponse) => {
    if (event?.$case === 'gap') {
      gaps++;
      lost += Number(event.value.lines);
      next += Number(event.value.lines);
    }
    if (event?.$case !== 'lines') return;
    for (const { text } of event.value.lines)
      if (Number(text.toString()) !== next++) throw new Error(`not ${next - 1}`);
  });
  for (let sent = 0; sent < 1_000_000; sent += 500) {
    // The client reads nothing for a while: the store runs over.
    if (sent === 300_000) client.call.pause();
    if (sent === 700_000) client.call.resume();
    web.lines(Array.from({ length: 500 }, (_, index) => String(sent + index)));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until(() => next === 1_000_000);
  expect(gaps).toBeGreaterThan(0);
  expect(lost).toBeLessThan(1_000_000);
});
