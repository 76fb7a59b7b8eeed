import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { METRICS } from '../../helpers/container.js';
import type { ControlGroup } from '../../helpers/control-group.js';
import { boot, container, isThere, lines } from '../../helpers/defined-services.js';
import { leak, memoryGroup, oomKillsOf } from '../../helpers/memory-group.js';
import { waitFor } from '../../helpers/wait-for.js';

/** Of a program that leaks 2 MiB every 50 ms and begins with some 10. */
const MAX = '64m';
const EXCEEDED = /used \d+ MiB of memory, more than its memory_max of 64 MiB/;

const leaking = (rest: string): string => `services:
  leak: { command: "${leak(2)}", memory_max: ${MAX}, ${rest} }
`;

async function residentBytesOf(name: string): Promise<number> {
  const { pid } = await container.status(name);
  const { stdout } = await container.svctl('ps', '-o', 'json');
  const { processes } = JSON.parse(stdout) as { processes: { pid: number; residentBytes: string }[] };
  return Number(processes.find((each) => each.pid === pid)?.residentBytes ?? 0);
}

/** The first restart by the guard. */
const restarted = (): Promise<unknown> =>
  waitFor('a restart', async () => (await container.metric(BY_GUARD)) === 1, 60_000);
const BY_GUARD = 'my_init_service_restarts_total{service="leak",reason="memory"}';

describe('memory_max', () => {
  let group: ControlGroup | undefined;
  beforeAll(() => {
    group = memoryGroup(384 * 2 ** 20);
  });
  afterAll(() => group?.dispose());

  test('of three services in a container with a limit, the one that leaks is restarted, before the kernel kills', async () => {
    await boot(
      `services:
  web: { command: sleep 1000 }
  leak: { command: "${leak(2)}", memory_max: ${MAX} }
  worker: { command: sleep 1000 }
`,
      { args: METRICS, prepare: group?.enter ?? '' },
    );
    const before = [await container.status('web'), await container.status('worker')];
    await restarted();
    expect(container.log()).toMatch(EXCEEDED);
    expect(container.log()).not.toContain('killed by the kernel');
    expect([await container.status('web'), await container.status('worker')].map(({ pid }) => pid)).toEqual(
      before.map(({ pid }) => pid),
    );
    if (group !== undefined) expect(oomKillsOf(group)).toBe(0);
  });

  test('ends the run with TERM; a short one is a failed start, which the next one is delayed for', async () => {
    await boot(leaking('restart_delay: { initial: 1h, max: 1h }'));
    const { trouble, lastExit, cause, run } = await container.reaches('leak', 'backoff', 60_000);
    expect(trouble).toMatch(EXCEEDED);
    expect(run).toBe(1);
    expect(lastExit).toMatchObject({ signal: 'TERM' });
    expect(cause).toMatchObject({ kind: 'CAUSE_KIND_MEMORY' });
    expect((await container.svctl('explain', 'leak')).stdout).toMatch(
      /memory_max of 64 MiB \(memory_max, .*services.yaml:2\)/,
    );
  });

  test('restart: no gives the service up', async () => {
    await boot(leaking('restart: no'));
    expect((await container.reaches('leak', 'failed', 60_000)).trouble).toMatch(EXCEEDED);
  });

  test('for: so long it may use more', async () => {
    await boot(`services:
  patient: { command: "${leak(2)}", memory_max: { size: ${MAX}, for: 1h } }
  leak: { command: "${leak(2)}", memory_max: { size: ${MAX}, for: 100ms }, restart: no }
`);
    expect((await container.reaches('leak', 'failed', 60_000)).trouble).toMatch(EXCEEDED);
    await waitFor('as much of the other', async () => (await residentBytesOf('patient')) > 80 * 2 ** 20);
    expect(await container.status('patient')).toMatchObject({ run: 1, state: 'SERVICE_STATE_UP' });
  });

  test('action: a signal is sent once each time', async () => {
    await boot(`services:
  leak:
    command: |
      trap 'echo USR1 >> $OUT/signals' USR1
      ${leak(2).replace('exec ', '')} &
      while :; do wait; done
    memory_max: { size: ${MAX}, action: USR1 }
`);
    await isThere('signals');
    expect((await container.status('leak')).state).toBe('SERVICE_STATE_UP');
    expect(lines('signals')).toEqual(['USR1']);
  });

  test('a hold keeps the service, and its end does not', async () => {
    await boot(leaking('restart: no'));
    await container.svctl('hold', 'leak', '--for', '1h');
    const { pid } = await container.status('leak');
    await waitFor('more than memory_max', async () => (await residentBytesOf('leak')) > 80 * 2 ** 20);
    expect(await container.status('leak')).toMatchObject({ pid, state: 'SERVICE_STATE_UP' });
    await container.svctl('release', 'leak');
    expect((await container.reaches('leak', 'failed')).trouble).toMatch(EXCEEDED);
  });

  test('goes on with the next controller', async () => {
    await boot(leaking('restart: no'));
    const { pid } = await container.status('leak');
    process.kill(container.controllerPid, 'SIGKILL');
    const { trouble, run } = await container.reaches('leak', 'failed', 60_000);
    expect(trouble).toMatch(EXCEEDED);
    expect(run).toBe(1);
    expect(pid).toBeGreaterThan(0);
  });
});
