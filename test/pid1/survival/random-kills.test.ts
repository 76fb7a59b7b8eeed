import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, expect, test } from '@jest/globals';
import { METRICS, TestContainer } from '../../helpers/container.js';
import { MortalController } from '../../helpers/mortal-controller.js';
import { waitFor } from '../../helpers/wait-for.js';
import { sh } from '../../helpers/whole-run.js';

/** Hundreds take minutes: `MY_INIT_TEST_ROUNDS=500`. */
const ROUNDS = Number(process.env.MY_INIT_TEST_ROUNDS ?? 40);
const SEED = Number(process.env.MY_INIT_TEST_SEED ?? Date.now() % 100_000);
/** A service that crashes after a little more than a second is started again at once. */
const CRASHES = sh('echo start >> /run/crashes', 'sleep 1.0$(date +%N | cut -c 1-2)', 'exit 7');

const mortal = new MortalController({ untiring: true });
afterAll(() => mortal.dispose());
let container: TestContainer;
afterEach(() => container.dispose());

/** mulberry32: the same numbers for the same seed. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

test(
  `the controller is killed at any moment, ${ROUNDS} times, while services crash, stop, start and log (seed ${SEED})`,
  async () => {
    container = await TestContainer.boot({
      installation: mortal.installation,
      services: {
        steady: { run: sh('exec sleep 100000') },
        crashes: { run: CRASHES, finish: sh('echo "end $1 $2" >> /run/crashes') },
        ordered: { run: sh('echo start >> /run/ordered', 'exec sleep 100000'), finish: sh('echo end >> /run/ordered') },
        talks: { run: sh('i=0; while :; do i=$((i+1)); echo "line $i"; sleep 0.01; done') },
      },
      args: METRICS,
    });
    const steady = await container.reaches('steady', 'up');
    const talks = await container.reaches('talks', 'up');
    const next = random(SEED);
    const orders: Promise<unknown>[] = [];
    const root = `/proc/${container.pid}/root/run`;
    const initPid = container.pid;
    let before: Usage | undefined;
    for (let round = 0; round < ROUNDS; round++) {
      const order = ['start', 'stop', 'restart'][Math.floor(next() * 3)] ?? 'start';
      orders.push(container.svctl(order, 'ordered', '--no-wait'));
      const controller = await waitFor('a controller', controllerPid);
      // Half of the controllers die in the first milliseconds of their lives, mostly while Node
      // starts; some die in the middle of an act.
      const chance = next();
      if (chance < 0.5) await delay(next() * 120);
      else if (chance < 0.7) mortal.doomNext(1 + Math.floor(next() * 150));
      else {
        await waitFor('an answer', () => container.answers());
        await delay(next() * 100);
      }
      try {
        process.kill(controller, 'SIGKILL');
      } catch {
        // The controller has died already.
      }
      if (round === 9) before = await usage(initPid);
    }
    await Promise.all(orders);
    await container.svctl('start', 'ordered');
    // A held service ends its run, and is stopped after that: every run has written its word.
    await container.svctl('hold', 'crashes', '--for', '1h');
    await container.reaches('crashes', 'waiting');
    await container.svctl('stop', 'crashes');

    // Each service runs once, and services without an order or a crash are the same processes.
    expect(await container.status('steady')).toMatchObject({ pid: steady.pid, run: 1, startsTotal: 1 });
    expect(await container.status('talks')).toMatchObject({ pid: talks.pid, run: 1, startsTotal: 1 });
    const ordered = await container.reaches('ordered', 'up');
    const sleeping = await waitFor('it to sleep', async () => {
      const sessions = await container.sleeping(1, 'sid');
      return sessions.includes(ordered.pid) && sessions;
    });
    const wanted = [steady.pid, ordered.pid, ...(sleeping.includes(talks.pid) ? [talks.pid] : [])];
    expect(sleeping).toEqual(wanted.sort((a, b) => a - b));

    expect(Number((await container.info()).controllerRestarts)).toBeGreaterThan(ROUNDS / 2);

    // Every run was counted and cleared up once, and its exit status is accounted for.
    const crashes = readFileSync(`${root}/crashes`, 'utf8').trim().split('\n');
    const starts = crashes.filter((line) => line === 'start').length;
    const ends = crashes.filter((line) => line.startsWith('end')).length;
    const status = await container.reaches('crashes', 'down');
    expect({ starts, ends }).toEqual({ starts: Number(status.startsTotal), ends: starts });
    expect(alternates(crashes.map((line) => line.split(' ')[0] ?? ''))).toBe(true);
    const exits = await exitsOf('crashes');
    expect(Object.values(exits).reduce((sum, count) => sum + count, 0)).toBe(starts);
    expect(exits.lost).toBe(0);
    // A run that is stopped at once may not write its word.
    const words = readFileSync(`${root}/ordered`, 'utf8').trim();
    expect(words).not.toContain('start\nstart');
    expect(words.match(/end/g)?.length ?? 0).toBe(Number(ordered.startsTotal) - 1);

    // No line is missing, or a gap counts it.
    const { stdout } = await container.svctl('logs', 'talks', '-n', '10000000', '-o', 'jsonl');
    const numbers = stdout.split('\n').flatMap((line) => /"line (\d+)"/.exec(line)?.[1] ?? []);
    const first = Number(numbers[0]);
    expect(numbers.map(Number)).toEqual(numbers.map((_, index) => first + index));
    // The store holds the last megabytes.
    if (ROUNDS <= 50) expect(first).toBe(1);

    // Nothing has leaked. The shell gets a moment to wait for its child.
    await container.hasNoZombie();
    const after = await usage(initPid);
    if (before !== undefined) {
      expect(after.descriptors).toBeLessThanOrEqual(before.descriptors + 4);
      expect(after.memoryKb).toBeLessThanOrEqual(before.memoryKb + 64);
      expect(after.controllerDescriptors).toBeLessThanOrEqual(before.controllerDescriptors + 8);
    }
    console.info(
      `${ROUNDS} rounds, seed ${SEED}: ${starts} runs, exits ${JSON.stringify(exits)}, ${numbers.length} lines`,
    );
  },
  60_000 + ROUNDS * 5_000,
);

interface Usage {
  readonly descriptors: number;
  readonly controllerDescriptors: number;
  readonly memoryKb: number;
}

/** The resources of init and of a controller at rest. */
async function usage(initPid: number): Promise<Usage> {
  await waitFor('an answer', () => container.answers());
  const controller = await waitFor('a controller', controllerPid);
  const status = readFileSync(`/proc/${initPid}/status`, 'utf8');
  return {
    descriptors: readdirSync(`/proc/${initPid}/fd`).length,
    controllerDescriptors: readdirSync(`/proc/${controller}/fd`).length,
    memoryKb: Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]),
  };
}

function controllerPid(): number | undefined {
  try {
    return container.controllerPid;
  } catch {
    return undefined;
  }
}

/** The exits of a service, by kind. */
async function exitsOf(service: string): Promise<Readonly<Record<string, number>>> {
  const exits: Record<string, number> = {};
  for (const kind of ['success', 'failure', 'signal', 'core', 'lost'])
    exits[kind] = (await container.metric(`my_init_service_exits_total{service="${service}",kind="${kind}"}`)) ?? 0;
  return exits;
}

const alternates = (words: readonly string[]): boolean =>
  words.every((word, index) => word === (index % 2 === 0 ? 'start' : 'end'));
