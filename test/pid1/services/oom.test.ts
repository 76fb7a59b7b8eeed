import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { METRICS } from '../../helpers/container.js';
import type { ControlGroup } from '../../helpers/control-group.js';
import { boot, container, out } from '../../helpers/defined-services.js';
import { leak, memoryGroup, oomKillsOf } from '../../helpers/memory-group.js';
import { waitFor } from '../../helpers/wait-for.js';
import { untilThere, wholeRun } from '../../helpers/whole-run.js';

const LIMIT = 160 * 2 ** 20;

let group: ControlGroup | undefined;
beforeAll(() => {
  group = memoryGroup(LIMIT);
});
afterAll(() => group?.dispose());

/** A container with a memory limit. */
async function limited(services: string): Promise<ControlGroup | undefined> {
  if (group === undefined) console.warn('no cgroup can be made here: the kernel does not kill');
  await boot(services, { args: METRICS, prepare: group?.enter ?? '' });
  return group;
}

const leaking = (before = ''): string => `services:
  calm: { command: sleep 1000 }
  leak: { command: "${before}${leak(8)}", restart: no }
`;

describe('a service that the kernel kills for lack of memory', () => {
  test('is reported as such: in its status, explanation, log and metrics; the others live', async () => {
    if ((await limited(leaking())) === undefined) return;
    const calm = await container.status('calm');
    const failed = await container.reaches('leak', 'failed');
    const words = /killed by the kernel.*: the container's memory limit of 160 MiB was reached; it used 1[0-5]\d MiB/;
    expect(failed.trouble).toMatch(words);
    expect(failed.lastExit).toMatchObject({ signal: 'KILL', code: 137, oom: { limitBytes: String(LIMIT) } });
    expect((await container.table('leak')).split('\n')[1]).toMatch(/ oom, /);
    expect((await container.svctl('explain', 'leak')).stdout).toMatch(words);
    expect((await container.svctl('logs', 'leak', '--markers')).stdout).toMatch(/run 1 ended: oom/);
    expect(container.log()).toMatch(words);
    expect(await container.metric('my_init_service_oom_kills_total{service="leak"}')).toBe(1);
    expect(await container.metric('my_init_service_exits_total{service="leak",kind="oom"}')).toBe(1);
    expect(await container.metric('my_init_service_oom_kills_total{service="calm"}')).toBe(0);
    expect((await container.status('calm')).pid).toBe(calm.pid);
  });

  test('is reported as such even if there was no controller', async () => {
    if ((await limited(leaking(`${untilThere('$OUT/go')}; `))) === undefined) return;
    const before = oomKillsOf(group as ControlGroup);
    await container.reaches('leak', 'up');
    process.kill(container.controllerPid, 'SIGSTOP');
    await container.exec('touch', join(out, 'go'));
    await waitFor('the kernel to kill', () => oomKillsOf(group as ControlGroup) > before);
    process.kill(container.controllerPid, 'SIGKILL');
    const failed = await container.reaches('leak', 'failed');
    expect(failed.trouble).toMatch(/killed by the kernel.*160 MiB was reached/);
  });

  test('follows the exit rule for oom, which no other KILL matches', async () => {
    const services = `services:
  other: { command: 'kill -KILL $$$$', restart: no, exit_rules: [{ oom: true, action: complete }] }
  leak: { command: "${leak(8)}", exit_rules: [{ oom: true, action: complete }] }
`;
    if ((await limited(services)) === undefined) return;
    await container.reaches('leak', 'completed');
    expect(await container.reaches('other', 'failed')).toMatchObject({
      trouble: 'killed by KILL and is not started again',
    });
  });
});

test('a main command that the kernel kills for lack of memory ends the container with 137 and is reported as such', async () => {
  if (group === undefined) return;
  const args = ['sh', '-c', leak(8)];
  const { log, code } = await wholeRun({ prepare: group.enter, args });
  expect(log).toMatch(
    /Shutting down: sh was killed by the kernel: the container's memory limit of 160 MiB was reached/,
  );
  expect(code).toBe(137);
});

test('a KILL from outside is not attributed to the kernel, also after a kill by the kernel', async () => {
  const services = `services:
  calm: { command: sleep 1000, restart: no }
  leak: { command: "${leak(8)}", restart: no }
`;
  if ((await limited(services)) === undefined) return;
  await container.reaches('leak', 'failed');
  await container.exec('kill', '-KILL', String((await container.status('calm')).pid));
  expect(await container.reaches('calm', 'failed')).toMatchObject({
    trouble: 'killed by KILL and is not started again',
  });
});
