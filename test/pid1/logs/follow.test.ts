import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { credentials } from '@grpc/grpc-js';
import { afterEach, describe, expect, test } from '@jest/globals';
import { LogsClient, ReadRequest } from '../../../gen/my_init/v1/logs.js';
import { METRICS, TestContainer } from '../../helpers/container.js';
import { LogFollower, SequenceCheck } from '../../helpers/log-follower.js';
import { removeInUse } from '../../helpers/remove-in-use.js';
import { waitFor } from '../../helpers/wait-for.js';
import { sh } from '../../helpers/whole-run.js';

/** The full test uses ten million. */
const LINES = Number(process.env.TEST_LOG_LINES ?? 1_000_000);
const SERVICES = Array.from({ length: 10 }, (_, index) => `web${index}`);

let container: TestContainer;
let follower: LogFollower | undefined;
afterEach(async () => {
  follower?.close();
  follower = undefined;
  await container.dispose();
});

const SVCTL = fileURLToPath(new URL('../../../dist/svctl.js', import.meta.url));

const selector = { names: SERVICES };

/** Writes the numbers from 1 on as soon as there is a file `begin`. */
const counts = (last: number) =>
  sh('while [ ! -e begin ]; do sleep 0.1; done', `seq 1 ${last}`, 'touch said', 'exec sleep 1000');

/** Makes the services write the numbers. */
function begin(): void {
  for (const name of SERVICES) container.write(`${name}/begin`, '');
}

const bootCounting = (run: string, args: readonly string[]): Promise<TestContainer> =>
  TestContainer.boot({ services: Object.fromEntries(SERVICES.map((name) => [name, { run }])), args });

describe('a follower', () => {
  test(
    'of millions of lines has each of them, or a gap that counts it',
    async () => {
      const each = LINES / SERVICES.length;
      container = await bootCounting(counts(each), ['--log-output', 'none']);
      const check = new SequenceCheck();
      follower = new LogFollower(container.socket, { selector, tail: 0 }, (event) => check.take(event));
      await waitFor('the follower', () => follower?.caughtUp);
      const begun = Date.now();
      begin();
      await waitFor(
        'the last line of each',
        () => SERVICES.every((name) => check.reached.get(name) === each) || check.wrong.length > 0,
        120_000 + LINES / 50,
      );
      const seconds = ((Date.now() - begun) / 1000).toFixed(1);
      console.info(`${check.lines} lines came in ${seconds} s, ${check.missing} were told as missing`);
      expect(check.wrong).toEqual([]);
      expect(check.lines + check.missing).toBe(LINES);
      expect(follower.connections).toBe(1);
    },
    600_000 + LINES / 50,
  );

  test('misses nothing and gets nothing twice while the controller is killed again and again', async () => {
    const last = 3_000;
    const run = sh(
      `n=0; while [ $n -lt ${last} ]; do seq $((n + 1)) $((n + 20)); n=$((n + 20)); sleep 0.1; done`,
      'exec sleep 1000',
    );
    container = await bootCounting(run, ['--log-output', 'none']);
    const check = new SequenceCheck();
    follower = new LogFollower(container.socket, { selector }, (event) => check.take(event));
    for (let death = 1; death <= 3; death++) {
      const before = check.lines;
      await waitFor('more lines', () => check.lines > before + 2_000);
      await killController();
    }
    await waitFor(
      'the last line of each',
      () => SERVICES.every((name) => check.reached.get(name) === last) || check.wrong.length > 0,
      240_000,
    );
    expect(check.wrong).toEqual([]);
    expect(check.missing).toBe(0);
    expect(check.lines).toBe(last * SERVICES.length);
    expect(follower.connections).toBeGreaterThan(3);
  });

  // The controller is killed at work: with output read from the pipe but not stored, with half
  // lines.
  test.each([
    ['in memory', 2_000_000, []],
    ['in files', 100_000, ['--log-dir', '/run/logs']],
  ])(
    'gets every line when the controller is killed while services write without pause, %s',
    async (_, last, options) => {
      container = await bootCounting(counts(last), ['--log-output', 'none', ...options]);
      const check = new SequenceCheck();
      follower = new LogFollower(container.socket, { selector, tail: 0 }, (event) => check.take(event));
      await waitFor('the follower', () => follower?.caughtUp);
      begin();
      const isOver = () => SERVICES.every((name) => check.reached.get(name) === last) || check.wrong.length > 0;
      let deaths = 0;
      // A fifth death within a minute would end the container.
      while (!isOver() && deaths < 4) {
        const before = check.lines;
        await waitFor('more lines', () => check.lines > before + 1_000 || isOver());
        await killController();
        deaths++;
      }
      await waitFor('the last line of each', isOver);
      expect(check.wrong).toEqual([]);
      expect(check.lines + check.missing).toBe(last * SERVICES.length);
      expect(deaths).toBeGreaterThan(1);
    },
    900_000,
  );
});

