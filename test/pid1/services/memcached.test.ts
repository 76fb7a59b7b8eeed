/** @needs memcached */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { METRICS, TestContainer } from '../../helpers/container.js';
import { waitFor } from '../../helpers/wait-for.js';

const PORT = 21711;
const MEMCACHED = { memcached: { run: `#!/bin/sh\nexec memcached -u nobody -l 127.0.0.1 -p ${PORT}\n` } };
/** A memcached that is up when it listens. */
const LISTENING = { ...MEMCACHED.memcached, 'service.yaml': `ready: { tcp: "127.0.0.1:${PORT}" }\n` };

let container: TestContainer;
afterEach(() => container.dispose());

describe('memcached as a service', () => {
  test('svctl restart shows the old and the new pid', async () => {
    container = await TestContainer.boot({ services: MEMCACHED });
    const before = await container.reaches('memcached', 'up');
    const { stdout, code } = await container.svctl('restart', 'memcached');
    const after = await container.status('memcached');
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^memcached restarted: pid ${before.pid} → ${after.pid} in `));
  });

  test('a client sees its connection closed by a restart and reaches the new process', async () => {
    container = await TestContainer.boot({ services: { memcached: LISTENING }, args: METRICS });
    const before = await container.reaches('memcached', 'up');
    const client = connect(PORT, '127.0.0.1');
    expect(await ask(client, 'stats')).toContain(`STAT pid ${before.pid}\r\n`);
    const closed = once(client, 'close');

    await container.svctl('restart', 'memcached');

    expect(await closed).toEqual([false]);
    const after = await container.status('memcached');
    expect(await ask(connect(PORT, '127.0.0.1'), 'stats')).toContain(`STAT pid ${after.pid}\r\n`);
    expect((await container.exec('kill', '-0', String(before.pid))).code).not.toBe(0);
    expect(await container.metric('my_init_service_restarts_total{service="memcached",reason="api"}')).toBe(1);
    expect(after).toMatchObject({ run: 2, restartsTotal: 1, lastExit: { expected: true, run: 1 } });
  });

  test('a memcached that is killed after more than a second is back at once', async () => {
    // On a busy machine a run that is to be short may last ten seconds.
    const memcached = { ...MEMCACHED.memcached, 'service.yaml': 'restart_delay: { reset_after: 10m }\n' };
    container = await TestContainer.boot({ services: { memcached }, args: METRICS });
    const before = await container.reaches('memcached', 'up');
    await waitFor('a run of more than a second', () => secondsSince(before.startedAt) > 1.1);
    await container.exec('kill', '-9', String(before.pid));
    const after = await waitFor('the next process', async () => {
      const status = await container.status('memcached');
      return status.pid !== 0 && status.pid !== before.pid && status;
    });
    // The run counts as ended too soon, and the first such run is followed by another at once.
    expect(after).toMatchObject({ restartsTotal: 1, consecutiveFailures: 1, lastExit: { signal: 'KILL', code: 137 } });
    expect(await container.metric('my_init_service_restarts_total{service="memcached",reason="signal"}')).toBe(1);
    expect(await container.metric('my_init_service_exits_total{service="memcached",kind="signal"}')).toBe(1);
    expect(await container.table()).toMatch(/^memcached .* KILL/m);
  });

  test('a second memcached on the port of the first does not affect the first and backs off', async () => {
    container = await TestContainer.boot({ services: { memcached: LISTENING } });
    await container.reaches('memcached', 'up');
    container.addService('rival', MEMCACHED.memcached);
    const rival = await container.reaches('rival', 'backoff');
    expect(rival.trouble).toMatch(/^exited with code 71 after [\d.]+ m?s$/);
    expect(await container.reaches('memcached', 'up')).toMatchObject({ run: 1 });
  });
});

async function ask(client: Socket, command: string): Promise<string> {
  let answer = '';
  client.setEncoding('latin1').on('data', (text) => {
    answer += String(text);
  });
  client.write(`${command}\r\n`);
  return waitFor('the answer of memcached', () => answer.includes('END\r\n') && answer);
}

const secondsSince = (time: unknown): number => (Date.now() - Date.parse(String(time))) / 1000;
