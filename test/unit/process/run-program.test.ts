import { describe, expect, test } from '@jest/globals';
import type { SpawnOrder } from '../../../src/process/process-host.js';
import { type ProgramEnd, succeeded } from '../../../src/process/run-program.js';
import { FakeHost } from '../../helpers/fake-host.js';

const ORDER: SpawnOrder = { purpose: 'script 1', program: '/script', args: [], environment: new Map(), as: 'session' };
const FOREVER = { timeoutMs: Number.POSITIVE_INFINITY };

describe('a short program', () => {
  test('runs to its end', async () => {
    const host = new FakeHost();
    const pids: number[] = [];
    const run = host.run(ORDER, { ...FOREVER, spawned: (pid) => pids.push(pid) });
    expect(host.living).toMatchObject([{ pid: pids[0], program: '/script' }]);
    host.end(pids[0] ?? 0, { kind: 'exited', code: 3 });
    const end = await run;
    expect(end).toMatchObject({ status: { kind: 'exited', code: 3 }, cutShort: undefined, failure: undefined });
    expect(succeeded(end)).toBe(false);
  });

  test('gets TERM when its time is up', async () => {
    const end = await new FakeHost().run(ORDER, { timeoutMs: 1 });
    expect(end).toMatchObject({ status: { kind: 'signaled', signal: 15 }, cutShort: 'timeout' });
  });

  test('gets KILL when it ignores TERM', async () => {
    const host = new FakeHost();
    host.behaviour.stubborn = true;
    const end = await host.run(ORDER, { timeoutMs: 1, graceMs: 1 });
    expect(end).toMatchObject({ status: { kind: 'signaled', signal: 9 }, cutShort: 'timeout' });
  });

  test.each(['before it begins', 'while it runs'])('ends early when it is stopped %s', async (when) => {
    const stop = new AbortController();
    if (when === 'before it begins') stop.abort();
    const run = new FakeHost().run(ORDER, { ...FOREVER, stop: stop.signal });
    stop.abort();
    expect(await run).toMatchObject({ status: { kind: 'signaled', signal: 15 }, cutShort: 'stop' });
  });

  test('has failed if it cannot be started, without an exit status', async () => {
    const host = new FakeHost();
    host.behaviour.forkFails = true;
    const end = await host.run(ORDER, FOREVER);
    expect(end).toMatchObject({ status: { kind: 'lost' }, failure: { stage: 'spawn', code: 'EAGAIN' } });
  });

  test('is waited for by the next controller, and ended by it', async () => {
    const host = new FakeHost();
    let dead = false;
    void host.seenBy(() => !dead).run(ORDER, FOREVER);
    dead = true;
    host.orphan();
    const [{ pid } = { pid: 0 }] = host.living;
    const ends: ProgramEnd[] = [];
    const end = await host.resumeRun(pid, { timeoutMs: 1, ended: (known) => ends.push(known) });
    expect(end).toMatchObject({ status: { kind: 'signaled', signal: 15 }, cutShort: 'timeout' });
    expect(ends).toEqual([end]);
  });
});