test('a service that is removed and comes back while the controller is killed is another log to a follower', async () => {
  const says = (word: string, last: number) => ({ run: sh(`seq -f '${word} %g' ${last}`, 'exec sleep 1000') });
  container = await TestContainer.boot({ services: { web: says('before', 5) } });
  const reader = new LogFollower(container.socket, { selector: { names: ['web'] } });
  follower = reader;
  await waitFor('the first lines', () => reader.caughtUp && reader.told.includes('web before 5'));
  removeInUse(join(container.services, 'web'));
  await container.forgets('web');
  process.kill(container.controllerPid, 'SIGKILL');
  container.addService('web', says('after', 7));
  await waitFor('the last line', () => reader.told.includes('web after 7'));
  const after = Array.from({ length: 7 }, (_, index) => `web after ${index + 1}`);
  expect(reader.told.filter((text) => text.includes('after'))).toEqual(after);
});

test('a thousand readers that never read cost a service nothing, and the controller no more than its limit', async () => {
  const last = 1_000_000;
  container = await TestContainer.boot({
    services: { web: { run: counts(last) } },
    args: [...METRICS, '--log-output', 'none'],
  });
  const pid = container.controllerPid;
  const clients = Array.from({ length: 20 }, () => silentClient());
  try {
    let [served, refused] = [0, 0];
    for (const client of clients)
      for (let count = 0; count < 50; count++) {
        const call = client.read(ReadRequest.fromPartial({ follow: true }));
        call.once('data', () => {
          served++;
          call.pause();
        });
        call.once('error', ({ message }) => {
          if (message.includes('128 streams are open')) refused++;
        });
      }
    await waitFor('all to have a place or a refusal', () => served + refused === 1_000);
    expect(served).toBe(128);
    const before = anonymousKib(pid);
    container.write('web/begin', '');
    const lines = () => container.metric('my_init_log_lines_total{service="web"}');
    await waitFor('all lines', async () => (await lines()) === last);
    expect(anonymousKib(pid) - before).toBeLessThan(80_000);
    expect((await container.svctl('status', 'web')).code).toBe(0);
  } finally {
    for (const client of clients) client.close();
  }
});

describe('a sidecar that ships logs', () => {
  test.each(['the same', 'another'])('follows all services through the socket from %s PID namespace', async (where) => {
    container = await TestContainer.boot({
      services: {
        web: { run: sh('echo from web', 'exec sleep 1000') },
        worker: { run: sh('echo from worker >&2', 'exec sleep 1000') },
      },
      args: ['--socket-group', 'games'],
    });
    const inside = where === 'the same' ? ['nsenter', '--target', String(container.pid), '--pid', '--mount', '--'] : [];
    const [file = '', ...args] = [
      ...inside,
      'setpriv',
      '--reuid',
      '2345',
      '--regid',
      '60',
      '--clear-groups',
      SVCTL,
      '--socket',
      container.socket,
      'logs',
      '-f',
      '-o',
      'json',
    ];
    const sidecar = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    sidecar.stdout.on('data', (chunk) => {
      text += chunk;
    });
    sidecar.stderr.on('data', (chunk) => {
      text += chunk;
    });
    try {
      await waitFor(`lines of both`, () => text.includes('from web') && text.includes('from worker'));
    } catch (error) {
      throw new Error(`${String(error)}\n${text}`);
    } finally {
      sidecar.kill('SIGKILL');
    }
  });
});

function silentClient(): LogsClient {
  return new LogsClient(`unix:${container.socket}`, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
  });
}

const anonymousKib = (pid: number): number =>
  Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

async function killController(): Promise<void> {
  const killed = container.controllerPid;
  process.kill(killed, 'SIGKILL');
  await waitFor('the next controller', () => hasNext(killed));
}

function hasNext(killed: number): boolean {
  try {
    return container.controllerPid !== killed;
  } catch {
    return false;
  }
}
