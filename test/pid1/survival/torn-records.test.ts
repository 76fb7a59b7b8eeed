import { closeSync, existsSync, openSync, readdirSync, readFileSync, readlinkSync, readSync, writeSync } from 'node:fs';
import { afterEach, describe, expect, test } from '@jest/globals';
import { TestContainer } from '../../helpers/container.js';
import { linesOf } from '../../helpers/lines-of.js';
import { waitFor } from '../../helpers/wait-for.js';

const WORKS = '#!/bin/sh\nexec sleep 1000\n';
const SLOT_BYTES = 4_096;

let container: TestContainer;
afterEach(() => container.dispose());

const info = () => container.info();

/**
 * Damages slots in the memory that init holds, and kills the controller before it can write them
 * again.
 */
async function tear(...keys: readonly string[]): Promise<void> {
  const { pid, controllerPid } = container;
  process.kill(controllerPid, 'SIGSTOP');
  const held = readdirSync(`/proc/${pid}/fd`).map((fd) => `/proc/${pid}/fd/${fd}`);
  const path = held.find((fd) => readlinkSync(fd).startsWith('/memfd:my_init-state')) ?? '';
  const content = readFileSync(path);
  const fd = openSync(path, 'r+');
  for (const key of keys) {
    const at = content.indexOf(`{"key":"${key}"`);
    expect(at).toBeGreaterThan(0);
    writeSync(fd, 'XXXX', at - (at % SLOT_BYTES) + 20);
    expect(readSync(fd, Buffer.alloc(4), 0, 4, at)).toBe(4);
  }
  closeSync(fd);
  process.kill(controllerPid, 'SIGKILL');
  await waitFor('the next controller', async () => (await info()).controllerPid !== undefined);
}

const numbersOf = async (name: string): Promise<readonly number[]> => {
  const { stdout } = await container.svctl('logs', name, '-n', '1000000', '-o', 'jsonl');
  return stdout
    .split('\n')
    .flatMap((line) => /"line (\d+) /.exec(line)?.[1] ?? [])
    .map(Number);
};

const inFile = (name: string): readonly number[] => {
  const path = `/proc/${container.pid}/root/run/logs/${name}`;
  return existsSync(path)
    ? Array.from(readFileSync(path, 'utf8').matchAll(/line (\d+) /g), ([, number]) => Number(number))
    : [];
};

describe('a torn record', () => {
  test('of a service costs its history, but not its process, and nothing runs twice', async () => {
    container = await TestContainer.boot({ services: { web: { run: WORKS }, other: { run: WORKS } } });
    await container.reaches('other', 'up');
    await container.reaches('web', 'up');
    await container.svctl('restart', 'web');
    const before = await container.reaches('web', 'up');
    const other = await container.status('other');
    await tear('service/web');
    const after = await container.reaches('web', 'up');
    expect(after).toMatchObject({ pid: before.pid, run: 1, startsTotal: 1 });
    expect(await container.status('other')).toMatchObject({ pid: other.pid, run: 1 });
    expect(await container.sleeping(2)).toEqual([before.pid, other.pid].sort((a, b) => a - b));
    expect((await container.svctl('logs', 'my_init')).stdout).toContain(
      `web: its record is lost, and with it its history; its process ${before.pid} goes on`,
    );
    expect((await container.svctl('restart', 'web')).code).toBe(0);
    expect(await container.sleeping(2)).toHaveLength(2);
  });

  test('of a service without supervise/pid leaves no process behind either', async () => {
    container = await TestContainer.boot({ services: { web: { run: WORKS } } });
    const { pid } = await container.reaches('web', 'up');
    await container.exec('rm', `${container.services}/web/supervise/pid`);
    await tear('service/web');
    const after = await container.reaches('web', 'up');
    expect(after.pid).not.toBe(pid);
    expect(await container.sleeping(1)).toEqual([after.pid]);
    expect((await container.svctl('logs', 'my_init')).stdout).toContain(`The process ${pid} is on no record`);
  });

  test.each([
    ['memory', []],
    ['files', ['--log-dir', '/run/logs']],
  ] as const)('of a log in %s costs no line, and holds up no writer', async (_, args) => {
    // More than a pipe holds: the service would stand still if nobody read the pipe.
    const run =
      '#!/bin/sh\ni=0; while :; do i=$((i+1)); printf "line %d %0500d\\n" $i 0; [ $((i % 20)) -eq 0 ] && sleep 0.1; done\n';
    container = await TestContainer.boot({
      services: { talks: { run }, ['long'.repeat(20)]: { run } },
      // Room for more than a minute of output, on a machine that is too busy to look in time.
      args: ['--log-buffer', '8m', '--log-file-size', '8m', ...args],
    });
    const names = ['talks', 'long'.repeat(20)] as const;
    const before = await Promise.all(names.map((name) => container.reaches(name, 'up')));
    await tear(...names.map((name) => `log/${name}`), 'log/my_init');
    for (const [index, name] of names.entries()) {
      const held = name.slice(0, 32);
      const last = (await numbersOf(held)).at(-1) ?? 0;
      await waitFor('more lines', async () => ((await numbersOf(held)).at(-1) ?? 0) > last + 1000);
      // The file of that time has become an older one, which is not read again.
      const numbers = [...inFile(name === held ? `${name}.log.1` : `${name}.log`), ...(await numbersOf(held))];
      expect(numbers.findIndex((number, at) => number !== at + 1)).toBe(-1);
      expect(await container.status(name)).toMatchObject({ pid: before[index]?.pid, run: 1 });
    }
    expect((await container.svctl('logs', 'my_init')).stdout).toContain('talks: the record of its log is lost');
    expect((await container.svctl('restart', '--all')).code).toBe(0);
    await waitFor('the next run', async () => (await numbersOf(names[1])).includes(1));
  });

  test('of the container leaves the main command and its exit code as they are', async () => {
    container = await TestContainer.boot({
      services: { web: { run: WORKS } },
      args: ['--', 'sh', '-c', 'echo main >> /run/mains; while ! [ -e /run/go ]; do sleep 0.1; done; exit 9'],
    });
    const { pid } = await container.reaches('web', 'up');
    const mains = (): readonly string[] => linesOf(`/proc/${container.pid}/root/run/mains`);
    await waitFor('the main command', () => mains().length > 0);
    await tear('container');
    expect(await container.status('web')).toMatchObject({ pid, run: 1 });
    expect(mains()).toEqual(['main']);
    await container.exec('touch', '/run/go');
    expect(await container.exit).toBe(9);
  });
});
