import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { awaitLine } from '../../../src/logs/read/await-line.js';
import { FakeLogs, type FakeSource } from '../../helpers/fake-logs.js';
import { waitFor } from '../../helpers/wait-for.js';

let logs: FakeLogs;
let web: FakeSource;
let found: number;
let stop: () => void;
beforeEach(() => {
  logs = new FakeLogs();
  web = logs.of('web');
  found = 0;
});
afterEach(() => {
  stop();
  logs.close();
});

const wait = (pattern: string): void => {
  stop = awaitLine(logs, 'web', pattern, () => {
    found++;
  });
};

/** Waits until all lines written so far have been searched. */
const looked = async (): Promise<void> => {
  for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate);
};

describe('the first line that matches', () => {
  test('is reported once, and ends the wait', async () => {
    web.mark('started', 1);
    wait('ready to serve');
    web.line('not ready');
    await looked();
    expect(found).toBe(0);
    web.line('server: ready to serve, port 80', { stream: 'stderr' });
    web.line('ready to serve');
    await waitFor('the line', () => found > 0);
    await looked();
    expect(found).toBe(1);
    expect(web.subscribers).toBe(0);
  });

  test('is found even if it was written before the wait, as for the next controller', async () => {
    web.mark('started', 1);
    web.line('ready');
    wait('ready');
    await waitFor('the line', () => found > 0);
  });

  test('is not one of an earlier run', async () => {
    web.mark('started', 1);
    web.line('ready');
    web.mark('started', 2);
    wait('ready');
    await looked();
    expect(found).toBe(0);
    web.line('ready');
    await waitFor('the line', () => found > 0);
  });

  test('is found behind more lines than the store holds', async () => {
    web.mark('started', 1);
    wait('^ready$');
    for (let round = 0; round < 20; round++) web.lines(Array.from({ length: 1_000 }, (_, index) => `line ${index}`));
    web.line('ready');
    await waitFor('the line', () => found > 0);
  });

  test('is not reported after the wait has been stopped', async () => {
    web.mark('started', 1);
    wait('ready');
    web.line('ready');
    stop();
    await looked();
    expect(found).toBe(0);
    expect(web.subscribers).toBe(0);
  });

  test('of an invalid pattern never comes, and does no harm', async () => {
    web.mark('started', 1);
    wait('(');
    web.line('(');
    await looked();
    expect(found).toBe(0);
  });
});
