import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, get as httpGet, type IncomingMessage, request } from 'node:http';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { gunzipSync } from 'node:zlib';
import { credentials, type ServiceError, status } from '@grpc/grpc-js';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { build } from 'esbuild';
import {
  HealthClient,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '../../../gen/grpc/health/v1/health.js';
import { RpcStats } from '../../../src/grpc/rpc-stats.js';
import { type HttpEndpoint, serveHttp } from '../../../src/http/serve.js';
import type { ListenAddress } from '../../../src/listen/address.js';
import { ContainerLimits } from '../../../src/resources/container-limits.js';
import { ServiceUsage } from '../../../src/resources/service-usage.js';
import { FakeServices, FakeSystem } from '../../helpers/fake-services.js';
import { NO_LOGS } from '../../helpers/no-logs.js';
import { noRecord } from '../../helpers/no-record.js';
import { waitFor } from '../../helpers/wait-for.js';

/**
 * Listens and starts its own successor, which inherits the socket and serves it once the first has
 * ended.
 */
const GENERATION = `
  import { spawn } from 'node:child_process';
  import { serveHttp } from './src/http/serve.ts';
  import { RpcStats } from './src/grpc/rpc-stats.ts';
  import { ContainerLimits } from './src/resources/container-limits.ts';
  import { noRecord } from './test/helpers/no-record.ts';
  import { FakeServices, FakeSystem } from './test/helpers/fake-services.ts';
  import { NO_LOGS } from './test/helpers/no-logs.ts';
  import { ServiceUsage } from './src/resources/service-usage.ts';
  const inherited = process.argv[2] === 'inherit';
  const services = new FakeServices();
  const system = new FakeSystem();
  const endpoint = await serveHttp({
    listen: { host: '127.0.0.1', port: 0 },
    inheritedFd: inherited ? 3 : undefined,
    services,
    system,
    rpc: new RpcStats(),
    logs: NO_LOGS,
    limits: new ContainerLimits(noRecord()),
    usage: new ServiceUsage(services, system),
    log: console.error,
    onListening: (fd) => {
      if (!inherited) spawn(process.execPath, [process.argv[1], 'inherit'], { stdio: ['ignore', 'inherit', 'inherit', fd] });
    },
  });
  if (inherited) console.log('successor ' + process.pid);
  else console.log('port ' + endpoint.address().split(':').at(-1));
`;

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Served {
  readonly endpoint: HttpEndpoint;
  readonly port: number;
  readonly services: FakeServices;
  readonly system: FakeSystem;
  readonly logged: string[];
  readonly fds: number[];
}

async function serve(listen: ListenAddress = { host: '127.0.0.1', port: 0 }, inheritedFd?: number): Promise<Served> {
  const services = new FakeServices(['memcached']);
  const system = new FakeSystem();
  const logged: string[] = [];
  const fds: number[] = [];
  const log = (message: string): void => void logged.push(message);
  const onListening = (fd: number): void => void fds.push(fd);
  const endpoint = await serveHttp({
    listen,
    inheritedFd,
    services,
    system,
    rpc: new RpcStats(),
    logs: NO_LOGS,
    limits: new ContainerLimits(noRecord()),
    usage: new ServiceUsage(services, system),
    onListening,
    log,
  });
  cleanups.push(() => endpoint.close());
  const port = Number(endpoint.address().split(':').at(-1));
  return { endpoint, port, services, system, logged, fds };
}

interface Got {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
  readonly text: string;
}

async function get(
  port: number,
  path: string,
  { method = 'GET', headers = {}, agent }: { method?: string; headers?: Record<string, string>; agent?: Agent } = {},
): Promise<Got> {
  const sent = request({ host: '127.0.0.1', port, path, method, headers, agent: agent ?? false }).end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const body = Buffer.concat(await response.toArray());
  return { status: response.statusCode ?? 0, headers: response.headers, body, text: body.toString() };
}

/** Sends raw bytes and returns everything that the server sends until it closes. */
async function talk(port: number, bytes: string | Buffer): Promise<string> {
  const socket = await connected(port);
  socket.end(bytes);
  return Buffer.concat(await socket.toArray()).toString();
}

async function connected(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  cleanups.push(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** Resolves when the connection is closed, by a reset too. */
const closing = (socket: Socket): Promise<unknown> =>
  new Promise((resolve) =>
    socket
      .resume()
      .on('error', () => {})
      .once('close', resolve),
  );

function healthClient(port: number): HealthClient {
  const client = new HealthClient(`127.0.0.1:${port}`, credentials.createInsecure());
  cleanups.push(() => client.close());
  return client;
}

function check(client: HealthClient, service: string): Promise<ServingStatus | ServiceError> {
  return new Promise((resolve) => {
    client.check({ service }, (error, response) => resolve(error ?? response.status));
  });
}

describe('probes', () => {
  test('answer ok while all is well', async () => {
    const { port } = await serve();
    for (const path of ['/livez', '/readyz', '/startupz']) {
      expect(await get(port, path)).toMatchObject({ status: 200, text: 'ok\n' });
    }
  });

  test('/readyz says 503 when a service is not ready, and why', async () => {
    const { port, services } = await serve();
    services.set('memcached', { ready: false, state: 'starting' });
    expect(await get(port, '/readyz')).toMatchObject({ status: 503, text: 'not ok\n' });
    expect(await get(port, '/readyz?verbose')).toMatchObject({ status: 503, text: 'not ok\nmemcached is starting\n' });
    expect((await get(port, '/livez')).status).toBe(200);
  });

  test('a reason with control characters stays on its line', async () => {
    const { port, services } = await serve();
    services.set('memcached', { ready: false, state: 'failed', trouble: 'bad\u001b[31m\nthing' });
    expect((await get(port, '/readyz?verbose')).text).toMatch(/^not ok\n[ -~]*\n$/);
  });

  test('/startupz says 503 until startup is over', async () => {
    const { port, system } = await serve();
    system.set({ phase: 'booting', started: false });
    expect((await get(port, '/startupz')).status).toBe(503);
    system.set({ phase: 'running', started: true });
    expect((await get(port, '/startupz')).status).toBe(200);
  });

  test('at a shutdown only liveness remains', async () => {
    const { port, system } = await serve();
    system.set({ phase: 'shutting_down' });
    expect((await get(port, '/readyz')).status).toBe(503);
    expect((await get(port, '/livez')).status).toBe(200);
  });
});

describe('HTTP/1.1', () => {
  test('HEAD has the head of GET and no body', async () => {
    const { port } = await serve();
    const head = await get(port, '/livez', { method: 'HEAD' });
    expect(head).toMatchObject({ status: 200, text: '' });
    expect(head.headers['content-length']).toBe('3');
  });

  test('an unknown path is 404 with a list of the known paths', async () => {
    const { port } = await serve();
    const { status: code, text } = await get(port, '/healthz');
    expect(code).toBe(404);
    for (const path of ['/metrics', '/livez', '/readyz', '/startupz']) expect(text).toContain(path);
  });

  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])('%s is 405', async (method) => {
    const { port } = await serve();
    const answer = await get(port, '/metrics', { method });
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe('GET, HEAD');
  });

  test('a connection is kept for many requests', async () => {
    const { port } = await serve();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    cleanups.push(() => agent.destroy());
    const ports = new Set<number | undefined>();
    for (let round = 0; round < 20; round++) {
      const sent = httpGet({ host: '127.0.0.1', port, path: round % 2 ? '/metrics' : '/livez', agent });
      const [response] = (await once(sent, 'response')) as [IncomingMessage];
      ports.add(response.socket.localPort);
      await response.toArray();
    }
    expect(ports.size).toBe(1);
  });

  test('requests sent in one piece are all answered in order', async () => {
    const { port } = await serve();
    const answers = await talk(
      port,
      'GET /livez HTTP/1.1\r\nHost: a\r\n\r\nGET /no HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    );
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 404']);
  });

  test('a request that comes byte by byte is answered, also one that begins like HTTP/2', async () => {
    const { port } = await serve();
    const socket = await connected(port);
    for (const byte of 'PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n') {
      socket.write(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 405 /);
  });

  test('garbage is refused and the next client is served', async () => {
    const { port } = await serve();
    for (const garbage of [
      '\0\0\0\0',
      'hello\r\n\r\n',
      '\x16\x03\x01\x02\x00\x01',
      'PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n',
    ]) {
      expect(await talk(port, garbage)).toMatch(/^(HTTP\/1\.1 400 .*)?/);
    }
    expect((await get(port, '/livez')).status).toBe(200);
  });

  test('headers without end are refused', async () => {
    const { port } = await serve();
    const answer = await talk(port, `GET /livez HTTP/1.1\r\nX: ${'x'.repeat(20_000)}`);
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
  });
});

describe('clients that take their time', () => {
  test.each([
    ['that says nothing', ''],
    ['that never ends its request', 'GET /livez HTTP/1.1\r\nHost: a\r\n'],
    ['that stops in the HTTP/2 preface', 'PRI * HT'],
  ])('a connection %s is closed', async (_what, bytes) => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance', 'hrtime'] });
    cleanups.push(() => jest.useRealTimers());
    const { port } = await serve();
    const socket = await connected(port);
    socket.write(bytes);
    const closed = closing(socket);
    while (jest.getTimerCount() === 0) await new Promise((resolve) => setImmediate(resolve));
    jest.advanceTimersByTime(5001);
    await closed;
  });

  test('a request that came in time is answered, even if the event loop was held up', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'performance', 'hrtime'] });
    cleanups.push(() => jest.useRealTimers());
    const { port } = await serve();
    const socket = await connected(port);
    do await new Promise((resolve) => setImmediate(resolve));
    while (jest.getTimerCount() === 0);
    socket.end('GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    jest.advanceTimersByTime(5001);
    expect(Buffer.concat(await socket.toArray()).toString()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });

  test('more silent connections than places do not lock out a probe', async () => {
    const { port } = await serve();
    const silent = await Promise.all(Array.from({ length: 200 }, () => connected(port)));
    expect((await get(port, '/livez')).status).toBe(200);
    await waitFor('the surplus to be closed', () => silent.filter((socket) => socket.resume().closed).length >= 130);
  });

  test('closed connections make room', async () => {
    const { port } = await serve();
    for (let round = 0; round < 200; round++) expect((await get(port, '/livez')).status).toBe(200);
  });
});

