import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { promisify } from 'node:util';
import { credentials, type ServiceError, status } from '@grpc/grpc-js';
import { afterEach, describe, expect, test } from '@jest/globals';
import {
  ListRequest,
  type ListResponse,
  ServicesClient,
  WatchRequest,
  type WatchResponse,
} from '../../../gen/my_init/v1/services.js';
import { TestContainer } from '../../helpers/container.js';
import { waitFor } from '../../helpers/wait-for.js';

const WORKS = '#!/bin/sh\nexec sleep 1000\n';

let container: TestContainer;
const sockets: { destroy(): void }[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await container.dispose();
});

describe('the API', () => {
  test('goes on after random bytes, half a preface and connections that are cut', async () => {
    container = await TestContainer.boot({ services: { web: { run: WORKS } } });
    await container.reaches('web', 'up');
    const { controllerPid } = container;
    const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    for (let round = 0; round < 150; round++) {
      const bytes = randomBytes(1 + ((round * 37) % 4000));
      const sent =
        round % 3 === 0 ? bytes : round % 3 === 1 ? Buffer.concat([preface, bytes]) : preface.subarray(0, round % 24);
      await send(sent);
    }
    expect(await container.status('web')).toMatchObject({ state: 'SERVICE_STATE_UP', run: 1 });
    expect(container.controllerPid).toBe(controllerPid);
  });

  test('answers others while many connections say nothing', async () => {
    container = await TestContainer.boot({ services: { web: { run: WORKS } } });
    for (let index = 0; index < 100; index++) {
      const socket = connect(container.socket);
      socket.on('error', () => {});
      sockets.push(socket);
    }
    expect((await container.svctl('restart', 'web')).code).toBe(0);
  });

  test('does not grow while watchers do not read', async () => {
    container = await TestContainer.boot({
      services: Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`web${index}`, { run: WORKS }])),
    });
    for (let index = 0; index < 100; index++) await watchWithoutReading();
    const restarts = async (rounds: number) => {
      for (let round = 0; round < rounds; round++)
        expect((await container.svctl('restart', '--all', '--wait', 'started')).code).toBe(0);
    };
    await restarts(10);
    const before = residentMb();
    await restarts(15);
    // The watchers leave some 75,000 messages of these unread.
    expect(residentMb() - before).toBeLessThan(25);
    expect(await container.status('web0')).toMatchObject({ run: 26 });
  });

  test('reports all changes to many watchers, or what they missed, however much changes', async () => {
    container = await TestContainer.boot({
      services: Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`web${index}`, { run: WORKS }])),
    });
    const { controllerPid } = container;
    const watchers = Array.from({ length: 30 }, watcher);
    await waitFor('all to have begun', () => watchers.every(({ revision }) => revision > 0));
    for (let round = 0; round < 4; round++)
      expect((await container.svctl('restart', '--all', '--wait', 'started')).code).toBe(0);
    const list = promisify<ListRequest, ListResponse>((request, callback) => client().list(request, callback));
    const revision = Number((await list(ListRequest.fromPartial({}))).revision);
    await waitFor('all to know all', () => watchers.every((one) => one.revision >= revision));
    expect(watchers.flatMap(({ wrong }) => wrong)).toEqual([]);
    expect(container.controllerPid).toBe(controllerPid);
  });
});

/** Sends bytes and cuts the connection once they are sent or the other end closes it. */
const send = (bytes: Buffer): Promise<void> =>
  new Promise((resolve) => {
    const socket: Socket = connect(container.socket);
    socket.on('error', () => resolve());
    socket.on('close', () => resolve());
    socket.on('connect', () => socket.write(bytes, () => setImmediate(() => socket.destroy())));
  });

/** A client with a connection of its own. */
function client(): ServicesClient {
  const made = new ServicesClient(`unix:${container.socket}`, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
  });
  sockets.push({ destroy: () => made.close() });
  return made;
}

/** Watches all services, and notes each missing change that no gap reported. */
function watcher() {
  const state = { revision: 0, wrong: [] as string[] };
  const call = client().watch(WatchRequest.fromPartial({}));
  call.on('error', ({ code, message }: ServiceError) => code !== status.CANCELLED && state.wrong.push(message));
  call.on('data', ({ event }: WatchResponse) => {
    if (event?.$case === 'gap' || event?.$case === 'change') {
      const first = Number(event.$case === 'gap' ? event.value.fromRevision : event.value.revision);
      if (first !== state.revision + 1) state.wrong.push(`${first} after ${state.revision}`);
      state.revision = Number(event.$case === 'gap' ? event.value.toRevision : event.value.revision);
    } else if (event?.$case === 'snapshot') state.revision = Number(event.value.revision);
  });
  return state;
}

/** A watch that reads nothing after the response headers. */
async function watchWithoutReading(): Promise<void> {
  const socket = connect(container.socket);
  const session: ClientHttp2Session = connectHttp2('http://localhost', {
    createConnection: () => socket,
    settings: { initialWindowSize: 0 },
  });
  session.on('error', () => {});
  sockets.push(session);
  const stream: ClientHttp2Stream = session.request({
    ':method': 'POST',
    ':path': '/my_init.v1.Services/Watch',
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  stream.on('error', () => {});
  stream.end(Buffer.alloc(5));
  let answered = false;
  stream.on('response', () => {
    answered = true;
  });
  await waitFor('the response headers', () => answered);
  socket.pause();
}

function residentMb(): number {
  const status = readFileSync(`/proc/${container.controllerPid}/status`, 'latin1');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024;
}
