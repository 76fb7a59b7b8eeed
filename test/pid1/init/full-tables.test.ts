import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { compileChangedInit } from '../../helpers/changed-native.js';
import { METRICS, TestContainer } from '../../helpers/container.js';
import { Installation } from '../../helpers/other-version.js';
import { waitFor } from '../../helpers/wait-for.js';

/** The real init, with tables that have room for some of the services only. */
const WATCHED = 3;
const HELD = 40;
const NAMES = Array.from({ length: 8 }, (_, index) => `s${index}`);
const RUN = '#!/bin/sh\necho "$(basename "$PWD") speaks"\nexec sleep 1000\n';

let installation: Installation;
let container: TestContainer;
beforeEach(() => {
  installation = new Installation();
});
afterEach(async () => {
  await container.dispose();
  installation.dispose();
});

async function boot(define: string, instead: string): Promise<void> {
  compileChangedInit(join(installation.directory, 'my_init'), { 'my_init.h': [[define, instead]] });
  await bootWith(NAMES);
}

async function bootWith(names: readonly string[]): Promise<void> {
  container = await TestContainer.boot({
    installation: installation.directory,
    services: Object.fromEntries(names.map((name) => [name, { run: RUN }])),
    args: METRICS,
  });
}

const pids = async () => Promise.all(NAMES.map(async (name) => (await container.reaches(name, 'up')).pid));

/** How many children of a process have ended and are not reaped. */
function zombiesOf(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
  return children.filter(isZombie).length;
}

function isZombie(pid: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

async function killController(): Promise<void> {
  const before = container.controllerPid;
  process.kill(before, 'SIGKILL');
  await waitFor('the next controller', () => container.answers());
}

test('exit statuses that init has no room for are lost with the controller, and nothing else is', async () => {
  await boot('#define MAX_WATCHED 4096', `#define MAX_WATCHED ${WATCHED}`);
  const before = await pids();
  expect(await container.metric('my_init_refused_orders_total')).toBe(NAMES.length - WATCHED);
  expect(container.log().match(/init refused an order: watch: too many are watched/g)).toHaveLength(1);

  await killController();
  expect(await pids()).toEqual(before);
  await container.exec('kill', '-9', ...before.map(String));
  const exits = (name: string, kind: string) =>
    container.metric(`my_init_service_exits_total{service="${name}",kind="${kind}"}`);
  let [lost, known] = [0, 0];
  for (const [index, name] of NAMES.entries()) {
    await waitFor(`${name} to run again`, async () => {
      const { state, pid } = await container.status(name);
      return state === 'SERVICE_STATE_UP' && pid !== before[index];
    });
    lost += (await exits(name, 'lost')) ?? 0;
    known += (await exits(name, 'signal')) ?? 0;
  }
  expect({ lost, known }).toEqual({ lost: NAMES.length - WATCHED, known: WATCHED });
});

test('where init can hold no more descriptors, services run on when the controller dies, each of them once', async () => {
  await boot('#define MAX_HELD 8192', `#define MAX_HELD ${HELD}`);
  const before = await pids();
  expect(await container.metric('my_init_refused_orders_total')).toBeGreaterThan(0);
  expect(container.log().match(/init refused an order: descriptor: too many are held/g)).toHaveLength(1);

  await killController();
  expect(await pids()).toEqual(before);
  expect(container.log()).not.toContain('were lost here');
  for (const name of NAMES) expect(container.log()).toContain(`${name} speaks`);
  expect((await container.svctl('restart', '--all')).code).toBe(0);
  const { stdout } = await container.exec('pgrep', '-fc', '^sleep 1000');
  expect(Number(stdout)).toBe(NAMES.length);
  container.signal('SIGTERM');
  expect(await container.exit).toBe(0);
});

test('while init is stopped, statuses wait in the kernel, and none is lost with the controller', async () => {
  // More small lines than a socket takes, which is 278.
  const names = Array.from({ length: 350 }, (_, index) => `s${index}`);
  await bootWith(names);
  const statuses = async () => (await container.statuses()) ?? [];
  const areUp = async () => {
    const found = await statuses();
    return found.length === names.length && found.every(({ state }) => state === 'SERVICE_STATE_UP') && found;
  };
  const before = await waitFor('all to be up', areUp);
  const [init, controller] = [container.pid, container.controllerPid];
  process.kill(init, 'SIGSTOP');
  await container.exec('kill', '-9', ...before.map(({ pid }) => String(pid)));
  await waitFor('the controller to be behind for a while', async () => {
    const left = zombiesOf(controller);
    await delay(200);
    return left > 0 && zombiesOf(controller) === left;
  });
  process.kill(controller, 'SIGKILL');
  process.kill(init, 'SIGCONT');
  const after = await waitFor('all to run again', async () => {
    const found = await statuses();
    return found.length === names.length && found.every(({ startsTotal }) => startsTotal === 2) && found;
  });
  for (const { lastExit } of after) expect(lastExit).toMatchObject({ signal: 'KILL' });
});
