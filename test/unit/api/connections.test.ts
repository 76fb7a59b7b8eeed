import { once } from 'node:events';
import http2 from 'node:http2';
import { connect, type Socket } from 'node:net';
import { status as codes } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ServicesService } from '../../../gen/my_init/v1/services.js';
import { startApi, type TestApi, until } from '../../helpers/api-server.js';
import { heldMemory } from '../../helpers/held-memory.js';

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const SETTINGS = Buffer.from('000000040000000000', 'hex');
const EMPTY_REQUEST = Buffer.alloc(5);
const LIST = ServicesService.list.path;

describe('the API', () => {
  let api: TestApi;
  let sockets: Socket[];
  beforeEach(async () => {
    api = await startApi({ timeouts: { prefaceMs: 60_000, keepaliveMs: 1000 } });
    sockets = [];
  });
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    await api.stop();
  });

  function raw(): Socket {
    const socket = connect(api.path);
    socket.on('error', () => undefined);
    sockets.push(socket);
    return socket;
  }

  async function expectToAnswer(): Promise<void> {
    const { services } = await api.ask(ServicesService.list, { selector: undefined });
    expect(services.length).toBeGreaterThan(0);
  }

  test.each([
    ['random bytes', () => Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7919 + (i >> 3)) & 0xff))],
    ['a request of HTTP/1.1', () => 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['a preface and then garbage', () => PREFACE + 'garbage '.repeat(1000)],
    [
      'a frame that claims 16 MB',
      () => Buffer.concat([Buffer.from(PREFACE), Buffer.from('ffffff000000000001', 'hex')]),
    ],
    [
      'headers that cannot be unpacked',
      () => Buffer.concat([Buffer.from(PREFACE), SETTINGS, Buffer.from('000004010400000001ffffffff', 'hex')]),
    ],
  ])('closes a connection with %s and goes on', async (_, bytes) => {
    const socket = raw();
    socket.resume();
    socket.write(bytes());
    await once(socket, 'close');
    await expectToAnswer();
    expect(api.logged).toEqual([]);
  });

  test('goes on while every client sends other bytes', async () => {
    for (let seed = 1; seed <= 200; seed++) {
      const socket = raw();
      const bytes = Buffer.from(Array.from({ length: 64 + seed }, (_, i) => (i * seed * 31 + seed) & 0xff));
      const start = seed % 2 === 0 ? Buffer.from(PREFACE) : Buffer.of();
      await once(socket, 'connect');
      socket.write(Buffer.concat([start, bytes]), () => socket.destroy());
      await once(socket, 'close');
    }
    await openConnections(api, 0);
    await expectToAnswer();
  });

  test('survives clients that leave in the middle of everything', async () => {
    for (let i = 0; i < 100; i++) {
      const socket = raw();
      socket.write(PREFACE);
      if (i % 2 === 0) socket.write(SETTINGS);
      await once(socket, 'connect');
      socket.destroy();
    }
    await openConnections(api, 0);
    await expectToAnswer();
  });

  test('closes a connection that is silent for a while, but not one that speaks HTTP/2', async () => {
    await api.stop();
    api = await startApi({ timeouts: { prefaceMs: 2000, keepaliveMs: 60_000 } });
    const [silent, slow, speaking] = [raw(), raw(), raw()];
    slow.write(PREFACE.slice(0, 23));
    speaking.write(PREFACE);
    speaking.write(SETTINGS);
    await Promise.all([once(silent.resume(), 'close'), once(slow.resume(), 'close')]);
    expect(speaking.destroyed).toBe(false);
  });

  test('has places for 128 connections, and closes the rest at once', async () => {
    // Connections that say nothing are to stay for as long as a busy machine takes.
    await api.stop();
    api = await startApi();
    let closed = 0;
    const open = Array.from({ length: 200 }, () => raw().resume());
    for (const socket of open) socket.once('close', () => closed++);
    await until(() => closed === 72);
    for (const socket of open) socket.destroy();
    await openConnections(api, 0);
    await expectToAnswer();
  });

  test('holds unread answers for a limited number of calls only', async () => {
    // Long timeouts: client and server run in one process and keep each other waiting.
    await api.stop();
    api = await startApi();
    for (let i = 0; i < 300; i++) api.services.set(`service-${i}`, { trouble: 'x'.repeat(200) });
    const before = memory();
    let refused = 0;
    const sessions = Array.from({ length: 10 }, () => {
      // With a window of 0 the server may not send a byte of an answer.
      const createConnection = () => connect(api.path);
      return http2.connect('http://localhost', { createConnection, settings: { initialWindowSize: 0 } });
    });
    for (const session of sessions) {
      for (let i = 0; i < 100; i++) {
        const call = session.request({ ':method': 'POST', ':path': LIST, 'content-type': 'application/grpc' });
        call.on('response', (headers) => {
          if (headers['grpc-status'] === String(codes.RESOURCE_EXHAUSTED)) refused++;
        });
        // The end of the call is no answer to count.
        call.on('error', () => undefined);
        call.end(EMPTY_REQUEST);
      }
    }
    await until(() => refused === 1000 - 256);
    // 256 answers of some 140 kB.
    expect(memory() - before).toBeLessThan(64e6);
    for (const session of sessions) session.destroy();
    await openConnections(api, 0);
    await expectToAnswer();
  });
});

/** Waits until the listener has this many connections left. */
async function openConnections({ listener }: TestApi, wanted: number): Promise<void> {
  let open = -1;
  const look = () => {
    listener.getConnections((_, count) => {
      open = count;
    });
    return open === wanted;
  };
  await until(look);
}

function memory(): number {
  // The memory of JavaScript's buffers is part of it.
  return heldMemory().external;
}
