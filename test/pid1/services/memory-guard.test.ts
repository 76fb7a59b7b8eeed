import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { METRICS } from '../../helpers/container.js';
import type { ControlGroup } from '../../helpers/control-group.js';
import { boot, container, isThere, lines, out } from '../../helpers/defined-services.js';
import { leak, memoryGroup, oomKillsOf } from '../../helpers/memory-group.js';
import { waitFor } from '../../helpers/wait-for.js';
import { sh, untilThere } from '../../helpers/whole-run.js';

/** For a program that leaks 2 MiB every 50 ms and begins with some 10. */
const MAX = '64m';
const EXCEEDED = /used \d+ MiB of memory, more than its memory_max of 64 MiB/;

const leaking = (rest: string, command = leak(2)): string => `services:
  leak: { command: "${command}", memory_max: ${MAX}, ${rest} }
`;
/** Leaks as soon as {@link go} is called. */
const LEAKS_LATER = `${untilThere('$OUT/go')}; ${leak(2)}`;
const go = () => container.exec('touch', join(out, 'go'));

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

  test('ends the run with TERM; the end of a short run is a failed start, which delays the next one', async () => {
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

  test('for: the run may use more for this long', async () => {
    await boot(`services:
  patient: { command: "${leak(2)}", memory_max: { size: ${MAX}, for: 1h } }
  leak: { command: "${leak(2)}", memory_max: { size: ${MAX}, for: 100ms }, restart: no }
`);
    expect((await container.reaches('leak', 'failed', 60_000)).trouble).toMatch(EXCEEDED);
    await waitFor('as much of the other', async () => (await residentBytesOf('patient')) > 80 * 2 ** 20);
    expect(await container.status('patient')).toMatchObject({ run: 1, state: 'SERVICE_STATE_UP' });
  });

  test('action: a signal is sent once each time the limit is exceeded', async () => {
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

  test('a hold keeps the service running, and the end of the hold does not', async () => {
    await boot(leaking('restart: no', LEAKS_LATER));
    const { pid } = await container.reaches('leak', 'up');
    await container.svctl('hold', 'leak', '--for', '1h');
    await go();
    await waitFor('more than memory_max', async () => (await residentBytesOf('leak')) > 80 * 2 ** 20);
    expect(await container.status('leak')).toMatchObject({ pid, state: 'SERVICE_STATE_UP' });
    await container.svctl('release', 'leak');
    expect((await container.reaches('leak', 'failed')).trouble).toMatch(EXCEEDED);
  });

  test('goes on with the next controller', async () => {
    await boot(leaking('restart: no', LEAKS_LATER));
    const { pid } = await container.reaches('leak', 'up');
    process.kill(container.controllerPid, 'SIGKILL');
    await go();
    const { trouble, run } = await container.reaches('leak', 'failed', 60_000);
    expect(trouble).toMatch(EXCEEDED);
    expect(run).toBe(1);
    expect(pid).toBeGreaterThan(0);
  });
});

describe('the cgroup of a service with memory_max', () => {
  let group: ControlGroup | undefined;
  beforeAll(() => {
    group = memoryGroup(160 * 2 ** 20);
  });
  afterAll(() => group?.dispose());

  /** The groups of the services, by the names of their directories. */
  const groupsIn = (own: ControlGroup): readonly string[] =>
    readdirSync(own.directory).filter((name) => name.startsWith('my_init-'));

  /** Boots in the group of the container; undefined where no group can be made. */
  async function bootIn(services: string, prepare = 'true'): Promise<ControlGroup | undefined> {
    if (group === undefined || !existsSync(join(group.directory, 'memory.limit_in_bytes'))) {
      console.warn('no cgroup can be made here: memory is read from /proc');
      return undefined;
    }
    await boot(services, { args: METRICS, prepare: `${group.enter}; ${prepare}` });
    return group;
  }

  const CALM = 'services: { calm: { command: sleep 1000, memory_max: 64m } }\n';
  const explained = async (): Promise<string> => (await container.svctl('explain', 'calm')).stdout;

  test('is made at the start, known to the next controller, and removed at the end of the container', async () => {
    const own = await bootIn(CALM);
    if (own === undefined) return;
    const { pid } = await container.reaches('calm', 'up');
    expect(groupsIn(own)).toEqual([expect.stringMatching(/^my_init-.+-calm$/)]);
    expect(await explained()).toContain('  Its memory is read from a cgroup of its own.\n');
    process.kill(container.controllerPid, 'SIGKILL');
    await waitFor('the next controller', () => container.answers());
    expect(await explained()).toContain('  Its memory is read from a cgroup of its own.\n');
    expect(await container.status('calm')).toMatchObject({ pid, run: 1 });
    await container.svctl('shutdown', '--no-wait');
    await waitFor('the end of the groups', () => groupsIn(own).length === 0);
  });

  test('is new for each run, and removed with the service', async () => {
    const own = await bootIn(CALM);
    if (own === undefined) return;
    const directory = join(container.services, 'dev');
    container.addService('dev', { run: sh('exec sleep 1000'), 'service.yaml': 'memory_max: 64m\n' });
    await container.reaches('dev', 'up');
    expect(groupsIn(own)).toHaveLength(2);
    await container.svctl('restart', 'dev');
    expect((await container.svctl('explain', 'dev')).stdout).toContain('a cgroup of its own.');
    rmSync(directory, { recursive: true });
    await waitFor('the end of a group', () => groupsIn(own).length === 1);
  });

  test('is not used for a new run while a process of an earlier run is still in it', async () => {
    const own = await bootIn(
      'services: { calm: { command: "setsid sleep 1000 & exec sleep 1000", memory_max: 64m } }\n',
    );
    if (own === undefined) return;
    await container.reaches('calm', 'up');
    await container.svctl('restart', 'calm');
    expect(await explained()).toContain(
      '  Its memory is read from /proc, without a cgroup of its own (that of an earlier run is still in use).\n',
    );
  });

  test('counts a process that has left the session', async () => {
    const daemon = leak(2).replace('exec ', 'setsid ');
    const own = await bootIn(
      `services:
  leak:
    command: |
      ${daemon} &
      exec sleep 1000
    memory_max: ${MAX}
    restart: no
`,
    );
    if (own === undefined) return;
    expect((await container.reaches('leak', 'failed', 60_000)).trouble).toMatch(EXCEEDED);
  });

  test('belongs to a run that goes on in another process', async () => {
    const daemon = leak(2).replace('exec ', `${untilThere('$OUT/go')}; `);
    const own = await bootIn(
      `services:
  leak:
    command: |
      setsid sh -c '${daemon.replaceAll("'", `'\\''`)}' &
      exec python3 -c 'import os, socket, subprocess
      child = subprocess.Popen(["sleep", "1000"]).pid
      s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
      s.sendto(b"MAINPID=%d\\nREADY=1" % child, os.environ["NOTIFY_SOCKET"])'
    ready: { notify: true }
    memory_max: ${MAX}
    restart: no
`,
    );
    if (own === undefined) return;
    await waitFor('the other process', async () => {
      const { pid, state } = await container.status('leak');
      return state === 'SERVICE_STATE_UP' && (await container.exec('cat', `/proc/${pid}/comm`)).stdout === 'sleep\n';
    });
    await go();
    expect((await container.reaches('leak', 'failed', 60_000)).trouble).toMatch(EXCEEDED);
  });

  test('hides no kill by the kernel', async () => {
    if ((await bootIn(`services: { leak: { command: "${leak(8)}", memory_max: 1g, restart: no } }\n`)) === undefined)
      return;
    expect((await container.reaches('leak', 'failed', 60_000)).trouble).toMatch(/160 MiB was reached/);
    expect(await container.metric('my_init_service_oom_kills_total{service="leak"}')).toBe(1);
    expect(await container.metric('my_init_oom_kills_total')).toBeGreaterThan(0);
  });

  test('does not exist where the file system is read-only: the guard reads /proc', async () => {
    const services = `${CALM.replace(' }\n', ',')} leak: { command: "${leak(2)}", memory_max: ${MAX}, restart: no } }\n`;
    if ((await bootIn(services, 'mount -o remount,ro,bind /sys/fs/cgroup/memory')) === undefined) return;
    await container.reaches('calm', 'up');
    expect(await explained()).toMatch(
      / {2}Its memory is read from \/proc, without a cgroup of its own \(\S+: EROFS\)\.\n/,
    );
    expect((await container.reaches('leak', 'failed', 60_000)).trouble).toMatch(EXCEEDED);
  });
});