describe('/metrics', () => {
  test('is in the Prometheus format unless something else is asked for', async () => {
    const { port } = await serve();
    const answer = await get(port, '/metrics');
    expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(answer.text).toContain('my_init_service_up{service="memcached"} 1\n');
    expect(answer.text).not.toContain('# EOF');
  });

  test('is OpenMetrics for clients that prefer it', async () => {
    const { port } = await serve();
    const accept = 'application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
    const answer = await get(port, '/metrics', { headers: { accept } });
    expect(answer.headers['content-type']).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    expect(answer.text).toMatch(/\n# EOF\n$/);
  });

  test('is compressed for clients that accept it', async () => {
    const { port } = await serve();
    const answer = await get(port, '/metrics', { headers: { 'accept-encoding': 'gzip' } });
    expect(answer.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(answer.body).toString()).toContain('my_init_service_up');
  });

  test('a fourth simultaneous scrape is turned away and counted', async () => {
    const { port, services } = await serve();
    // An answer that does not fit into the buffers of the connection is in progress until the
    // client reads it.
    for (let index = 0; index < 3000; index++) services.set(`service-${index}`);
    const unread = await Promise.all([1, 2, 3].map(() => connected(port)));
    for (const socket of unread) {
      socket.pause();
      socket.write('GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n');
    }
    await waitFor('a scrape to be turned away', async () => (await scrape(port))?.status === 503);
    expect((await get(port, '/livez')).status).toBe(200);
    for (const socket of unread) socket.destroy();
    for (let index = 0; index < 3000; index++) services.remove(`service-${index}`);
    await waitFor('scrapes to be served again', async () => {
      const answer = await scrape(port);
      return answer?.status === 200 && /my_init_scrapes_rejected_total [1-9]/.test(answer.text);
    });
  });
});

/** Undefined where a busy machine does not finish the answer within the 15 s. */
const scrape = (port: number): Promise<Got | undefined> => get(port, '/metrics').catch(() => undefined);

describe('gRPC health on the same port', () => {
  test('answers by name', async () => {
    const { port, services } = await serve();
    const client = healthClient(port);
    services.set('memcached', { ready: false, state: 'starting' });
    for (const name of ['', 'liveness', 'startup']) expect(await check(client, name)).toBe(ServingStatus.SERVING);
    expect(await check(client, 'readiness')).toBe(ServingStatus.NOT_SERVING);
    expect(await check(client, 'service/memcached')).toBe(ServingStatus.NOT_SERVING);
    expect(await check(client, 'no-such')).toMatchObject({ code: status.NOT_FOUND });
  });

  test('a watcher learns of a change', async () => {
    const { port, system } = await serve();
    const stream = healthClient(port).watch({ service: 'readiness' });
    const seen: ServingStatus[] = [];
    stream.on('data', (response: { status: ServingStatus }) => seen.push(response.status)).on('error', () => {});
    await waitFor('the first status', () => seen.length === 1);
    system.set({ phase: 'shutting_down' });
    await waitFor('the second status', () => seen.length === 2);
    expect(seen).toEqual([ServingStatus.SERVING, ServingStatus.NOT_SERVING]);
  });

  test('HTTP/1.1 still works beside it', async () => {
    const { port } = await serve();
    const client = healthClient(port);
    for (let round = 0; round < 20; round++) {
      const [grpc, http] = await Promise.all([check(client, ''), get(port, '/livez')]);
      expect([grpc, http.status]).toEqual([ServingStatus.SERVING, 200]);
    }
  });

  test('counts its calls in the metrics', async () => {
    const { port } = await serve();
    const client = healthClient(port);
    await check(client, '');
    await check(client, 'no-such');
    const { text } = await get(port, '/metrics');
    const labels = 'grpc_type="unary",grpc_service="grpc.health.v1.Health",grpc_method="Check"';
    expect(text).toContain(`grpc_server_started_total{${labels}} 2\n`);
    expect(text).toContain(`grpc_server_handled_total{${labels},grpc_code="OK"} 1\n`);
    expect(text).toContain(`grpc_server_handled_total{${labels},grpc_code="NotFound"} 1\n`);
  });

  test('offers nothing but health', async () => {
    const { port } = await serve();
    const client = healthClient(port);
    const error = await new Promise<ServiceError | null>((resolve) => {
      client.makeUnaryRequest(
        '/my_init.v1.Services/List',
        () => Buffer.alloc(0),
        String,
        undefined,
        (failed) => resolve(failed),
      );
    });
    expect(error?.code).toBe(status.UNIMPLEMENTED);
  });

  test('garbage after the preface ends that connection only', async () => {
    const { port } = await serve();
    await talk(port, `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${'garbage'.repeat(100)}`);
    expect(await check(healthClient(port), '')).toBe(ServingStatus.SERVING);
  });

  test('a client that ends in the middle of the preface is closed', async () => {
    const { port } = await serve();
    expect(await talk(port, 'PRI * HT')).toBe('');
  });
});

describe('the port', () => {
  async function occupied(port = 0): Promise<Server> {
    const server = createServer().listen(port, '127.0.0.1');
    cleanups.push(() => server.close());
    await once(server, 'listening');
    return server;
  }

  test('that is in use is reported once, and served when it is free', async () => {
    const other = await occupied();
    const { port } = other.address() as { port: number };
    const { endpoint, logged } = await serve({ host: '127.0.0.1', port });
    expect(endpoint.address()).toBe('');
    expect(logged).toEqual([expect.stringMatching(/cannot listen on 127\.0\.0\.1:\d+: .*EADDRINUSE/)]);
    other.close();
    await waitFor('the port to be listened on', () => endpoint.address() !== '');
    expect((await get(port, '/livez')).status).toBe(200);
    expect(logged).toHaveLength(2);
  });

  test('without a host listens on IPv4 and IPv6', async () => {
    const { endpoint, port } = await serve({ host: undefined, port: 0 });
    expect(endpoint.address()).toBe(`:${port}`);
    expect((await get(port, '/livez')).status).toBe(200);
    const overIpv6 = httpGet({ host: '::1', port, path: '/livez', agent: false });
    const [response] = (await once(overIpv6, 'response')) as [IncomingMessage];
    expect(response.resume().statusCode).toBe(200);
  });

  test('a successor that inherits the socket misses no connection', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'my_init-http-'));
    cleanups.push(() => rmSync(directory, { recursive: true, maxRetries: 20 }));
    const script = join(directory, 'generation.mjs');
    await build({
      stdin: { contents: GENERATION, resolveDir: process.cwd(), loader: 'ts' },
      outfile: script,
      bundle: true,
      platform: 'node',
      format: 'esm',
      banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    });
    const first = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface(first.stdout)[Symbol.asyncIterator]();
    const line = async () => ((await lines.next()).value ?? '').split(' ');
    const port = Number((await line())[1]);
    const died = once(first, 'exit');
    const successor = line().then(([, pid]) => Number(pid));
    cleanups.push(async () => process.kill(await successor, 'SIGKILL'));

    let answered = 0;
    while (first.exitCode === null && first.signalCode === null) {
      const { status: code } = await get(port, '/livez').catch((error) => {
        // The call under way when the first is killed is lost; a refusal would be an error.
        if (error.code !== 'ECONNRESET') throw error;
        return { status: 0 };
      });
      if (code === 200) answered++;
      if (answered === 20) first.kill('SIGKILL');
    }
    await died;
    expect((await get(port, '/livez')).status).toBe(200);
    expect(await successor).not.toBe(first.pid);
  });

  test('closes its connections at the end', async () => {
    const { endpoint, port } = await serve();
    const socket = await connected(port);
    const closed = closing(socket);
    await endpoint.close();
    await closed;
    await expect(get(port, '/livez')).rejects.toThrow(/ECONNREFUSED/);
  });
});
