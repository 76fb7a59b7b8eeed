import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync, writeSync } from 'node:fs';
import { afterEach, describe, expect, test } from '@jest/globals';
import { TestContainer } from '../helpers/container.js';
import { waitFor } from '../helpers/wait-for.js';

const WORKS = '#!/bin/sh\nexec sleep 1000\n';
const SLOT_BYTES = 4_096;

let container: TestContainer;
afterEach(() => container.dispose());

const info = async () => JSON.parse((await container.svctl('info', '-o', 'json')).stdout || '{}');

/** Damages slots in the memory that init holds, and kills the controller before it can write them again. */
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

const sleeping = async () =>
  (await container.exec('ps', '-C', 'sleep', '-o', 'pid=')).stdout.trim().split(/\s+/).map(Number);

describe('a torn record', () => {
  test('of a service costs its history, not its process, and nothing runs twice', async () => {
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
    expect((await sleeping()).sort()).toEqual([before.pid, other.pid].sort());
    expect((await container.svctl('logs', 'my_init')).stdout).toContain(
      `web: its record is lost, and with it its history; its process ${before.pid} goes on`,
    );
    expect((await container.svctl('restart', 'web')).code).toBe(0);
    expect(await sleeping()).toHaveLength(2);
  });

  test('of a service that cannot be told from its process either does not leave its process behind', async () => {
    container = await TestContainer.boot({ services: { web: { run: WORKS } } });
    const { pid } = await container.reaches('web', 'up');
    await container.exec('rm', `${container.services}/web/supervise/pid`);
    await tear('service/web');
    const after = await container.reaches('web', 'up');
    expect(after.pid).not.toBe(pid);
    expect(await sleeping()).toEqual([after.pid]);
    expect((await container.svctl('logs', 'my_init')).stdout).toContain(`The process ${pid} is on no record`);
  });

  test('of the container leaves the main command, and its exit code, as they are', async () => {
    container = await TestContainer.boot({
      services: { web: { run: WORKS } },
      args: ['--', 'sh', '-c', 'echo main >> /run/mains; while ! [ -e /run/go ]; do sleep 0.1; done; exit 9'],
    });
    const { pid } = await container.reaches('web', 'up');
    await tear('container');
    expect(await container.status('web')).toMatchObject({ pid, run: 1 });
    expect(readFileSync(`/proc/${container.pid}/root/run/mains`, 'utf8')).toBe('main\n');
    await container.exec('touch', '/run/go');
    expect(await container.exit).toBe(9);
  });
});
