import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { startApi, type TestApi, until } from '../../helpers/api-server.js';
import { FakeLogs, FIRST_MS } from '../../helpers/fake-logs.js';
import { FakeServices } from '../../helpers/fake-services.js';
import { Relay } from '../../helpers/relay.js';
import { bundledSvctl, type Running, type Svctl } from '../../helpers/svctl.js';

let svctl: Svctl;
beforeAll(() => {
  svctl = bundledSvctl();
});
afterAll(() => svctl.remove());

let logs: FakeLogs;
let api: TestApi;
let relay: Relay;
let running: Running | undefined;
beforeEach(async () => {
  logs = new FakeLogs();
  api = await startApi({ logs });
  relay = new Relay();
  relay.target = api.path;
  await relay.listen();
});
afterEach(async () => {
  running?.process.kill('SIGKILL');
  await running?.ended;
  running = undefined;
  await relay.close();
  await api.stop();
  logs.close();
});

const run = (...args: string[]) => svctl.call(['logs', ...args, '--socket', api.path]);

/** Runs svctl on a terminal. */
const runOnTerminal = async (command: string) => {
  const { stdout } = await svctl.shell(`script -qec '"$svctl" ${command} --socket ${api.path}' /dev/null`);
  return stdout.replaceAll('\r\n', '\n');
};

async function following(...args: string[]): Promise<Running> {
  running = svctl.start(['logs', '-f', ...args, '--socket', relay.path]);
  await until(() => logs.subscribers === 1);
  return running;
}

describe('into a pipe', () => {
  test('the lines of one service come as they were written', async () => {
    const bytes = Buffer.from('a\tb \x1b[31m red\r', 'latin1');
    logs.of('web').line(bytes);
    logs.of('web').line('long ', { partial: true });
    logs.of('web').line('line');
    logs.of('db').line('not asked for');
    expect(await run('web')).toMatchObject({ stdout: `${bytes}\nlong line\n`, stderr: '', code: 0 });
  });

  test('several services have their names before their lines', async () => {
    logs.of('memcached').line('one');
    logs.of('web').line('two', { stream: 'stderr' });
    expect((await run()).stdout).toBe('memcached | one\nweb       | two\n');
    expect((await run('w*')).stdout).toBe('web | two\n');
  });

  test('an interrupted line is completed after the line of another service', async () => {
    logs.of('a').line('begun ', { partial: true });
    logs.of('b').line('other');
    logs.of('a').line('ended');
    expect((await run()).stdout).toBe('a | begun \nb | other\na | ended\n');
  });

  test('times and markers come on request', async () => {
    logs.of('web').mark('started', 2);
    logs.of('web').line('x', { atMs: FIRST_MS + 7 });
    logs.of('web').mark('exited', 2, { kind: 'exited', code: 3 });
    expect((await run('web', '--timestamps')).stdout).toBe('2026-11-23T03:22:11.007Z x\n');
    expect((await run('web', '--markers')).stdout).toBe(
      '-- web: run 2 started --\nx\n-- web: run 2 ended: exit 3 --\n',
    );
  });

  test('a reader that stops reading is no error', async () => {
    logs.of('web').lines(Array.from({ length: 2000 }, (_, index) => `${index}`));
    const { stdout, stderr } = await svctl.shell(
      `"$svctl" logs web --socket ${api.path} | head -1; echo "\${PIPESTATUS[0]}"`,
    );
    expect([stdout, stderr]).toEqual(['0\n0\n', '']);
  });
});

describe('on a terminal', () => {
  test('control characters are harmless, names have colours, and standard error is red', async () => {
    logs.of('web').line('evil \x1b]0;title\x07\ttab', { stream: 'stderr' });
    logs.of('db').line('fine');
    expect(await runOnTerminal('logs')).toBe(
      '\x1b[36mweb\x1b[0m | \x1b[31mevil \\x1b]0;title\\x07\ttab\x1b[0m\n\x1b[35mdb \x1b[0m | fine\n',
    );
  });
});

describe('chosen', () => {
  beforeEach(() => {
    const web = logs.of('web');
    web.mark('started', 1);
    web.line('GET /a 200', { atMs: FIRST_MS });
    web.mark('started', 2);
    web.line('GET /b 502', { atMs: FIRST_MS + 60_000, stream: 'stderr' });
    web.line('GET /c 200', { atMs: Date.now() - 1000 });
  });

  test.each([
    [['-n', '1'], 'GET /c 200\n'],
    [['-n0'], ''],
    [['--grep', ' 5\\d\\d$'], 'GET /b 502\n'],
    [['--stream', 'stderr'], 'GET /b 502\n'],
    [['--previous'], 'GET /a 200\n'],
    [['--since', '5m'], 'GET /c 200\n'],
    [['--until', '2026-11-23T03:22:30Z'], 'GET /a 200\n'],
  ])('by %j', async (options, stdout) => {
    expect(await run('web', ...options)).toMatchObject({ stdout, stderr: '', code: 0 });
  });

  test.each([
    [['-n', 'x'], 2, '--lines cannot be "x"'],
    [['--since', 'noon'], 2, '--since cannot be "noon"'],
    [['--grep', '(a'], 2, 'grep: a group is not closed'],
    [['-f', '--until', '1m'], 2, '--follow or --until'],
    [['-f', '--previous'], 2, '--follow or --previous'],
    [['wep'], 4, 'Did you mean web?'],
    [['-o', 'wide'], 2, '--output cannot be "wide"'],
  ])('refused with %j', async (options, code, words) => {
    const ended = await run(...options);
    expect(ended).toMatchObject({ code, stdout: '' });
    expect(ended.stderr).toContain(words);
  });
});

