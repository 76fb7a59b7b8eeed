import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { connect, type MyInit, openSocket } from '../../../clients/typescript/src/index.js';
import { TestContainer } from '../../helpers/container.js';
import { waitFor } from '../../helpers/wait-for.js';

/** Ends when the test lets it; notes each USR1. */
const SLOW = `#!/bin/sh
trap "while ! [ -e go ]; do sleep 0.05; done; exit 0" TERM
trap "echo USR1 >> signals" USR1
echo > trapped
while :; do sleep 1 & wait; done
`;

let container: TestContainer;
let my: MyInit;
afterEach(async () => {
  my.close();
  await container.dispose();
});

const inWeb = (file: string): string => join(container.services, 'web', file);

async function boot(): Promise<void> {
  container = await TestContainer.boot({ services: { web: { run: SLOW } } });
  await container.reaches('web', 'up');
  await container.traps('web');
  my = connect(container.socket);
}

async function killController(): Promise<void> {
  const { controllerPid } = container;
  process.kill(controllerPid, 'SIGKILL');
  await waitFor('the next controller', async () => (await my.info()).controllerPid !== controllerPid);
}

test('an order that is repeated with its id is carried out once', async () => {
  await boot();
  container.write('web/go', '');
  const requestId = randomUUID();
  const [first] = await my.restart('web', { requestId });
  const [again] = await my.restart('web', { requestId });
  expect(again).toMatchObject({ changed: true, oldPid: first?.oldPid, service: { pid: first?.service?.pid } });
  expect(await container.status('web')).toMatchObject({ run: 2, startsTotal: 2 });
  await my.restart('web', { requestId: randomUUID() });
  expect(await container.status('web')).toMatchObject({ run: 3, startsTotal: 3 });
});

test('an order that is repeated after a kill -9 of the controller waits for the outcome of the first', async () => {
  await boot();
  const requestId = randomUUID();
  await my.restart('web', { requestId, wait: 'none' });
  await container.reaches('web', 'stopping');
  await killController();
  const repeated = my.restart('web', { requestId });
  container.write('web/go', '');
  expect(await repeated).toMatchObject([{ name: 'web', changed: true, service: { run: 2 } }]);
  expect(await my.restart('web', { requestId })).toMatchObject([{ service: { run: 2 } }]);
});

test('a signal that is repeated after a kill -9 of the controller is sent once', async () => {
  await boot();
  await waitFor('the trap', () => existsSync(inWeb('trapped')));
  const requestId = randomUUID();
  await my.signal('web', 'USR1', { requestId });
  await waitFor('the signal', () => existsSync(inWeb('signals')));
  await killController();
  expect(await my.signal('web', 'USR1', { requestId })).toMatchObject([{ changed: true }]);
  await my.signal('web', 'USR1');
  await waitFor('the second signal', () => readFileSync(inWeb('signals'), 'utf8').split('\n').length >= 3);
  expect(readFileSync(inWeb('signals'), 'utf8')).toBe('USR1\nUSR1\n');
});

test('an order whose transport is cut in the middle is repeated by the library, and carried out once', async () => {
  await boot();
  let links = 0;
  let cut = (): void => undefined;
  const open = async () => {
    links++;
    const socket = await openSocket(container.socket);
    cut = () => socket.destroy();
    return socket;
  };
  const remote = connect({ name: 'a link', open });
  const restart = remote.restart('web');
  await container.reaches('web', 'stopping');
  cut();
  await waitFor('the second link', () => links === 2);
  container.write('web/go', '');
  expect(await restart).toMatchObject([{ changed: true, service: { run: 2 } }]);
  expect(await container.status('web')).toMatchObject({ run: 2, startsTotal: 2 });
  remote.close();
});
