import type { Duplex } from 'node:stream';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { cancelled, connect, openSocket } from '../../../clients/typescript/src/index.js';
import { startApi, type TestApi } from '../../helpers/api-server.js';

let api: TestApi;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api.stop());

/** A connection attempt that hangs until it is given up; the next ones reach my_init. */
function slowAtFirst() {
  const attempts: AbortSignal[] = [];
  const open = (signal?: AbortSignal): Promise<Duplex> => {
    if (attempts.length > 0 || signal === undefined) return openSocket(api.path, signal);
    attempts.push(signal);
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(cancelled(signal))));
  };
  return { attempts, my: connect({ name: 'slow', open }) };
}

test('of two callers who wait for one connection, the second goes on when the first gives up', async () => {
  const { attempts, my } = slowAtFirst();
  const [first, second] = [new AbortController(), new AbortController()];
  const given = my.services([], { signal: first.signal }).catch((error: unknown) => error);
  const kept = my.services([], { signal: second.signal });
  expect(attempts).toEqual([first.signal]);
  first.abort();
  expect(await given).toMatchObject({ reason: 'CANCELLED' });
  expect((await kept).map(({ name }) => name)).toContain('web');
  my.close();
});

test('of two callers who wait for one connection, the second may give up alone', async () => {
  const { attempts, my } = slowAtFirst();
  const [first, second] = [new AbortController(), new AbortController()];
  const kept = my.services([], { signal: first.signal }).catch((error: unknown) => error);
  const given = my.services([], { signal: second.signal });
  second.abort();
  await expect(given).rejects.toMatchObject({ reason: 'CANCELLED' });
  expect(attempts[0]?.aborted).toBe(false);
  first.abort();
  expect(await kept).toMatchObject({ reason: 'CANCELLED' });
  my.close();
});

test('close() ends calls under way, and later calls fail and say why', async () => {
  const my = connect({ name: 'box', open: (signal) => openSocket(api.path, signal) });
  const watched = my.watch();
  expect((await watched.next()).value).toMatchObject({ kind: 'snapshot' });
  const next = watched.next();
  my.close();
  await expect(next).rejects.toMatchObject({ reason: 'CONNECTION_LOST' });
  const closed = { reason: 'CANCELLED', message: 'the connection to box has been closed' };
  await expect(my.services()).rejects.toMatchObject(closed);
  await expect(my.watch().next()).rejects.toMatchObject(closed);
  await expect(my.start('web')).rejects.toMatchObject(closed);
});
