import { afterAll, afterEach, expect, test } from '@jest/globals';
import { TestContainer } from '../../helpers/container.js';
import { linesOf } from '../../helpers/lines-of.js';
import { LIMIT_MS, MortalController, STEP } from '../../helpers/mortal-controller.js';
import { waitFor } from '../../helpers/wait-for.js';

const mortal = new MortalController({ untiring: true });
afterAll(() => mortal.dispose());
let container: TestContainer;
afterEach(() => container.dispose());

const boot = async (services: string): Promise<void> => {
  const etc = { 'my_init/services.yaml': `services:\n${services}` };
  container = await TestContainer.boot({ installation: mortal.installation, etc });
};

/** The log shows each death: at this moment there may be no controller. */
const deathsTold = (): number => container.log().split('the controller ended: signal 9').length - 1;

/** svctl repeats each order until it is answered: its output is what was done. */
async function order(acts: number, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await container.svctl(...args);
  expect({ acts, args, code, stderr: code === 0 ? '' : stderr }).toEqual({ acts, args, code: 0, stderr: '' });
  return stdout;
}

/** The controller dies later and later, until it has outlived all effects of an order. */
async function diesAtEachAct(step: number, round: (acts: number) => Promise<void>): Promise<void> {
  let deaths = 0;
  let died = true;
  for (let acts = 1; died; acts += STEP || step) {
    const deathsBefore = deathsTold();
    await mortal.doom(container, acts);
    await round(acts);
    died = deathsTold() > deathsBefore;
    if (died) deaths++;
    await mortal.doom(container, 0);
  }
  expect(deaths).toBeGreaterThan(1);
}

test(
  'a hold and its end survive the controller: a process that ended meanwhile is started once',
  async () => {
    await boot("  db: { command: 'echo run >> /run/runs; exec sleep 1000' }\n");
    let { pid, run } = await container.reaches('db', 'up');
    const runs = () => linesOf(`/proc/${container.pid}/root/run/runs`).length;
    await waitFor('the first run', () => runs() === 1);
    await diesAtEachAct(37, async (acts) => {
      expect(await order(acts, 'hold', 'db', '--for', '1h', '--reason', 'heap dump')).toMatch(/^db is held /);
      await container.svctl('signal', 'KILL', 'db');
      expect(await container.reaches('db', 'waiting')).toMatchObject({ run, hold: { reason: 'heap dump' } });
      expect(await order(acts, 'release', 'db')).toBe('db is released\n');
      const next = await container.reaches('db', 'up');
      expect({ acts, run: next.run, hold: next.hold, isNew: next.pid !== pid }).toEqual({
        acts,
        run: Number(run) + 1,
        hold: undefined,
        isNew: true,
      });
      ({ pid, run } = next);
      // A service can be up before its script has begun.
      await waitFor(`${acts} acts: the next run`, () => runs() >= Number(run));
      expect({ acts, runs: runs() }).toEqual({ acts, runs: run });
    });
  },
  LIMIT_MS,
);

test(
  'a held service that ended for good shuts the container down once it is released, whenever the controller dies',
  async () => {
    for (let acts = 1, died = true; died; acts += STEP || 97) {
      await boot("  job: { command: [sleep, '1000'], essential: true, restart: no }\n");
      await container.reaches('job', 'up');
      await container.svctl('hold', 'job');
      await container.svctl('signal', 'USR1', 'job');
      await container.reaches('job', 'failed');
      await mortal.doom(container, acts);
      await container.svctl('release', 'job');
      expect({ acts, code: await container.exit }).toEqual({ acts, code: 138 });
      died = container.log().includes('the controller ended: signal 9');
      await container.dispose();
    }
  },
  LIMIT_MS,
);

test(
  'a reset starts a given-up service once, and its limit starts over',
  async () => {
    await boot(`  job:
    command: 'echo run >> /run/runs; test -e /run/mended && exec sleep 1000; exit 3'
    restart_delay: { initial: 10ms, factor: 1, reset_after: 10m }
    start_limit: { attempts: 2, within: 10m }
`);
    await container.reaches('job', 'failed');
    let runs = 2;
    await diesAtEachAct(43, async (acts) => {
      expect(await order(acts, 'reset', 'job')).toMatch(/^job /);
      await waitFor('two more attempts', async () => {
        const { state, run } = await container.status('job');
        return state === 'SERVICE_STATE_FAILED' && Number(run) > runs;
      });
      runs += 2;
      const told = await container.status('job');
      const made = parseInt((await container.exec('wc', '-l', '/run/runs')).stdout, 10);
      expect({ acts, run: told.run, made }).toEqual({ acts, run: runs, made: runs });
    });
  },
  LIMIT_MS,
);
