import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { boot, container, isThere, lines, out } from '../../helpers/defined-services.js';
import { waitFor } from '../../helpers/wait-for.js';

const SERVICES = `services:
  db: { command: 'trap "echo db >> $OUT/ended; exit" TERM; touch $OUT/db; while :; do sleep 1 & wait; done' }
  web:
    command: 'trap "until [ -e $OUT/go ]; do sleep 0.02; done; echo web >> $OUT/ended; exit 3" TERM; touch $OUT/web; while :; do sleep 1 & wait; done'
    depends_on: [db]
    live: { exec: [test, '!', -e, /run/stuck], interval: 100ms, failures: 2, on_failure: shutdown }
`;

/** `web` ends when the test lets it, however long the next controller takes. */
const bootServices = (args: readonly string[] = []): Promise<void> =>
  boot(SERVICES, { unattended: true, args: ['--shutdown-timeout', '60', ...args] });
const mayEnd = (): void => writeFileSync(join(out, 'go'), '');

async function killController(): Promise<void> {
  const { controllerPid } = container;
  process.kill(controllerPid, 'SIGKILL');
  await waitFor('the next controller', () => container.log().includes('The controller was killed by KILL'));
}

test('live with on_failure: shutdown ends the container in order, with a code of its own, and says why', async () => {
  await bootServices();
  await container.reaches('web', 'up');
  await isThere('web');
  expect((await container.svctl('explain', 'web')).stdout).toMatch(
    /Its live check is made every 100ms; after 2 failures in a row the container shuts down with exit code 85 \(live, .*services.yaml:6\)\./,
  );
  await container.exec('touch', '/run/stuck');
  mayEnd();
  expect(await container.exit).toBe(85);
  expect(lines('ended')).toEqual(['web', 'db']);
  expect(container.log()).toMatch(/web: is not alive: .*\n.*Shutting down: web is not alive: .*exit/);
});

test.each(['before it fails', 'in the shutdown'])('live ends it when the controller is killed %s', async (moment) => {
  await bootServices();
  await container.reaches('web', 'up');
  await isThere('web');
  if (moment === 'before it fails') await killController();
  await container.exec('touch', '/run/stuck');
  if (moment === 'in the shutdown') {
    await waitFor('the shutdown', () => container.log().includes('Shutting down: web is not alive'));
    await killController();
  }
  mayEnd();
  expect(await container.exit).toBe(85);
  expect(lines('ended')).toEqual(['web', 'db']);
});

test('the code of the main command takes precedence', async () => {
  await bootServices(['--', 'sh', '-c', 'trap "exit 5" TERM; while :; do sleep 1 & wait; done']);
  await container.reaches('web', 'up');
  await container.exec('touch', '/run/stuck');
  mayEnd();
  expect(await container.exit).toBe(5);
});
