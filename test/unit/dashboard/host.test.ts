import { PassThrough } from 'node:stream';
import { expect, test } from '@jest/globals';
import { Host } from '../../../clients/dashboard/model/host.js';
import { waitFor } from '../../helpers/wait-for.js';

test('a host that is closed during a call does not connect again', async () => {
  const streams: PassThrough[] = [];
  const open = async () => {
    const stream = new PassThrough();
    streams.push(stream);
    return stream;
  };
  const host = new Host({ name: 'box', open }, () => undefined);
  const calls = Promise.allSettled([host.client.info(), host.logs.info()]);
  await waitFor('both connections', () => streams.length >= 2);
  host.close();
  const opened = streams.length;
  for (const stream of streams) stream.destroy();
  expect((await calls).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(streams.length).toBe(opened);
});
