import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { TestContainer } from '../../helpers/container.js';

const STUBBORN = `"trap '' TERM; while :; do sleep 1 & wait; done"`;

/** A service that writes when it has been stopped. It is ready when it has set its trap. */
const writes = (name: string): string =>
  `command: "trap 'sleep 0.1; echo ${name} down >> $OUT/order; exit 0' TERM; echo ${name} up >> $OUT/order; echo >&3; while :; do sleep 1 & wait; done", ready: { notify_fd: 3 }`;

let container: TestContainer;

beforeEach(async () => {
  const services = `services:
  web: { ${writes('web')}, depends_on: [app] }
  app: { ${writes('app')}, depends_on: [db, migrate] }
  worker: { ${writes('worker')}, depends_on: [db] }
  migrate: { type: oneshot, command: 'true', depends_on: [db] }
  other: { ${writes('other')} }
  db: { ${writes('db')} }
  stubborn: { command: ${STUBBORN}, depends_on: [queue] }
  queue: { command: sleep 1000 }
`;
  container = await TestContainer.boot({
    etc: { 'my_init/services.yaml': services },
    prepare: 'mkdir /run/out; chmod 777 /run/out',
    env: { OUT: '/run/out' },
  });
  for (const name of ['web', 'worker', 'other', 'stubborn']) await container.reaches(name, 'up');
});
afterEach(() => container.dispose());

const order = (): readonly string[] =>
  readFileSync(join(`/proc/${container.pid}/root/run/out/order`), 'utf8')
    .split('\n')
    .filter((line) => line.endsWith(' down'));

test('svctl stop names the dependents of the service, and leaves them running', async () => {
  const { stdout, code } = await container.svctl('stop', 'db');
  // A completed oneshot is no dependent any more, and dependents of a dependent are not named.
  expect(stdout).toMatch(/^db stopped: pid \d+ .* in .*; app and worker depend on db\n$/);
  expect(code).toBe(0);
  expect(await container.status('app')).toMatchObject({ state: 'SERVICE_STATE_UP' });
  expect((await container.svctl('stop', 'app')).stdout).toMatch(/; web depends on app\n$/);
  expect((await container.svctl('stop', 'other')).stdout).not.toContain('depend');
});

test('svctl stop --with-dependents stops the dependents first, and no other service', async () => {
  const { stdout, code } = await container.svctl('stop', 'db', '--with-dependents');
  expect(stdout.replace(/ stopped: .*/g, '')).toBe('app\ndb\nweb\nworker\n');
  expect(stdout).not.toContain('depend');
  expect(code).toBe(0);
  const ended = order();
  expect(ended.at(-1)).toBe('db down');
  expect(ended.indexOf('web down')).toBeLessThan(ended.indexOf('app down'));
  expect(ended).toHaveLength(4);
  expect(await container.status('other')).toMatchObject({ state: 'SERVICE_STATE_UP' });
  expect(await container.status('migrate')).toMatchObject({ state: 'SERVICE_STATE_COMPLETED' });
});

test('svctl stop --with-dependents leaves a service running if a dependent does not end in time', async () => {
  await container.traps('stubborn');
  const { stderr, code } = await container.svctl('stop', 'queue', '--with-dependents', '--timeout', '300ms');
  expect(code).not.toBe(0);
  const [, seconds] = /queue was not stopped: stubborn is not stopped after ([\d.]+) s/.exec(stderr) ?? [];
  expect(Number(seconds)).toBeLessThan(3);
  expect(await container.status('queue')).toMatchObject({ state: 'SERVICE_STATE_UP', desired: 'DESIRED_STATE_UP' });
});

test('svctl stop --with-dependents refuses --no-wait', async () => {
  const { stderr, code } = await container.svctl('stop', 'db', '--with-dependents', '--no-wait');
  expect(stderr).toContain('a stop with dependents has to be waited for');
  expect(code).not.toBe(0);
  expect(await container.status('web')).toMatchObject({ state: 'SERVICE_STATE_UP' });
});
