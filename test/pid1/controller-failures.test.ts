import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import { METRICS, TestContainer } from '../helpers/container.js';
import { type Failure, MortalController } from '../helpers/mortal-controller.js';
import { waitFor } from '../helpers/wait-for.js';
import { sh } from '../helpers/whole-run.js';

const PORT = 21713;
const MEMCACHED = { memcached: { run: sh(`exec memcached -u nobody -l 127.0.0.1 -p ${PORT}`) } };

const mortal = new MortalController();
const untiring = new MortalController({ untiring: true });
afterAll(() => {
  mortal.dispose();
  untiring.dispose();
});
let container: TestContainer;
afterEach(async () => {
  // As a subreaper it takes nothing with it when it is killed.
  if (running()) container.signal('SIGTERM');
  await Promise.race([container.exit, delay(10_000, undefined, { ref: false })]);
  await container.dispose();
});

const running = (): boolean => {
  try {
    return container.pid > 0;
  } catch {
    return false;
  }
};
const info = async () => JSON.parse((await container.svctl('info', '-o', 'json')).stdout || '{}');
const LAST_WORDS: Readonly<Record<Failure, { readonly cause: string; readonly text: RegExp; readonly words: RegExp }>> =
  {
    throw: { cause: 'exception', text: /nobody caught an exception/, words: /Error: thrown by the test/ },
    reject: { cause: 'exception', text: /nobody caught an exception/, words: /Error: rejected by the test/ },
    heap: { cause: 'heap', text: /ran out of memory/, words: /JavaScript heap out of memory/ },
    abort: { cause: 'signal', text: /was killed by ABRT/, words: /./ },
    exit: { cause: 'exit', text: /exited with code 3/, words: /^$/ },
    SIGSEGV: { cause: 'signal', text: /was killed by SEGV/, words: /^$/ },
    SIGKILL: { cause: 'signal', text: /was killed by KILL/, words: /^$/ },
    SIGSTOP: { cause: 'hang', text: /hung and was killed/, words: /^$/ },
    block: { cause: 'hang', text: /hung and was killed/, words: /the event loop is blocked/ },
  };
const ALL = Object.keys(LAST_WORDS) as readonly Failure[];
/** Those that come at once. */
const QUICK: readonly Failure[] = ['throw', 'reject', 'abort', 'SIGSEGV', 'SIGKILL'];

/** The controller fails, and the next one says how. */
async function fail(failure: Failure): Promise<void> {
  const restarts = Number((await info()).controllerRestarts);
  await untiring.fail(container, failure);
  const after = await waitFor(
    `the successor of the one that fails (${failure})`,
    async () => {
      const now = await info();
      return Number(now.controllerRestarts) > restarts && now;
    },
    60_000,
  );
  const { cause, text, words } = LAST_WORDS[failure];
  const { lastControllerEnd: end } = after;
  expect({ failure, ...end }).toMatchObject({
    failure,
    cause,
    text: expect.stringMatching(text),
    lastWords: expect.stringMatching(words),
  });
}

describe.each([
  ['pid1', ALL],
  ['subreaper', QUICK],
] as const)('while services run (%s)', (as, failures) => {
  test('memcached keeps its data and its clients, whatever the controller fails of', async () => {
    container = await TestContainer.boot({
      installation: untiring.installation,
      as,
      services: MEMCACHED,
      args: METRICS,
    });
    const { pid } = await container.reaches('memcached', 'up');
    const client = connect(PORT, '127.0.0.1');
    expect(await ask(client, 'set key 0 0 5\r\nvalue')).toBe('STORED\r\n');
    for (const failure of failures) {
      await fail(failure);
      expect(await ask(client, 'get key')).toBe('VALUE key 0 5\r\nvalue\r\nEND\r\n');
      expect(await container.status('memcached')).toMatchObject({ pid, run: 1, startsTotal: 1 });
    }
    for (let round = 0, last = 0; round < 3; round++) {
      last = await nextController(last);
      process.kill(last, 'SIGKILL');
    }
    expect(await ask(client, 'get key')).toBe('VALUE key 0 5\r\nvalue\r\nEND\r\n');
    const restarts = failures.length + 3;
    await waitFor('the count of all', async () => Number((await info()).controllerRestarts) === restarts);
    const signals = failures.filter((failure) => LAST_WORDS[failure].cause === 'signal').length + 3;
    expect(await container.metric('my_init_controller_restarts_total{cause="signal"}')).toBe(signals);
    client.destroy();
    container.signal('SIGTERM');
    expect(await container.exit).toBe(0);
  }, 300_000);
});

