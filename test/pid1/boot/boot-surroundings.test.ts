import { connect } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { TestContainer } from '../../helpers/container.js';
import { waitFor } from '../../helpers/wait-for.js';
import { sh, wholeRun } from '../../helpers/whole-run.js';

const SERVICE = { a: { run: sh('echo service runs', 'exec sleep 1000') } };

/** All tests share the ports of the machine: no two runs of this test may use the same one. */
const PORT = 20_000 + (process.pid % 10_000);

let container: TestContainer | undefined;
afterEach(async () => {
  await container?.dispose();
  container = undefined;
});

const says = (text: string) => waitFor(`"${text}" in the log`, () => container?.log().includes(text));

async function stops(): Promise<void> {
  container?.signal('SIGTERM');
  expect(await container?.exit).toBe(0);
}

describe('my_init boots', () => {
  test('with a read-only root', async () => {
    container = await TestContainer.boot({
      services: SERVICE,
      etc: { 'my_init.d/10': sh('! touch /usr/x 2>/dev/null && echo read-only') },
      prepare: 'mount -o bind,ro /usr /usr; mount -o remount,ro /etc',
    });
    await container.reaches('a', 'up');
    await says('read-only\n');
    await stops();
  });

  test('without /proc', async () => {
    container = await TestContainer.boot({
      services: SERVICE,
      unattended: true,
      prepare: 'mount -t tmpfs tmpfs /proc',
    });
    await says('service runs');
    await stops();
  });

  test('with standard input, output and error closed', async () => {
    const { code } = await wholeRun({
      prepare: 'exec 0<&- 1>&- 2>&-',
      etc: { 'my_init.d/10': sh('echo to nobody; exit 0') },
      args: ['sh', '-c', 'echo to nobody && exit 7'],
    });
    expect(code).toBe(7);
  });

  test('and goes on when nobody reads its output', async () => {
    container = await TestContainer.boot({
      args: ['--log-level', 'debug'],
      services: { loop: { run: sh('exec sleep 0.01') } },
      prepare: `mkfifo /run/full; exec 3<>/run/full 4>&1; timeout 1 cat /dev/zero >&3 || true; exec 1>&3 2>&3 3>&- 4>&-`,
    });
    expect((await container.svctl('status')).stdout).toContain('loop');
    await stops();
  });

  test('without a service directory', async () => {
    const { code } = await wholeRun({ args: ['--service-dir', '/no/such', 'sh', '-c', 'exit 3'] });
    expect(code).toBe(3);
  });
});

describe('the socket', () => {
  test('of a killed my_init is replaced', async () => {
    container = await TestContainer.boot({
      prepare: `python3 -c 'import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$5"`,
    });
    expect((await container.svctl('info')).code).toBe(0);
    expect(container.log()).not.toContain('cannot');
  });

  test('is left to another my_init that listens there, and the container boots without it', async () => {
    container = await TestContainer.boot({ services: SERVICE });
    const second = await TestContainer.boot({
      unattended: true,
      services: SERVICE,
      args: ['--socket', container.socket],
    });
    await waitFor('a warning', () => second.log().includes('another my_init answers there'));
    await waitFor('its service', () => second.log().includes('service runs'));
    expect((await container.svctl('info')).code).toBe(0);
    await second.dispose();
    expect((await container.svctl('info')).code).toBe(0);
  });

  test('is opened later if its path is not available at first', async () => {
    container = await TestContainer.boot({
      unattended: true,
      services: SERVICE,
      prepare: 'mkdir "$5"',
    });
    await says('svctl cannot reach my_init: cannot listen on');
    await container.exec('rmdir', container.socket);
    await says('svctl can reach my_init now');
    expect((await container.svctl('info')).code).toBe(0);
  });
});

describe('the port', () => {
  test('that is in use causes a warning, and is opened later', async () => {
    const first = await TestContainer.boot({ args: ['--http-listen', `127.0.0.1:${PORT}`] });
    container = await TestContainer.boot({ args: ['--http-listen', `127.0.0.1:${PORT}`], services: SERVICE });
    await says(`http: cannot listen on 127.0.0.1:${PORT}`);
    await container.reaches('a', 'up');
    await first.dispose();
    await says(`http: listening on 127.0.0.1:${PORT} now`);
    await new Promise<void>((resolve, reject) => {
      const socket = connect(PORT, '127.0.0.1', () => {
        socket.destroy();
        resolve();
      }).once('error', reject);
    });
  });
});
