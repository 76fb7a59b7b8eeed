import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server as GrpcServer, ServerCredentials } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { HealthService, HealthCheckResponse_ServingStatus as Serving } from '../../../../gen/grpc/health/v1/health.js';
import { loadChecker } from '../../../../src/supervisor/checks/checker.js';
import type { CheckEnd, RunCheck } from '../../../../src/supervisor/checks/exec.js';
import type { Probe } from '../../../../src/supervisor/definition/definition.js';
import { freePort } from '../../../helpers/free-port.js';

const noPrograms: RunCheck = () => Promise.resolve({ failure: 'there are no programs here' });
const never = new AbortController().signal;

let directory: string;
const closing: (() => void)[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'my_init-checks-'));
});
afterEach(() => {
  for (const close of closing.splice(0)) close();
  rmSync(directory, { recursive: true, maxRetries: 20 });
});

const check = async (probe: Probe, run = noPrograms, signal = never): Promise<string | undefined> =>
  (await loadChecker(probe, run)).check(signal);

/** Listens at a port of the kernel's choice, or at a path. Returns the port. */
async function listen(server: Server, path?: string): Promise<number> {
  await new Promise<void>((resolve) =>
    path === undefined ? server.listen(0, '127.0.0.1', resolve) : server.listen(path, resolve),
  );
  closing.push(() => server.close());
  return path === undefined ? (server.address() as AddressInfo).port : 0;
}

/** Accepts connections and says nothing. */
const mute = (): Server => createServer((socket) => socket.on('error', () => {}).unref()).unref();

describe('tcp', () => {
  const probe = (port: number, host = '127.0.0.1'): Probe => ({ kind: 'tcp', host, port });

  test('passes when the connection is accepted', async () => {
    expect(await check(probe(await listen(mute())))).toBeUndefined();
  });

  test('passes at a name with two addresses if one of them has a listener', async () => {
    expect(await check(probe(await listen(mute()), 'localhost'))).toBeUndefined();
  });

  test('reports that the connection is refused', async () => {
    const port = await freePort();
    expect(await check(probe(port))).toBe(`127.0.0.1:${port}: connection refused`);
    expect(await check(probe(port, 'localhost'))).toBe(`localhost:${port}: connection refused`);
  });

  test('reports that a name is unknown', async () => {
    expect(await check(probe(1, 'nobody.invalid'))).toMatch(/^nobody\.invalid:1: the host name cannot be resolved/);
  });
});

describe('unix', () => {
  test('passes when the connection is accepted, and names a path that does not exist', async () => {
    const path = join(directory, 'socket');
    expect(await check({ kind: 'unix', path })).toBe(`${path}: does not exist`);
    await listen(mute(), path);
    expect(await check({ kind: 'unix', path })).toBeUndefined();
  });

  test('reports a refused connection for a socket file whose server is gone', async () => {
    const path = join(directory, 'file');
    writeFileSync(path, '');
    expect(await check({ kind: 'unix', path })).toBe(`${path}: connection refused`);
  });
});

describe('file', () => {
  test('passes when it exists', async () => {
    const path = join(directory, 'ready');
    expect(await check({ kind: 'file', path })).toBe(`${path}: does not exist`);
    writeFileSync(path, '');
    expect(await check({ kind: 'file', path })).toBeUndefined();
  });
});

describe('http', () => {
  const probe = (url: string, more: Partial<Extract<Probe, { kind: 'http' }>> = {}): Probe => ({
    kind: 'http',
    url,
    unix: undefined,
    headers: {},
    status: [[200, 399]],
    ...more,
  });
  const serve = async (handler: (request: IncomingMessage, response: ServerResponse) => void, path?: string) => {
    const server = createHttpServer(handler);
    closing.push(() => server.closeAllConnections());
    return `http://127.0.0.1:${await listen(server, path)}/health`;
  };
  const answer =
    (code: number, body = '') =>
    (_request: IncomingMessage, response: ServerResponse) =>
      void response.writeHead(code, { location: '/other' }).end(body);

  test.each([200, 204, 302, 399])('passes with %d', async (code) => {
    expect(await check(probe(await serve(answer(code))))).toBeUndefined();
  });

  test.each([404, 500])('fails with %d, and names it', async (code) => {
    const url = await serve(answer(code));
    expect(await check(probe(url))).toBe(`${url}: answers ${code}`);
  });

  test('accepts other statuses if the definition says so', async () => {
    const url = await serve(answer(401));
    expect(await check(probe(url, { status: [[401, 403]] }))).toBeUndefined();
    expect(await check(probe(url, { status: [[200, 200]] }))).toBe(`${url}: answers 401`);
  });

  test('sends its path, its headers and a User-Agent', async () => {
    let seen: IncomingMessage | undefined;
    const url = await serve((request, response) => {
      seen = request;
      response.end();
    });
    await check(probe(url, { headers: { host: 'example.org', 'x-check': 'yes' } }));
    expect(seen?.url).toBe('/health');
    expect(seen?.headers).toMatchObject({ host: 'example.org', 'x-check': 'yes', 'user-agent': 'my_init' });
  });

  test('goes through a Unix socket', async () => {
    const path = join(directory, 'http');
    await serve(answer(200), path);
    expect(await check(probe('http://localhost/health', { unix: path }))).toBeUndefined();
  });

  test('passes with an endless body, of which it reads only what it needs', async () => {
    let closed: Promise<unknown> | undefined;
    const url = await serve((_request, response) => {
      closed = new Promise((resolve) => response.on('close', resolve));
      const more = (): void => {
        // Writes in a separate turn: Node 24 accepts writes to a broken connection at once, and
        // would never see its end.
        if (!response.destroyed) response.write('x'.repeat(65_536), () => setImmediate(more));
      };
      more();
    });
    expect(await check(probe(url))).toBeUndefined();
    await closed;
  });

  test('reports the error of a server that is silent, hangs up, or is not there', async () => {
    const silent = `http://127.0.0.1:${await listen(mute())}/`;
    expect(await check(probe(silent), noPrograms, AbortSignal.timeout(50))).toBe(`${silent}: does not answer`);
    // The time of the check has ended while node:https was loaded.
    const late = silent.replace('http:', 'https:');
    expect(await check(probe(late), noPrograms, AbortSignal.abort())).toBe(`${late}: does not answer`);
    const rude = `http://127.0.0.1:${await listen(createServer((socket) => socket.destroy()))}/`;
    expect(await check(probe(rude))).toBe(`${rude}: closed the connection without an answer`);
    const absent = `http://127.0.0.1:${await freePort()}/`;
    expect(await check(probe(absent))).toBe(`${absent}: connection refused`);
  });
});

