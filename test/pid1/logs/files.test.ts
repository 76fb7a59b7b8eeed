import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { METRICS, TestContainer } from '../../helpers/container.js';
import { LogFollower, SequenceCheck } from '../../helpers/log-follower.js';
import { waitFor } from '../../helpers/wait-for.js';
import { sh } from '../../helpers/whole-run.js';

/**
 * The expressions of the parsers that shippers bring along; `s` and the names of groups are in
 * JavaScript's syntax.
 */
const PARSERS = {
  'fluent-bit': /^(?<time>[^ ]+) (?<stream>stdout|stderr) (?<tag>[^ ]*) (?<text>.*)$/,
  promtail: /^(?<time>\S+?) (?<stream>stdout|stderr) (?<tag>\S+?) (?<text>.*)$/s,
  OpenTelemetry: /^(?<time>[^ ^Z]+Z) (?<stream>stdout|stderr) (?<tag>[^ ]*) ?(?<text>.*)$/,
  'docs/logs.md for Vector': /^(?<time>\S+) (?<stream>stdout|stderr) (?<tag>[FP]) (?<text>.*)$/,
};

let container: TestContainer;
let directory: string;
let follower: LogFollower | undefined;
beforeEach(() => {
  directory = mkdtempSync('/tmp/my_init-logs-');
});
afterEach(async () => {
  follower?.close();
  follower = undefined;
  await container.dispose();
  rmSync(directory, { recursive: true, force: true, maxRetries: 20 });
});

const linesOf = (name: string): string[] => readFileSync(join(directory, name), 'utf8').trimEnd().split('\n');
const textsOf = (name: string): string[] =>
  linesOf(name).map((line) => PARSERS['fluent-bit'].exec(line)?.groups?.text ?? `not CRI: ${line}`);

/**
 * Follows a service that writes the numbers up to `last`, with its log on a disk of one megabyte.
 */
async function followOnSmallDisk(last: number): Promise<SequenceCheck> {
  container = await TestContainer.boot({
    services: {
      web: { run: sh('while [ ! -e begin ]; do sleep 0.1; done', `seq 1 ${last}`, 'exec sleep 1000') },
    },
    prepare: 'mkdir /run/logs; mount -t tmpfs -o size=1m tmpfs /run/logs',
    args: [...METRICS, '--log-dir', '/run/logs', '--log-output', 'none'],
  });
  const check = new SequenceCheck();
  follower = new LogFollower(container.socket, { selector: { names: ['web'] } }, (event) => check.take(event));
  await waitFor('the follower', () => follower?.caughtUp);
  container.write('web/begin', '');
  return check;
}

