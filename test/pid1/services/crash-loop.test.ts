import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { METRICS, TestContainer } from '../../helpers/container.js';
import { waitFor } from '../../helpers/wait-for.js';

/** Writes into its own directory at each start, as many programs do: that is no reason to start it sooner. */
const CRASHES = '#!/bin/sh\ndate +%s%N >> starts\nexit 3\n';

let container: TestContainer;
afterEach(() => container.dispose());

const startTimesMs = (): readonly number[] =>
  readFileSync(join(container.services, 'crashes/starts'), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => Number(line) / 1e6);

describe('a service that crashes at once', () => {
  test('is started again after 1, 2 and 4 seconds', async () => {
    container = await TestContainer.boot({ services: { crashes: { run: CRASHES } }, args: METRICS });
    const times = await waitFor('four starts', () => startTimesMs().length >= 4 && startTimesMs(), 12_000);
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    for (const [index, wantedMs] of [1000, 2000, 4000].entries()) {
      expect(gaps[index]).toBeGreaterThan(wantedMs * 0.89);
      // Nearer to it than to the next one.
      expect(gaps[index]).toBeLessThan(wantedMs * 1.5);
    }
    const status = await container.reaches('crashes', 'backoff');
    expect(status).toMatchObject({
      consecutiveFailures: 4,
      restartsTotal: 3,
      run: 4,
      lastExit: { code: 3, expected: false },
      trouble: expect.stringMatching(/^exited with code 3 after \d+ ms$/),
    });
    expect(await container.table()).toMatch(/exited with code 3 after \d+ ms/);
    expect(await container.metric('my_init_service_restarts_total{service="crashes",reason="exit"}')).toBe(3);
    expect(await container.metric('my_init_service_consecutive_failures{service="crashes"}')).toBe(4);
  }, 20_000);

  test('is tried at once when somebody asks, and the answer says that it crashed', async () => {
    container = await TestContainer.boot({ services: { crashes: { run: CRASHES } } });
    await waitFor('the longer delay', async () => Number((await container.status('crashes')).consecutiveFailures) >= 2);
    await container.reaches('crashes', 'backoff');
    const before = startTimesMs().length;
    const { code, stdout, stderr } = await container.svctl('start', 'crashes');
    expect(code).not.toBe(0);
    expect(stdout + stderr).toContain('exited with code 3');
    expect(startTimesMs().length).toBe(before + 1);
    expect(await container.status('crashes')).toMatchObject({ consecutiveFailures: 1 });
  });

  test('is tried at once when its run is mended, and forgiven', async () => {
    container = await TestContainer.boot({ services: { crashes: { run: CRASHES } } });
    await waitFor('the longer delay', async () => Number((await container.status('crashes')).consecutiveFailures) >= 2);
    await container.reaches('crashes', 'backoff');
    container.write('crashes/run', '#!/bin/sh\nexec sleep 1000\n');
    const status = await container.reaches('crashes', 'up');
    expect(status).toMatchObject({ trouble: '', consecutiveFailures: 0, cause: { kind: 'CAUSE_KIND_SCAN' } });
  });

  test('with success is told that it has to stay in the foreground', async () => {
    container = await TestContainer.boot({ services: { leaves: { run: '#!/bin/sh\nexit 0\n' } } });
    const { trouble } = await container.reaches('leaves', 'backoff');
    expect(trouble).toMatch(/^exited with code 0 after \d+ ms \(it has to stay in the foreground/);
  });
});