describe('grpc', () => {
  const probe = (address: string, service = ''): Probe => ({ kind: 'grpc', address, service });

  async function serve(statuses: Readonly<Record<string, Serving>>, address = '127.0.0.1:0'): Promise<string> {
    const server = new GrpcServer();
    server.addService(HealthService, {
      check: (call: { request: { service: string } }, callback: (error: unknown, answer?: unknown) => void) => {
        const status = statuses[call.request.service];
        if (status === undefined) callback({ code: 5, details: 'unknown' });
        else callback(null, { status });
      },
    } as never);
    closing.push(() => server.forceShutdown());
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      ),
    );
    return address.startsWith('unix:') ? address : `127.0.0.1:${port}`;
  }

  test('passes when the service is SERVING', async () => {
    const name = 'a.name.longer.than.127.bytes.'.repeat(6);
    const address = await serve({ '': Serving.SERVING, [name]: Serving.SERVING });
    expect(await check(probe(address))).toBeUndefined();
    expect(await check(probe(address, name))).toBeUndefined();
  });

  test('passes over a Unix socket', async () => {
    const address = await serve({ '': Serving.SERVING }, `unix:${join(directory, 'grpc')}`);
    expect(await check(probe(address))).toBeUndefined();
  });

  test.each([
    [Serving.NOT_SERVING, 'answers NOT_SERVING'],
    [Serving.UNKNOWN, 'answers UNKNOWN'],
  ])('fails with status %d', async (status, words) => {
    const address = await serve({ web: status });
    expect(await check(probe(address, 'web'))).toBe(`${address}, service web: ${words}`);
  });

  test('reports that the server does not know the service, or health at all', async () => {
    const address = await serve({});
    expect(await check(probe(address, 'web'))).toBe(`${address}, service web: does not know this service (NOT_FOUND)`);
    const server = new GrpcServer();
    closing.push(() => server.forceShutdown());
    const port = await new Promise<number>((resolve) =>
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (_error, bound) => resolve(bound)),
    );
    expect(await check(probe(`127.0.0.1:${port}`))).toBe(`127.0.0.1:${port}: has no health service (UNIMPLEMENTED)`);
  });

  test('reports the error of a server that is silent, speaks HTTP/1, or is not there', async () => {
    const silent = `127.0.0.1:${await listen(mute())}`;
    expect(await check(probe(silent), noPrograms, AbortSignal.timeout(50))).toBe(`${silent}: does not answer`);
    const old = `127.0.0.1:${await listen(createHttpServer((_request, response) => response.end('no')))}`;
    expect(await check(probe(old))).toMatch(/^127.0.0.1:\d+: is no gRPC server/);
    const absent = `127.0.0.1:${await freePort()}`;
    expect(await check(probe(absent))).toBe(`${absent}: connection refused`);
  });
});

describe('exec', () => {
  const probe: Probe = { kind: 'exec', argv: ['pg_isready', '-q'] };
  const ending = (end: CheckEnd) => check(probe, () => Promise.resolve(end));

  test('passes with exit code 0', async () => {
    expect(await ending({ status: { kind: 'exited', code: 0 }, lastLine: 'all is well' })).toBeUndefined();
  });

  test('reports how else the program ended, and its last line', async () => {
    expect(await ending({ status: { kind: 'exited', code: 2 }, lastLine: 'no response' })).toBe(
      'pg_isready: exit code 2: no response',
    );
    expect(await ending({ status: { kind: 'signaled', signal: 11, coreDumped: true }, lastLine: '' })).toBe(
      'pg_isready: was killed by SEGV',
    );
    expect(await ending({ failure: 'not found' })).toBe('pg_isready: not found');
  });
});