describe.each(['throw', 'SIGSEGV', 'SIGKILL'] as const)('a controller that fails (%s)', (failure) => {
  test('while a startup script runs ends the container with 70, the reason, and the script', async () => {
    container = await TestContainer.boot({
      installation: mortal.installation,
      etc: {
        'my_init.d/10': sh('trap "echo script ended; exit 0" TERM', 'echo begun', 'while :; do sleep 0.02; done'),
      },
      services: MEMCACHED,
      prepare: `dev=$(dirname "$3")/dev; mkdir $dev $dev.work; touch $dev/termination-log
        mount -t overlay overlay -o lowerdir=/dev,upperdir=$dev,workdir=$dev.work /dev`,
      unattended: true,
    });
    await waitFor('the script', () => container.log().includes('begun'));
    await mortal.fail(container, failure);
    expect(await container.exit).toBe(70);
    const reason = /the controller (failed: nobody caught an exception|was killed by \w+) during startup/;
    expect(container.log()).toMatch(new RegExp(`Shutting down: ${reason.source}`));
    expect(container.log()).toContain('script ended');
    expect(readFileSync(join(container.directory, 'dev/termination-log'), 'utf8')).toMatch(
      new RegExp(`^my_init: ${reason.source}; exit code 70\n$`),
    );
  });

  test('while the main command runs leaves it alone, and the exit code is that of the command', async () => {
    container = await TestContainer.boot({
      installation: mortal.installation,
      args: ['--', 'sh', '-c', 'while ! [ -e /run/go ]; do sleep 0.02; done; exit 33'],
    });
    await mortal.fail(container, failure);
    await waitFor('the next controller', async () => Number((await info()).controllerRestarts) === 1);
    await container.exec('touch', '/run/go');
    expect(await container.exit).toBe(33);
  });

  test('while a service is stopped leaves the stop to the next one', async () => {
    container = await TestContainer.boot({
      installation: mortal.installation,
      services: { web: { run: sh('trap "" TERM', 'while :; do sleep 0.02; done') } },
    });
    await container.reaches('web', 'up');
    await container.svctl('stop', 'web', '--no-wait', '--stop-timeout', '1');
    await mortal.fail(container, failure);
    expect(await container.reaches('web', 'down')).toMatchObject({ lastExit: { signal: 'KILL', expected: true } });
  });

  test('while the container is shut down leaves the rest to the next one, within the same deadline', async () => {
    container = await TestContainer.boot({
      installation: mortal.installation,
      services: { web: { run: sh('trap "echo told" TERM', 'while :; do sleep 0.02; done') } },
      args: ['--shutdown-timeout', '3'],
    });
    await container.reaches('web', 'up');
    container.signal('SIGTERM');
    await waitFor('the service to be told', () => container.log().includes('told'));
    await mortal.fail(container, failure);
    expect(await container.exit).toBe(84);
    expect(container.log()).toContain('Going on with the shutdown: SIGTERM was received.');
    expect(container.log().match(/told/g)).toHaveLength(1);
  });
});

/** The pid of the controller, as soon as there is another one. */
const nextController = (last: number) =>
  waitFor('a controller', () => {
    try {
      return container.controllerPid !== last && container.controllerPid;
    } catch {
      return undefined;
    }
  });

async function ask(client: Socket, command: string): Promise<string> {
  let answer = '';
  const take = (text: Buffer) => {
    answer += text.toString('latin1');
  };
  client.on('data', take);
  client.write(`${command}\r\n`);
  await waitFor('the answer of memcached', () => /(END|STORED)\r\n$/.test(answer));
  client.off('data', take);
  return answer;
}
