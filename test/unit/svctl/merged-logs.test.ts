import { expect, test } from '@jest/globals';
import { mergedLogs } from '../../../clients/svctl/hosts/merged-logs.js';
import { LogStream, type ReadResponse } from '../../../clients/typescript/src/index.js';

const line = (ms: number, text: string, partial = false) => ({
  service: 'web',
  stream: LogStream.LOG_STREAM_STDOUT,
  time: new Date(ms),
  text: Buffer.from(text),
  partial,
});
const batch = (...lines: ReturnType<typeof line>[]): ReadResponse => ({
  cursor: undefined,
  event: { $case: 'lines', value: { lines } },
});
const CAUGHT_UP: ReadResponse = { cursor: undefined, event: { $case: 'caughtUp', value: {} } };

async function* of(...responses: readonly (ReadResponse | (() => Promise<void>))[]): AsyncGenerator<ReadResponse> {
  for (const response of responses) {
    if (typeof response === 'function') await response();
    else yield response;
  }
}

/** The merged lines of sources, by the names of their hosts. */
async function merged(sources: Readonly<Record<string, AsyncIterable<ReadResponse>>>) {
  const printed: string[] = [];
  const failed: string[] = [];
  const list = Object.entries(sources).map(([host, batches]) => ({
    host,
    batches,
    fail: (error: unknown) => void failed.push(`${host}: ${(error as Error).message}`),
  }));
  for await (const portion of mergedLogs(list))
    for (const { host, response } of portion)
      if (response.event?.$case === 'lines')
        printed.push(`${host} ${response.event.value.lines.map(({ text }) => text).join()}`);
  return { printed, failed };
}

test('lines of several hosts come in the order of their times', async () => {
  const { printed } = await merged({
    a: of(batch(line(1, 'one'), line(4, 'four')), batch(line(5, 'five'))),
    b: of(batch(line(2, 'two')), batch(line(3, 'three'), line(6, 'six'))),
  });
  expect(printed).toEqual(['a one', 'b two', 'b three', 'a four', 'a five', 'b six']);
});

test('a slow host is waited for', async () => {
  const slow = () => new Promise<void>((resolve) => setTimeout(resolve, 300));
  const { printed } = await merged({ a: of(batch(line(2, 'two'))), b: of(slow, batch(line(1, 'one'))) });
  expect(printed).toEqual(['b one', 'a two']);
});

test('the pieces of a long line stay together', async () => {
  const { printed } = await merged({
    a: of(batch(line(1, 'long ', true), line(3, 'line'))),
    b: of(batch(line(2, 'other'))),
  });
  expect(printed).toEqual(['a long ', 'a line', 'b other']);
});

test('a failing host is reported once, and holds up nobody', async () => {
  const fails = async (): Promise<void> => {
    throw new Error('cut');
  };
  const { printed, failed } = await merged({
    a: of(batch(line(1, 'one')), fails),
    b: of(batch(line(2, 'two')), CAUGHT_UP, batch(line(3, 'three'))),
  });
  expect([printed, failed]).toEqual([['a one', 'b two', 'b three'], ['a: cut']]);
});
