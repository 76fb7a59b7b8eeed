import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { METRICS } from '../../helpers/container.js';
import type { ControlGroup } from '../../helpers/control-group.js';
import { boot, container } from '../../helpers/defined-services.js';
import { limitMemory, memoryGroup } from '../../helpers/memory-group.js';
import { waitFor } from '../../helpers/wait-for.js';

const SVCTL = join(fileURLToPath(new URL('../../../dist', import.meta.url)), 'svctl.js');
const MIB = 2 ** 20;
const SERVICES = 'services: { web: { command: sleep 1000 } }\n';

let group: ControlGroup | undefined;
beforeAll(() => {
  group = memoryGroup(256 * MIB);
});
afterAll(() => group?.dispose());

const followers: ChildProcess[] = [];
afterEach(() => {
  for (const child of followers.splice(0)) child.kill('SIGKILL');
});

/** Runs svctl in the background. Returns its output so far. */
function follow(...args: readonly string[]): () => string {
  const child = spawn(SVCTL, ['--socket', container.socket, ...args]);
  followers.push(child);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    text += more;
  });
  return () => text;
}

/** Boots a container that may use 256 MiB; undefined where no cgroup can be made. */
async function limited(): Promise<ControlGroup | undefined> {
  if (group === undefined) {
    console.warn('no cgroup can be made here: nothing has a limit');
    return undefined;
  }
  limitMemory(group, 256 * MIB);
  await boot(SERVICES, { args: METRICS, prepare: group.enter });
  await container.reaches('web', 'up');
  return group;
}

test('a change of the memory limit is an event for watchers, a line of the log, and a fact of svctl info', async () => {
  const own = await limited();
  if (own === undefined) return;
  expect((await container.svctl('info')).stdout).toMatch(/^limits +256 MiB of memory/m);
  const seen = follow('watch');
  const asJson = follow('watch', '-o', 'jsonl', 'web');
  await waitFor('the snapshot', () => asJson().includes('snapshot'));
  // The watch shows no snapshot: it has begun when it shows a change.
  await container.svctl('restart', 'web');
  await waitFor('a change', () => seen().includes('web'));
  limitMemory(own, 512 * MIB);
  // Any look at the limits notices the change; heartbeats look, too.
  expect(await container.metric('my_init_memory_limit_bytes')).toBe(512 * MIB);
  const words = 'the memory limit of the container is 512 MiB now; it was 256 MiB';
  await waitFor('the event', () => seen().includes(words) && asJson().includes('"limits"'));
  const event = asJson()
    .split('\n')
    .find((line) => line.includes('"limits"'));
  expect(JSON.parse(event ?? '')).toMatchObject({
    limits: { limits: { memoryBytes: String(512 * MIB) }, before: { memoryBytes: String(256 * MIB) } },
  });
  expect(container.log().split(words)).toHaveLength(2);
});

test('a change while there is no controller is noticed by the next one', async () => {
  const own = await limited();
  if (own === undefined) return;
  const { controllerPid } = container;
  process.kill(controllerPid, 'SIGSTOP');
  limitMemory(own, 512 * MIB);
  process.kill(controllerPid, 'SIGKILL');
  await waitFor('the line', () =>
    container.log().includes('the memory limit of the container is 512 MiB now; it was 256 MiB'),
  );
});
