import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import { TestContainer } from '../../helpers/container.js';
import { cpuGroup } from '../../helpers/scarce-cpu.js';
import { waitFor } from '../../helpers/wait-for.js';
import { sh } from '../../helpers/whole-run.js';

/** So little CPU that a fast machine is slow too: Node alone takes several seconds to start. */
const PERCENT = 2;

const group = cpuGroup(PERCENT);
let container: TestContainer | undefined;
afterEach(async () => {
  await container?.dispose();
  container = undefined;
});
afterAll(() => group?.dispose());

// Left out where the test may not make a cgroup.
(group ? describe : describe.skip)(`TERM with ${PERCENT} % of a CPU`, () => {
  test.each([0, 500, 3_000])('ends in order %i ms after the start', async (afterMs) => {
    container = await TestContainer.boot({
      unattended: true,
      prepare: group?.enter ?? '',
      services: { web: { run: sh('exec sleep 1000') } },
      // The time that Kubernetes allows: that of docker stop is over before the controller runs.
      args: ['--shutdown-timeout', '25'],
    });
    const pid = await waitFor('my_init', () => pidOf(container));
    await delay(afterMs);
    process.kill(pid, 'SIGTERM');
    expect({ code: await container.exit, log: container.log() }).toMatchObject({ code: 0 });
  });
});

function pidOf(started: TestContainer | undefined): number | undefined {
  try {
    return started?.pid;
  } catch {
    return undefined;
  }
}
