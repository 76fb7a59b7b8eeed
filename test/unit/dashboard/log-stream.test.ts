import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import type { Host } from '../../../clients/dashboard/model/host.js';
import { LogStream } from '../../../clients/dashboard/web/log-stream.js';
import { Output } from '../../../clients/dashboard/web/output.js';
import { LogStream as Stream } from '../../../clients/typescript/src/index.js';
import { waitFor } from '../../helpers/wait-for.js';

const LINES = 150_000;
const AT_ONCE = 1_000;

/** A host with a log of this many lines. */
function hostOf(lines: number, ended: () => void): Host {
  const connection = {
    async *stream(_method: unknown, _request: unknown, { signal }: { signal: AbortSignal }) {
      for (let first = 1; first <= lines; first += AT_ONCE) {
        const text = (index: number): Buffer => Buffer.from(`line ${first + index}`);
        const line = { service: 'web', time: new Date(), stream: Stream.LOG_STREAM_STDOUT, partial: false };
        const value = { lines: Array.from({ length: AT_ONCE }, (_, index) => ({ ...line, text: text(index) })) };
        yield { event: { $case: 'lines', value } };
      }
      yield { event: { $case: 'caughtUp', value: {} } };
      ended();
      await new Promise((_resolve, reject) => signal.addEventListener('abort', reject));
    },
    close: () => undefined,
  };
  return { name: 'box', logs: { connection } } as unknown as Host;
}

test('a page that reads nothing costs no more than it can show, and learns how much it has missed', async () => {
  let isRead = false;
  const host = hostOf(LINES, () => {
    isRead = true;
  });
  const server = createServer((_request, response) => {
    const logs = new LogStream([host], { from: [{ host, names: [] }], options: {} }, () => output.changed());
    const output: Output = new Output(
      response,
      0,
      () => logs.news(),
      () => logs.close(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const slow = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  await waitFor('the whole log to be read', () => isRead);
  let read = '';
  for await (const text of slow.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    read += text;
    if (read.includes(`"line ${LINES}"`)) break;
  }
  server.closeAllConnections();
  server.close();
  const messages = read
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
  const skipped = messages.filter(({ kind }) => kind === 'skipped').reduce((sum, { count }) => sum + count, 0);
  const rows = messages.flatMap((message) => (message.kind === 'rows' ? message.rows : []));
  expect(skipped).toBeGreaterThan(0);
  expect(rows.length + skipped).toBe(LINES);
});
