import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from '@jest/globals';
import { type Address, connect, type MyInit, openSocket } from '../../../clients/typescript/src/index.js';
import { TestContainer } from '../../helpers/container.js';
import { LIMIT_MS, MortalController, STEP } from '../../helpers/mortal-controller.js';
import { waitFor } from '../../helpers/wait-for.js';

const mortal = new MortalController({ untiring: true });
afterAll(() => mortal.dispose());
let container: TestContainer;
const clients: MyInit[] = [];
afterEach(async () => {
  for (const my of clients.splice(0)) my.close();
  await container.dispose();
});

/** Two services with definitions of their own. */
async function boot(): Promise<MyInit> {
  const service = { 'service.yaml': 'command: sleep 1000\n' };
  container = await TestContainer.boot({ installation: mortal.installation, services: { db: service, web: service } });
  await container.reaches('db', 'up');
  await container.reaches('web', 'up');
  return client();
}

function client(address?: Address): MyInit {
  const my = connect(address ?? container.socket);
  clients.push(my);
  return my;
}

/** The number distinguishes a definition from the one before; `description` needs no restart. */
async function define(my: MyInit, number: number): Promise<void> {
  container.write('db/service.yaml', `command: sleep 1000\ndescription: number ${number}\n`);
  container.write('web/service.yaml', `command: sleep ${1000 + number}\n`);
  await waitFor('the changes to be seen', async () =>
    (await my.services()).every(({ definitionChanged }) => definitionChanged),
  );
}

async function killController(my: MyInit): Promise<void> {
  const controllerPid = await container.controller();
  process.kill(controllerPid, 'SIGKILL');
  await waitFor('the next controller', async () => (await my.info()).controllerPid !== controllerPid);
}

const startsOfWeb = async (my: MyInit): Promise<number> => (await my.service('web')).startsTotal;

test('an apply that is repeated after a kill -9 of the controller is carried out once, whatever the files say by then', async () => {
  const my = await boot();
  await define(my, 1);
  const requestId = randomUUID();
  const changes = [
    { name: 'db', action: 2, keys: ['description'] },
    { name: 'web', action: 3, keys: ['command'] },
  ];
  expect(await my.apply([], { requestId })).toMatchObject(changes);
  await waitFor('the restart', async () => (await startsOfWeb(my)) === 2);
  await define(my, 2);
  await killController(my);
  expect(await my.apply([], { requestId })).toMatchObject(changes);
  expect(await my.apply([], { dryRun: true })).toMatchObject(changes);
  expect(await startsOfWeb(my)).toBe(2);
  expect(await my.apply([], { requestId: randomUUID() })).toMatchObject(changes);
  await waitFor('the second restart', async () => (await startsOfWeb(my)) === 3);
});

test(
  'an apply whose controller dies in the middle is finished when it is repeated, and no step is carried out twice',
  async () => {
    const my = await boot();
    let deaths = 0;
    let died = true;
    for (let acts = 1, starts = 1; died; acts += STEP || 29) {
      await define(my, acts);
      const controllerPid = await container.controller();
      await mortal.doom(container, acts);
      const changes = await client().apply();
      expect({ acts, actions: changes.map(({ name, action }) => [name, action]) }).toEqual({
        acts,
        actions: [
          ['db', 2],
          ['web', 3],
        ],
      });
      await waitFor('the restart', async () => (await startsOfWeb(my)) > starts);
      died = (await container.controller()) !== controllerPid;
      if (died) deaths++;
      starts++;
      expect({ acts, starts: await startsOfWeb(my) }).toEqual({ acts, starts });
      const left = await my.apply([], { dryRun: true });
      expect({ acts, left: left.map(({ action }) => action) }).toEqual({ acts, left: [1, 1] });
    }
    expect(deaths).toBeGreaterThan(4);
  },
  LIMIT_MS,
);

test('a repeated reexec replaces the controller once: at the same time, afterwards, and over a link that was cut', async () => {
  const my = await boot();
  const requestId = randomUUID();
  const before = (await my.info()).controllerPid;
  // Two connections: an answer may be lost with the controller, and is then asked for again.
  const [first, second] = await Promise.all([my.reexec({ requestId }), client().reexec({ requestId })]);
  expect(first).toMatchObject({ controllerPid: before });
  expect(second).toEqual(first);
  await waitFor('the next controller', async () => (await my.info()).controllerPid !== before);
  expect(await my.reexec({ requestId })).toEqual(first);
  expect(await my.info()).toMatchObject({ controllerRestarts: 1 });

  let links = 0;
  const cut = client({
    name: 'a link that is cut when the order is on its way',
    open: async () => {
      links++;
      const socket = await openSocket(container.socket);
      if (links === 1) setTimeout(() => socket.destroy(), 20);
      return socket;
    },
  });
  await cut.reexec();
  await waitFor('the second replacement', async () => (await my.info()).controllerRestarts === 2);
  expect((await my.info()).controllerEnds).toMatchObject({ reexec: 2, signal: 0 });
});

test('a repeated rescan gets the same answer, also from the next controller', async () => {
  const my = await boot();
  const odd = join(container.services, 'no service');
  mkdirSync(odd);
  const requestId = randomUUID();
  const first = await my.rescan({ requestId });
  expect(first.skipped).toMatchObject([{ name: 'no service' }]);
  rmSync(odd, { recursive: true, maxRetries: 20 });
  expect(await my.rescan({ requestId })).toEqual(first);
  await killController(my);
  expect(await my.rescan({ requestId })).toEqual(first);
  expect((await my.rescan()).skipped).toEqual([]);
});