describe('--log-dir', () => {
  test('has a file for each service in a format that the CRI parsers of shippers read', async () => {
    container = await TestContainer.boot({
      services: {
        web: {
          run: sh(
            'echo "to stdout"',
            'echo "to stderr" >&2',
            'head -c 20000 /dev/zero | tr "\\0" x',
            'echo',
            'exec sleep 1000',
          ),
        },
      },
      args: ['--log-dir', directory],
    });
    await waitFor('four records', () => readdirSync(directory).includes('web.log') && linesOf('web.log').length >= 4);
    for (const [shipper, parser] of Object.entries(PARSERS)) {
      const records = linesOf('web.log').map((line) => parser.exec(line)?.groups);
      const read = records.map((record) => `${record?.stream} ${record?.tag} ${record?.text?.length}`);
      expect([shipper, ...read.sort()]).toEqual([
        shipper,
        ...['stderr F 9', 'stdout F 3616', 'stdout F 9', 'stdout P 16384'],
      ]);
      expect(records.every((record) => Date.parse(record?.time ?? '') > 0)).toBe(true);
    }
    expect(readdirSync(directory)).toContain('my_init.log');
    expect(statSync(join(directory, 'web.log')).mode & 0o777).toBe(0o640);
  });

  test('rotates files by size and keeps the permitted number; the next controller goes on in them', async () => {
    container = await TestContainer.boot({
      services: {
        web: {
          run: sh(
            'while [ ! -e begin ]; do sleep 0.1; done',
            'n=0',
            'while [ $n -lt 60000 ]; do seq $((n + 1)) $((n + 1000)); n=$((n + 1000)); sleep 0.05; done',
            'exec sleep 1000',
          ),
        },
      },
      args: ['--log-dir', directory, '--log-file-size', '300k', '--log-files', '4', '--log-output', 'none'],
    });
    const check = new SequenceCheck();
    follower = new LogFollower(container.socket, { selector: { names: ['web'] } }, (event) => check.take(event));
    await waitFor('the follower', () => follower?.caughtUp);
    container.write('web/begin', '');
    await waitFor('a rotation', () => readdirSync(directory).includes('web.log.1'));
    process.kill(container.controllerPid, 'SIGKILL');
    await waitFor('the last line', () => check.reached.get('web') === 60_000);
    expect(check.wrong).toEqual([]);
    // A slow reader is overtaken by the rotation, and gets a gap.
    expect(check.lines + check.missing).toBe(60_000);
    expect(
      readdirSync(directory)
        .filter((name) => name.startsWith('web'))
        .sort(),
    ).toEqual(['web.log', 'web.log.1', 'web.log.2', 'web.log.3']);
    for (const name of ['web.log.1', 'web.log.2', 'web.log.3'])
      expect(statSync(join(directory, name)).size).toBeLessThanOrEqual(300 * 1024);
    const numbers = ['web.log.3', 'web.log.2', 'web.log.1', 'web.log'].flatMap(textsOf).map(Number);
    expect(numbers.every((number, index) => index === 0 || number === (numbers[index - 1] ?? 0) + 1)).toBe(true);
    expect(numbers.at(-1)).toBe(60_000);
  });

  test('goes on after somebody truncates or removes a file, and no later line is missing on the output', async () => {
    const waits = 'while [ ! -e to$n ]; do sleep 0.05; done';
    container = await TestContainer.boot({
      services: { web: { run: sh(`for n in 10 20 30 40; do ${waits}; seq $((n - 9)) $n; done; exec sleep 1000`) } },
      args: ['--log-dir', directory],
    });
    const log = join(directory, 'web.log');
    const numbers = () =>
      container
        .log()
        .split('\n')
        .filter((line) => /^\d+$/.test(line));
    const sayTo = async (last: number): Promise<void> => {
      container.write(`web/to${last}`, '');
      await waitFor(`${last} lines on the output:\n${container.log()}`, () => numbers().includes(String(last)));
    };
    const killed = async (): Promise<void> => {
      process.kill(container.controllerPid, 'SIGKILL');
      await waitFor('the next controller', () => container.answers());
    };
    await sayTo(10);
    truncateSync(log, 0);
    await sayTo(20);
    expect(textsOf('web.log')).toHaveLength(10);
    await killed();
    truncateSync(log, 0);
    await killed();
    await sayTo(30);
    rmSync(log);
    await killed();
    await sayTo(40);
    expect(numbers()).toEqual(Array.from({ length: 40 }, (_, index) => String(index + 1)));
    expect(container.log()).not.toContain('lost');
  });

  test('lets services go on when the disk is full; missing lines are counted, and readers get a gap', async () => {
    const check = await followOnSmallDisk(50_000);
    const dropped = 'my_init_log_dropped_lines_total{service="web",cause="disk_full"}';
    const stored = 'my_init_log_lines_total{service="web"}';
    await waitFor(
      'all lines',
      async () => Number(await container.metric(dropped)) + Number(await container.metric(stored)) === 50_000,
    );
    expect(await container.metric(dropped)).toBeGreaterThan(10_000);
    await waitFor('lines and gaps', () => check.lines + check.missing === 50_000);
    expect(check.missing).toBe(await container.metric(dropped));
    expect(check.lines).toBe(await container.metric(stored));
    expect((await container.status('web')).run).toBe(1);
    const words = `log of web: ${check.missing} lines lost, the disk was full; \\d+ lines wait in memory for room on the disk`;
    expect((await container.svctl('info')).stdout).toMatch(new RegExp(`^logs +${words}$`, 'm'));
    expect((await container.svctl('status')).stdout).toMatch(new RegExp(`^    ${words}$`, 'm'));
  });

  test('counts missing lines exactly on a full disk, also when the controller is killed again and again', async () => {
    const last = 1_000_000;
    const check = await followOnSmallDisk(last);
    const heard = () => check.lines + check.missing;
    for (let death = 1; death <= 3; death++) {
      const before = heard();
      await waitFor('more lines', () => heard() > before || heard() === last);
      process.kill(container.controllerPid, 'SIGKILL');
      await waitFor('the next controller', () => container.answers());
    }
    await waitFor('lines and gaps', () => heard() >= last);
    expect(check.lines + check.missing).toBe(last);
    const dropped = 'my_init_log_dropped_lines_total{service="web",cause="disk_full"}';
    expect(await container.metric(dropped)).toBe(check.missing);
    expect((await container.svctl('info')).stdout).toContain(`log of web: ${check.missing} lines lost`);
    expect(await container.metric('my_init_log_lines_total{service="web"}')).toBe(check.lines);
  });

  test('loses nothing when the disk is full for a while: lines wait in memory, also when the controller is killed', async () => {
    const waits = 'while [ ! -e to$n ]; do sleep 0.05; done';
    container = await TestContainer.boot({
      services: { web: { run: sh(`for n in 10 1000 2000 500; do ${waits}; seq $n; done; exec sleep 1000`) } },
      prepare: 'mkdir /run/logs; mount -t tmpfs -o size=256k tmpfs /run/logs',
      args: ['--log-dir', '/run/logs'],
    });
    const logs = `/proc/${container.pid}/root/run/logs`;
    const held = async () => (await container.svctl('logs', '-n', '100000', 'web')).stdout.match(/^\d+$/gm) ?? [];
    const say = async (last: number, lines: number): Promise<void> => {
      container.write(`web/to${last}`, '');
      await waitFor(`${lines} lines`, async () => (await held()).length === lines);
    };
    const killed = async (): Promise<void> => {
      process.kill(container.controllerPid, 'SIGKILL');
      await waitFor('the next controller', async () => await container.answers());
    };
    await say(10, 10);
    expect(() => writeFileSync(join(logs, 'ballast'), Buffer.alloc(1 << 20))).toThrow('ENOSPC');
    await say(1000, 1010);
    await killed();
    await say(2000, 3010);
    const lines = await held();
    const words = /^ {4}log of web: \d+ lines wait in memory for room on the disk$/m;
    expect((await container.svctl('status')).stdout).toMatch(words);
    expect(container.log()).toContain(
      'the disk does not take the log of web (ENOSPC): it waits in memory until there is room',
    );
    await killed();
    rmSync(join(logs, 'ballast'));
    const inFile = () => readFileSync(join(logs, 'web.log'), 'latin1').match(/(?<= F )\d+$/gm) ?? [];
    await waitFor('all lines in the file', () => inFile().length === 3010);
    expect(inFile()).toEqual(lines);
    // The disk is full again, for a controller that has found lines in the memory of the one
    // before.
    expect(() => writeFileSync(join(logs, 'ballast'), Buffer.alloc(1 << 20))).toThrow('ENOSPC');
    await say(500, 3510);
    rmSync(join(logs, 'ballast'));
    await waitFor('all lines in the file', () => inFile().length === 3510);
    expect(inFile()).toEqual(await held());
    expect((await container.svctl('status')).stdout).not.toContain('log of web');
  });

  test('names the lines that a full disk did not take when the container ends', async () => {
    container = await TestContainer.boot({
      services: { web: { run: sh('seq 1 1000', 'exec sleep 1000') } },
      prepare: 'mkdir /run/logs; mount -t tmpfs -o size=16k tmpfs /run/logs',
      args: ['--log-dir', '/run/logs'],
    });
    await waitFor('lines that wait', async () => (await container.svctl('status')).stdout.includes('wait in memory'));
    await container.svctl('shutdown');
    await container.exit;
    expect(container.log()).toMatch(/the log of web ends without its last \d+ lines: the disk did not take them/);
  });

  test('is reported when it cannot be used, and the log is kept in memory', async () => {
    container = await TestContainer.boot({
      services: { web: { run: sh('echo hello', 'exec sleep 1000') } },
      args: ['--log-dir', '/proc/none'],
    });
    await waitFor('the line', async () => (await container.svctl('logs', 'web')).stdout.includes('hello'));
    expect(container.log()).toMatch(/the log of web is kept in memory: \/proc\/none cannot be used \(ENOENT\)/);
  });

  test('may become unusable, or usable again, when a controller dies: the log stays in memory', async () => {
    const logs = join(directory, 'logs');
    const waits = 'while [ ! -e to$n ]; do sleep 0.05; done';
    container = await TestContainer.boot({
      services: { web: { run: sh(`for n in 10 20 30; do ${waits}; seq $((n - 9)) $n; done; exec sleep 1000`) } },
      args: ['--log-dir', logs],
    });
    follower = new LogFollower(container.socket, { selector: { names: ['web'] } });
    const sayTo = async (last: number): Promise<void> => {
      container.write(`web/to${last}`, '');
      await waitFor(`${last} lines on the output`, () => container.log().includes(`\n${last}\n`));
      await waitFor(`${last} lines for who reads`, () => follower?.told.includes(`web ${last}`));
    };
    const killed = async (): Promise<void> => {
      process.kill(container.controllerPid, 'SIGKILL');
      await waitFor('the next controller', () => container.answers());
    };
    await sayTo(10);
    rmSync(logs, { recursive: true, maxRetries: 20 });
    writeFileSync(logs, 'not a directory');
    await killed();
    await sayTo(20);
    rmSync(logs);
    await killed();
    await sayTo(30);
    const numbers = Array.from({ length: 30 }, (_, index) => String(index + 1));
    expect(container.log().match(/^\d+$/gm)).toEqual(numbers);
    expect(container.log()).not.toContain('lost');
    expect(follower.told.filter((text) => /^web (\d+|gap.*)$/.test(text))).toEqual(
      numbers.map((text) => `web ${text}`),
    );
  });
});

describe('--log-buffer', () => {
  test('limits the memory for each service, and --log-buffers the memory for all', async () => {
    const run = sh('seq 1 200000', 'exec sleep 1000');
    container = await TestContainer.boot({
      services: { a: { run }, b: { run }, c: { run } },
      args: ['--log-buffer', '1m', '--log-buffers', '2m', '--log-output', 'none'],
    });
    const held = async (name: string) => (await container.svctl('logs', name)).stdout.length;
    const last = async (name: string) => (await container.svctl('logs', '-n', '1', name)).stdout.includes('200000');
    for (const name of ['a', 'b', 'c']) await waitFor(`the last line of ${name}`, () => last(name));
    const sizes = await Promise.all(['a', 'b', 'c'].map(held));
    // my_init itself has the first megabyte, one service the second; the others get the least
    // possible.
    expect(sizes.filter((size) => size > 60_000)).toHaveLength(1);
    expect(Math.max(...sizes)).toBeLessThan(1 << 20);
  });
});
