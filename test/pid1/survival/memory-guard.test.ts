import { afterAll, afterEach, expect, test } from '@jest/globals';
import { METRICS, TestContainer } from '../../helpers/container.js';
import { linesOf } from '../../helpers/lines-of.js';
import { LIMIT_MS, MortalController, STEP } from '../../helpers/mortal-controller.js';
import { waitFor } from '../../helpers/wait-for.js';

const mortal = new MortalController({ untiring: true });
afterAll(() => mortal.dispose());
let container: TestContainer;
afterEach(() => container.dispose());

/** A program near its memory_max, which it exceeds on request. It notes what happens to it. */
const HUNGRY = `#!/usr/bin/python3
import os, signal, time

def note(word):
    with open('/run/notes', 'a') as notes:
        notes.write(word + '\\n')

def end(number, frame):
    note('TERM')
    os._exit(0)

signal.signal(signal.SIGTERM, end)
note('run')
kept = [bytearray(44 << 20)]
while not os.path.exists('/run/eat'):
    time.sleep(0.02)
os.remove('/run/eat')
kept.append(bytearray(64 << 20))
while True:
    time.sleep(1000)
`;
const SERVICES = `services:
  web: { command: sleep 1000 }
  hungry: { command: /etc/hungry, memory_max: 64m, restart_delay: { initial: 10ms, factor: 1 } }
`;

const notes = (): readonly string[] => linesOf(`/proc/${container.pid}/root/run/notes`);
const BY_GUARD = 'my_init_service_restarts_total{service="hungry",reason="memory"}';

test(
  'a run that exceeds its memory_max is ended once and followed by one run, whenever the controller dies',
  async () => {
    container = await TestContainer.boot({
      installation: mortal.installation,
      args: METRICS,
      etc: { 'my_init/services.yaml': SERVICES, hungry: HUNGRY },
      prepare: 'chmod +x /etc/hungry',
    });
    const { pid: otherPid } = await container.reaches('web', 'up');
    let { pid, run } = await container.reaches('hungry', 'up');
    await waitFor('the first run', () => notes().length === 1);
    let deaths = 0;
    let died = true;
    for (let acts = 1; died; acts += STEP || 97) {
      const before = notes().length;
      const controllerPid = await container.controller();
      await mortal.doom(container, acts);
      await container.exec('touch', '/run/eat');
      // Calls to the controller would count as its acts.
      await waitFor(`${acts} acts: the next run`, () => notes().slice(before).includes('run'), 60_000);
      await mortal.doom(container, 0);
      const next = await container.reaches('hungry', 'up');
      died = (await container.controller()) !== controllerPid;
      if (died) deaths++;
      expect({ acts, notes: notes().slice(before), run: next.run, isNew: next.pid !== pid }).toEqual({
        acts,
        notes: ['TERM', 'run'],
        run: Number(run) + 1,
        isNew: true,
      });
      expect(await container.metric(BY_GUARD)).toBe(run);
      ({ pid, run } = next);
      expect((await container.status('web')).pid).toBe(otherPid);
    }
    expect(deaths).toBeGreaterThan(1);
  },
  LIMIT_MS,
);
