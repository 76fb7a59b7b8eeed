import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { METRICS, TestContainer } from '../../helpers/container.js';
import { linesOf } from '../../helpers/lines-of.js';
import { waitFor } from '../../helpers/wait-for.js';

/**
 * Writes into its own directory at each start, as many programs do: this is no reason to start it
 * sooner.
 */
const CRASHES = '#!/bin/sh\ndate +%s%N >> starts\nexit 3\n';

let container: TestContainer;
afterEach(() => container.dispose());

const startTimesMs = (): readonly number[] =>
  linesOf(join(container.services, 'crashes/starts')).map((line) => Number(line) / 1e6);

describe('a service that crashes at once', () => {
  test('is started again after 1, 2 and 4 seconds', async () => {
    container = await TestContainer.boot({ services: { crashes: { run: CRASHES } }, args: METRICS });
    const times = await waitFor('four starts', () => startTimesMs().length >= 4 && startTimesMs());
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    for (const [index, wantedMs] of [1000, 2000, 4000].entries()) expect(gaps[index]).toBeGreaterThan(wantedMs * 0.89);
    const status = await container.reaches('crashes', 'backoff');
    expect(status).toMatchObject({
      consecutiveFailures: 4,
      restartsTotal: 3,
      run: 4,
      lastExit: { code: 3, expected: false },
      trouble: expect.stringMatching(/^exited with code 3 after [\d.]+ m?s$/),
    });
    expect(await container.table()).toMatch(/exited with code 3 after [\d.]+ m?s/);
    expect(await container.metric('my_init_service_restarts_total{service="crashes",reason="exit"}')).toBe(3);
    // Jitter is a tenth; the machine may be late, the planned delay is not.
    const plannedSeconds = await container.metric('my_init_service_backoff_seconds{service="crashes"}');
    expect(Math.abs((plannedSeconds ?? 0) - 8)).toBeLessThan(0.9);
    expect(await container.metric('my_init_service_consecutive_failures{service="crashes"}')).toBe(4);
  });

  test('is tried at once when somebody asks, and the answer says that it crashed', async () => {
    const patient = { run: CRASHES, 'service.yaml': 'restart_delay: { initial: 10m, max: 10m }\n' };
    container = await TestContainer.boot({ services: { crashes: patient } });
    await container.reaches('crashes', 'backoff');
    for (const before of [startTimesMs().length, startTimesMs().length + 1]) {
      const { code, stdout, stderr } = await container.svctl('start', 'crashes');
      expect(code).not.toBe(0);
      expect(stdout + stderr).toContain('exited with code 3');
      expect(startTimesMs().length).toBe(before + 1);
      expect(await container.status('crashes')).toMatchObject({ consecutiveFailures: 1 });
    }
  });

  test('is tried at once when its run is mended, and its failures are forgotten', async () => {
    container = await TestContainer.boot({ services: { crashes: { run: CRASHES } } });
    await waitFor('the longer delay', async () => Number((await container.status('crashes')).consecutiveFailures) >= 2);
    await container.reaches('crashes', 'backoff');
    container.write('crashes/run', '#!/bin/sh\nexec sleep 1000\n');
    const status = await container.reaches('crashes', 'up');
    expect(status).toMatchObject({ trouble: '', consecutiveFailures: 0, cause: { kind: 'CAUSE_KIND_SCAN' } });
  });

  test('passes to finish how the run ended, and whether somebody asked for the end', async () => {
    const finish = '#!/bin/sh\necho "$1 $MY_INIT_EXPECTED $MY_INIT_FAILURES $MY_INIT_RUN_SECONDS" >> ends\n';
    container = await TestContainer.boot({
      services: { crashes: { run: CRASHES, finish }, stays: { run: '#!/bin/sh\nexec sleep 1000\n', finish } },
    });
    const ends = (name: string) =>
      readFileSync(join(container.services, name, 'ends'), 'utf8')
        .trim()
        .split('\n');
    await container.reaches('stays', 'up');
    await waitFor(
      'the second failure',
      async () => Number((await container.status('crashes')).consecutiveFailures) >= 2,
    );
    expect(ends('crashes').slice(0, 2)).toEqual([
      expect.stringMatching(/^3 0 1 \d+\.\d{3}$/),
      expect.stringMatching(/^3 0 2 \d+\.\d{3}$/),
    ]);
    expect((await container.svctl('restart', 'stays')).code).toBe(0);
    expect(ends('stays')).toEqual([expect.stringMatching(/^-1 1 0 \d+\.\d{3}$/)]);
  });

  test('and whose finish exits with 125 is given up, until somebody asks for a start', async () => {
    container = await TestContainer.boot({ services: { crashes: { run: CRASHES, finish: '#!/bin/sh\nexit 125\n' } } });
    const failed = await container.reaches('crashes', 'failed');
    expect(failed).toMatchObject({
      trouble: 'exited with code 3, and its finish exited with 125: not started again',
      run: 1,
    });
    expect(failed.nextStartAt).toBeUndefined();
    await container.svctl('start', 'crashes');
    expect(await container.reaches('crashes', 'failed')).toMatchObject({ run: 2 });
  });

  test('after seconds, again and again, is in a crash loop: delayed, not ready, and its status says so', async () => {
    container = await TestContainer.boot({
      services: { tired: { run: '#!/bin/sh\nsleep 1.2\nexit 3\n' } },
    });
    const backoff = await container.reaches('tired', 'backoff');
    expect(backoff).toMatchObject({ consecutiveFailures: 2, run: 2, ready: false });
    const [, seconds] = /^exited with code 3 after (\d+\.\d) s$/.exec(String(backoff.trouble)) ?? [];
    expect(Number(seconds)).toBeGreaterThanOrEqual(1.2);
    const starting = await container.reaches('tired', 'starting');
    expect(starting.run).toBe(3);
    // The crash loop lasts until a run has lasted, and none does.
    expect(await container.reaches('tired', 'backoff')).toMatchObject({ consecutiveFailures: 3, run: 3 });
  });

  test('with success is reported with the advice to stay in the foreground', async () => {
    container = await TestContainer.boot({ services: { leaves: { run: '#!/bin/sh\nexit 0\n' } } });
    const { trouble } = await container.reaches('leaves', 'backoff');
    expect(trouble).toMatch(/^exited with code 0 after [\d.]+ m?s \(it has to stay in the foreground/);
  });
});
