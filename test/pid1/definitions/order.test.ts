import { expect, test } from '@jest/globals';
import { METRICS } from '../../helpers/container.js';
import { boot, container, lines } from '../../helpers/defined-services.js';
import { waitFor } from '../../helpers/wait-for.js';

const order = (): readonly string[] => lines('order');
/** A service that writes when it starts and when it is stopped. It is ready when it has written. */
const writes = (name: string): string =>
  `command: "trap 'echo ${name} down >> $OUT/order; exit 0' TERM; echo ${name} up >> $OUT/order; echo >&3; while :; do sleep 1 & wait; done", ready: { notify_fd: 3 }`;

test('depends_on: services start after their dependencies, and stop before them', async () => {
  await boot(`services:
  web: { ${writes('web')}, depends_on: [app] }
  app: { ${writes('app')}, depends_on: { db: { condition: ready } } }
  db: { ${writes('db')} }
`);
  await container.reaches('web', 'up');
  await waitFor('three starts', () => order().length === 3);
  container.signal('SIGTERM');
  await container.exit;
  expect(order()).toEqual(['db up', 'app up', 'web up', 'web down', 'app down', 'db down']);
});

test('type: a oneshot that has ended well is completed, and its dependents start then', async () => {
  await boot(`services:
  migrate: { type: oneshot, command: 'sleep 0.3; echo migrated >> $OUT/order' }
  web: { ${writes('web')}, depends_on: [migrate] }
`);
  await container.reaches('web', 'up');
  await container.reaches('migrate', 'completed');
  await waitFor('both', () => order().length === 2);
  expect(order()).toEqual(['migrated', 'web up']);
  // A oneshot runs once, also when a person runs it again and waits for it.
  expect((await container.svctl('start', 'migrate')).code).toBe(0);
  expect(order()).toEqual(['migrated', 'web up', 'migrated']);
});

test('depends_on: a service waits for a oneshot that fails, and says so', async () => {
  await boot(
    `services:
  migrate: { type: oneshot, command: 'exit 3' }
  after: { ${writes('after')}, depends_on: { migrate: { condition: completed } } }
  web: { ${writes('web')}, depends_on: [migrate] }
`,
    { args: METRICS },
  );
  await container.reaches('web', 'waiting');
  // `after` needs only the end of migrate, whatever the code.
  await container.reaches('after', 'up');
  expect(await container.table('web')).toMatch(/^ +waits for migrate \(ready\)$/m);
  expect(await container.metric('my_init_service_waiting{service="web",on="migrate"}')).toBe(1);
  expect(await container.metric('my_init_service_waiting{service="after",on="migrate"}')).toBeUndefined();
});

test('depends_on: an optional service is waited for only if it is there and enabled', async () => {
  await boot(`services:
  web: { ${writes('web')}, depends_on: { none: { required: false }, off: { required: false } } }
  off: { command: sleep 1000, enabled: false }
`);
  await container.reaches('web', 'up');
  await container.reaches('off', 'down');
});

test('depends_on: a service of a cycle waits and names the cycle; the others start', async () => {
  await boot(`services:
  a: { command: sleep 1000, depends_on: [b] }
  b: { command: sleep 1000, depends_on: [a] }
  c: { command: sleep 1000 }
`);
  await container.reaches('c', 'up');
  await container.reaches('a', 'waiting');
  expect(await container.table('a')).toMatch(/^ +needs b, which needs it in turn$/m);
});

test('depends_on: restart follows a restart of the dependency', async () => {
  await boot(`services:
  db: { ${writes('db')} }
  web: { ${writes('web')}, depends_on: { db: { restart: true } } }
`);
  const { pid } = await container.reaches('web', 'up');
  await container.svctl('restart', 'db');
  await waitFor('another process', async () => {
    const status = await container.status('web');
    return status.pid !== 0 && status.pid !== pid;
  });
});

test('start_timeout: a service that is not ready in time is stopped, and its start has failed', async () => {
  await boot('services: { web: { command: sleep 1000, ready: { file: /none }, start_timeout: 300ms } }');
  const { trouble } = await container.reaches('web', 'backoff');
  expect(trouble).toMatch(/not ready/);
});

test.each([
  ['tcp', 'python3 -m http.server 9471', 'tcp: "localhost:9471"'],
  ['http', 'python3 -m http.server 9472', 'http: "http://localhost:9472/"'],
  ['exec', 'sh -c "sleep 0.3; touch $OUT/here; sleep 1000"', 'exec: [sh, -c, "test -e $OUT/here"]'],
  ['file', 'sh -c "sleep 0.3; touch /run/here; sleep 1000"', 'file: /run/here'],
  ['log', 'sh -c "sleep 0.3; echo now ready; sleep 1000"', 'log: "now (ready|here)"'],
  ['notify_fd', 'sh -c "sleep 0.3; echo >&3; sleep 1000"', 'notify_fd: 3'],
  ['delay', 'sleep 1000', 'delay: 300ms'],
])('ready: %s is waited for', async (_, command, ready) => {
  await boot(`services: { web: { command: '${command}', ready: { ${ready} } } }`);
  await waitFor('a ready service', async () => (await container.status('web')).ready === true);
});
