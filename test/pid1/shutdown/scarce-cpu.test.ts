import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { TestContainer } from '../../helpers/container.js';
import { type CpuGroup, cpuGroup } from '../../helpers/scarce-cpu.js';
import { waitFor } from '../../helpers/wait-for.js';
import { sh } from '../../helpers/whole-run.js';

let group: CpuGroup | undefined;
let container: TestContainer | undefined;
beforeAll(() => {
  group = cpuGroup(5);
});
afterEach(async () => {
  await container?.dispose();
  container = undefined;
});
afterAll(() => group?.dispose());

describe('TERM with a twentieth of a CPU', () => {
  test.each([0, 50, 500, 2_000, 6_000])('ends in order %i ms after the start', async (afterMs) => {
    if (group === undefined) return;
    container = await TestContainer.boot({
      unattended: true,
      prepare: group.enter,
      services: { web: { run: sh('exec sleep 1000') } },
      // What Kubernetes gives; with so little CPU, the 8 s of docker stop may be over before the controller is there.
      args: ['--shutdown-timeout', '25'],
    });
    const { pid } = await waitFor('my_init', () => pidOf(container));
    await delay(afterMs);
    process.kill(pid, 'SIGTERM');
    expect({ code: await container.exit, log: container.log() }).toMatchObject({ code: 0 });
  });
});

function pidOf(started: TestContainer | undefined): { readonly pid: number } | undefined {
  try {
    return started && { pid: started.pid };
  } catch {
    return undefined;
  }
}