test('-o json has an object on each line', async () => {
  const web = logs.of('web');
  web.mark('started', 1);
  web.line('ä"', { stream: 'stderr', atMs: FIRST_MS });
  web.line(Buffer.from([0xff]), { partial: true, atMs: FIRST_MS });
  const { stdout } = await run('web', '-o', 'json');
  const objects = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(objects).toEqual([
    expect.objectContaining({ service: 'web', marker: 'started', run: 1, runId: 'web-1' }),
    { service: 'web', stream: 'stderr', time: '2026-11-23T03:22:11.000Z', text: 'ä"' },
    {
      service: 'web',
      stream: 'stdout',
      time: '2026-11-23T03:22:11.000Z',
      text: '\ufffd',
      bytes: '/w==',
      partial: true,
    },
  ]);
});

describe('a follower', () => {
  test('begins with the last ten lines and goes on, also with services that come later', async () => {
    logs.of('web').lines(Array.from({ length: 20 }, (_, index) => `old ${index}`));
    const { stdout } = await following();
    await until(() => stdout().split('\n').length === 11);
    logs.of('web').line('new');
    logs.of('late').line('hello');
    await until(() => stdout().includes('hello'));
    expect(stdout()).toMatch(/^web \| old 10\n/);
    expect(stdout()).toMatch(/\nweb \| new\nlate \| hello\n$/);
  });

  test('repeats nothing, misses nothing and prints no message when its connection is lost', async () => {
    logs.of('web').line('first');
    const { stdout, process, ended } = await following('web');
    await until(() => stdout() === 'first\n');
    const written = ['first'];
    for (let round = 0; round < 4; round++) {
      for (let line = 0; line < 50; line++) {
        written.push(`${round}.${line}`);
        logs.of('web').line(`${round}.${line}`);
        if (line === 25) relay.cut();
      }
      await until(() => stdout() === `${written.join('\n')}\n`);
    }
    process.kill('SIGTERM');
    expect((await ended).stderr).toBe('');
  });

  test('goes on with all lines of a new boot', async () => {
    logs.of('web').line('before');
    const { stdout } = await following('web');
    await until(() => stdout() === 'before\n');
    const next = new FakeLogs('boot-2');
    next.of('web').line('booted');
    const other = await startApi({ logs: next, services: new FakeServices(['web'], 'boot-2') });
    relay.target = other.path;
    relay.cut();
    await until(() => stdout() === 'before\nbooted\n');
    await other.stop();
    next.close();
  });

  test('shows on standard error what was lost', async () => {
    const web = logs.of('web');
    web.line('first');
    const { stdout, process, ended } = await following('web');
    await until(() => stdout() === 'first\n');
    relay.target = undefined;
    relay.cut();
    await until(() => logs.subscribers === 0);
    for (let round = 0; round < 3; round++) web.lines(Array(2500).fill('xxxxx'));
    relay.target = api.path;
    await until(() => stdout().length === 6 * (1 + 7501 - web.store.oldest.record));
    process.kill('SIGTERM');
    const lost = web.store.oldest.record - 1;
    expect((await ended).stderr).toBe(
      `svctl: ${lost} lines of web (${lost * 5} bytes) lost before they could be read\n`,
    );
  });

  test('ends without a message on Ctrl-C', async () => {
    const { process, ended } = await following('web', '-n', '0');
    process.kill('SIGINT');
    expect(await ended).toMatchObject({ signal: 'SIGINT', stdout: '', stderr: '' });
  });

  test('holds nobody up if it does not read, and learns later what it missed', async () => {
    const { stdout, process, ended } = await following('web');
    process.stdout.pause();
    for (let round = 0; round < 200; round++) {
      logs.of('web').lines(Array(500).fill('x'.repeat(100)));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await run('web', '-n', '1')).toMatchObject({ code: 0, stdout: `${'x'.repeat(100)}\n` });
    process.stdout.resume();
    logs.of('web').line('last');
    await until(() => stdout().endsWith('last\n'));
    process.kill('SIGTERM');
    const { stderr } = await ended;
    const lost = [...stderr.matchAll(/^svctl: (\d+) lines of web/gm)].reduce(
      (sum, [, count]) => sum + Number(count),
      0,
    );
    expect(stdout().split('\n').length - 1 + lost).toBe(100_001);
  });
});

test('without my_init the exit code is 7', async () => {
  expect(await svctl.call(['logs', '--socket', '/nowhere/x.sock'])).toMatchObject({ code: 7, stdout: '' });
});

test('a service that writes to a logger shows a hint where its lines are', async () => {
  api.services.set('web/log', { directory: '/etc/service/web/log' });
  const { stdout, stderr, code } = await run('web');
  expect({ stdout, code }).toEqual({ stdout: '', code: 0 });
  expect(stderr).toBe(
    'svctl: web writes to a logger of its own, /etc/service/web/log/run, which keeps its lines elsewhere\n' +
      '       svctl logs web/log shows what the logger itself says\n',
  );
  logs.of('web').line('a line of its own');
  expect((await run('web')).stderr).toBe('');
});
