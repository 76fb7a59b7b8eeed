import { existsSync, rmSync, statSync } from 'node:fs';
import { afterEach, describe, expect, test } from '@jest/globals';
import { TestContainer } from '../../helpers/container.js';
import { waitFor } from '../../helpers/wait-for.js';
import { sh, wholeRun } from '../../helpers/whole-run.js';

const SERVICE = { a: { run: sh('echo "service runs as $(id -u)"', 'exec sleep 1000') } };

/** All users share /tmp: no two runs of this test may use the same directory there. */
const UID = 50_000 + (process.pid % 10_000);
const OWN = `/tmp/my_init-${UID}`;

let container: TestContainer | undefined;
afterEach(async () => {
  await container?.dispose();
  container = undefined;
});

describe('as a user without a passwd entry', () => {
  test('my_init boots, runs services, answers svctl and stops', async () => {
    container = await TestContainer.boot({ uid: 1234, services: SERVICE, etc: { 'my_init.d/10': sh('id -u') } });
    await container.reaches('a', 'up');
    expect(statSync(container.socket).uid).toBe(1234);
    await waitFor('the word of the service', () => container?.log().includes('service runs as 1234'));
    container.signal('SIGTERM');
    expect(await container.exit).toBe(0);
    expect(container.log()).not.toMatch(/cannot|EACCES|EPERM/);
  });

  test('without the right to write to /run, my_init has its socket in a directory of its own', async () => {
    container = await TestContainer.boot({
      uid: UID,
      usualSocket: true,
      unattended: true,
      prepare: `chmod 755 /run; rm -rf ${OWN}`,
    });
    const socket = `${OWN}/my_init.sock`;
    await waitFor('the socket', () => existsSync(socket));
    const [directoryStat, socketStat] = [statSync(OWN), statSync(socket)];
    expect([directoryStat.uid, directoryStat.mode & 0o777]).toEqual([UID, 0o700]);
    expect([socketStat.uid, socketStat.mode & 0o777]).toEqual([UID, 0o660]);
    await waitFor('the ready file', () => existsSync(`${OWN}/ready`));
    container.signal('SIGTERM');
    expect(await container.exit).toBe(0);
    rmSync(OWN, { recursive: true, maxRetries: 20 });
  });

  test('somebody else’s directory of that name is not used', async () => {
    container = await TestContainer.boot({
      uid: UID,
      usualSocket: true,
      unattended: true,
      prepare: `chmod 755 /run; rm -rf ${OWN}; mkdir -m 777 ${OWN}`,
    });
    await waitFor('a warning', () => container?.log().includes('svctl cannot reach my_init'));
    expect(container.log()).toContain('*** svctl cannot reach my_init: cannot listen on /run/my_init/my_init.sock');
    rmSync(OWN, { recursive: true, maxRetries: 20 });
  });

  test('processes that the main command leaves behind are stopped too', async () => {
    const { code } = await wholeRun({ uid: 1234, args: ['sh', '-c', 'setsid sleep 1000 & exit 6'] });
    expect(code).toBe(6);
  });
});
