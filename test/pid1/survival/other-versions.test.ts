import { existsSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { TestContainer } from '../../helpers/container.js';
import { type Changes, Installation } from '../../helpers/other-version.js';
import { waitFor } from '../../helpers/wait-for.js';
import { sh } from '../../helpers/whole-run.js';

/**
 * A version with more fields in its records, and with words in them that this version does not
 * know.
 */
const RICHER: Changes = {
  'state/slots.ts': [
    ['JSON.stringify({ key, value })', 'JSON.stringify({ key, value: richer(key, value) })'],
    ['{ key: record.key, value: record.value }', '{ key: record.key, value: poorer(record.value) }'],
    [
      'function decode(',
      `const WORDS = { state: { up: 'thriving', backoff: 'resting' }, desired: { once: 'for now' }, kind: { api: 'wish' } };
      const inWords = (value: any, words: (of: any) => any): any => {
        if (typeof value !== 'object' || value === null) return value;
        if (Array.isArray(value)) return value.map((one) => inWords(one, words));
        return Object.fromEntries(
          Object.entries(value).map(([key, one]) => [key, words((WORDS as any)[key] ?? {})[one as any] ?? inWords(one, words)]),
        );
      };
      const more = (value: any): any =>
        typeof value !== 'object' || value === null || Array.isArray(value)
          ? value
          : { ...Object.fromEntries(Object.entries(value).map(([key, one]) => [key, more(one)])), mood: 0 };
      const richer = (_key: string, value: any): any => more(inWords(value, (words) => words));
      const poorer = (value: any): any =>
        inWords(value, (words) => Object.fromEntries(Object.entries(words).map(([own, other]) => [other, own])));
      function decode(`,
    ],
  ],
};
/** A version whose slots the version before it cannot read. */
const NEWER: Changes = { 'state/slots.ts': [['SLOTS_VERSION = 1;', 'SLOTS_VERSION = 2;']] };
const OTHER_PROTOCOL: Changes = { 'process/init-link.ts': [['PROTOCOL = 1;', 'PROTOCOL = 2;']] };

const SERVICES = {
  steady: { run: sh('echo steady >> /etc/starts', 'exec sleep 100000') },
  down: { run: sh('echo down >> /etc/starts', 'exec sleep 100000'), down: '' },
  crashes: { run: sh('echo crashes >> /etc/starts', 'exit 3') },
  once: { run: sh('echo once >> /etc/starts', 'exec sleep 100000'), down: '' },
  stubborn: {
    run: sh('trap "echo told >> /etc/starts" TERM', 'echo stubborn >> /etc/starts', 'while :; do sleep 1 & wait; done'),
  },
  // More than a pipe holds: the service would stand still if nobody read the pipe.
  talks: {
    run: sh('i=0; while :; do i=$((i+1)); printf "line %d %0500d\\n" $i 0; [ $((i % 20)) -eq 0 ] && sleep 0.02; done'),
  },
};
/**
 * Room for all output within the time limit of a test, also on a busy machine: 0.6 MB each second.
 */
const LOG_BUFFER = ['--log-buffer', '128m', '--log-buffers', '4g'];
const MAIN = [
  ...LOG_BUFFER,
  '--',
  'sh',
  '-c',
  'echo main >> /etc/starts; until [ -e /etc/go ]; do sleep 0.02; done; exit 33',
];
const STEADY = ['pid', 'run', 'startsTotal', 'restartsTotal', 'desired', 'state', 'runId'];

let installation: Installation;
let container: TestContainer;
beforeEach(() => {
  installation = new Installation();
});
afterEach(async () => {
  await container.dispose();
  installation.dispose();
});

const info = () => container.info();
const starts = () => readFileSync(`${container.directory}/etc/starts`, 'utf8').trim().split('\n');
const startsOf = (word: string) => starts().filter((line) => line === word).length;

/** Boots services in everything that a service can be in the middle of. */
async function boot(): Promise<void> {
  container = await TestContainer.boot({
    installation: installation.directory,
    services: SERVICES,
    etc: { 'my_init.post_shutdown.d/10': sh('echo hook >> /etc/starts') },
    args: MAIN,
  });
  await container.reaches('steady', 'up');
  await container.svctl('once', 'once');
  await waitFor('three failures', async () => Number((await container.status('crashes')).consecutiveFailures) >= 3);
  await waitFor('the main command', () => startsOf('main') === 1 && startsOf('stubborn') === 1);
  await container.svctl('stop', 'stubborn', '--no-wait', '--stop-timeout', '1000');
  await container.reaches('stubborn', 'stopping');
}

/** The lasting facts that must be the same before and after. */
async function facts(): Promise<Readonly<Record<string, unknown>>> {
  const names = ['steady', 'down', 'once', 'stubborn', 'talks'];
  const statuses = await Promise.all(names.map((name) => container.status(name)));
  return Object.fromEntries(
    statuses.map((status, index) => [names[index], STEADY.map((key) => `${key} ${String(status[key])}`)]),
  );
}

/** The controller is replaced, by command or because it is killed. */
async function replaced(how: () => Promise<unknown>): Promise<void> {
  const { controllerPid } = await info();
  await how();
  await waitFor('the next controller', async () => {
    const next = (await info()).controllerPid;
    return next !== undefined && next !== controllerPid;
  });
}
const reexec = async (): Promise<void> => {
  const { code, stderr } = await container.svctl('reexec');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
};
const kill = async (): Promise<void> => void process.kill(container.controllerPid, 'SIGKILL');

/** The service goes on to write more than a pipe holds, and none of its lines is missing. */
async function expectNoLineMissing(): Promise<void> {
  const lines = async (count: number): Promise<readonly number[]> => {
    const { stdout } = await container.svctl('logs', 'talks', '-n', String(count), '-o', 'jsonl');
    return stdout
      .split('\n')
      .flatMap((line) => /"line (\d+) /.exec(line)?.[1] ?? [])
      .map(Number);
  };
  const latest = async (): Promise<number> => (await lines(1)).at(-1) ?? 0;
  const before = await latest();
  await waitFor('a thousand lines more', async () => (await latest()) > before + 1000);
  const numbers = await lines(1_000_000);
  const hole = numbers.findIndex((number, index) => number !== index + 1);
  expect({ hole, around: hole < 0 ? [] : numbers.slice(Math.max(0, hole - 2), hole + 2) }).toEqual({
    hole: -1,
    around: [],
  });
}

/**
 * There is one process for each service that is up, and every order still works; `told` is how
 * often `stubborn` was told to stop.
 */
async function expectInOrder(told = 1): Promise<void> {
  const processes = (await container.exec('ps', '-C', 'sleep', '-o', 'args=')).stdout.match(/sleep 100000/g);
  expect(processes).toHaveLength(2);
  // The shell reacts when its sleep is over.
  await waitFor('stubborn to have been told', () => startsOf('told') >= told);
  expect([startsOf('steady'), startsOf('main'), startsOf('stubborn'), startsOf('told')]).toEqual([1, 1, 1, told]);
  await container.hasNoZombie();
  expect((await container.svctl('start', 'down')).code).toBe(0);
  expect((await container.svctl('restart', 'steady')).code).toBe(0);
  expect((await container.svctl('stop', 'talks', 'once', 'down')).code).toBe(0);
  expect((await container.svctl('status', '-o', 'json')).code).toBe(0);
  await container.exec('touch', '/etc/go');
  await container.exec('sh', '-c', 'pkill -KILL -f "trap .echo told" || true');
  expect(await container.exit).toBe(33);
  expect(startsOf('hook')).toBe(1);
}

describe('a controller of another version', () => {
  test('with more fields and unknown words in its records takes over, and this version takes over from it', async () => {
    await boot();
    const before = await facts();
    await installation.installChanged(RICHER);
    await replaced(reexec);
    expect(await info()).toMatchObject({ version: '99.0.0', controllerEnds: { reexec: 1 } });
    expect(await facts()).toEqual(before);
    installation.installOwn();
    await replaced(reexec);
    const { version, controllerEnds } = await info();
    expect({ version, controllerEnds }).not.toMatchObject({ version: '99.0.0' });
    expect(controllerEnds).toMatchObject({ reexec: 2 });
    // An unknown word counts as the initial value.
    expect(await facts()).toEqual({ ...before, once: expect.anything() });
    await installation.installChanged(RICHER);
    await replaced(kill);
    expect(await facts()).toEqual({ ...before, once: expect.anything() });
    await expectNoLineMissing();
    await expectInOrder();
  });

  test('with newer slots takes over those of this one; there is no way back, and nothing changes', async () => {
    await boot();
    const before = await facts();
    await installation.installChanged(NEWER);
    await replaced(reexec);
    expect(await facts()).toEqual(before);
    installation.installOwn();
    const { code, stderr } = await container.svctl('reexec');
    expect(code).toBe(8);
    expect(stderr).toMatch(/is older and cannot read what this one leaves \(slots 2\)/);
    expect(await info()).toMatchObject({ version: '99.0.0', controllerRestarts: 1 });
    expect(await facts()).toEqual(before);
    await expectNoLineMissing();
    await expectInOrder();
  });

  test('that cannot read the records of a dead controller knows the processes and their logs', async () => {
    await installation.installChanged(NEWER);
    await boot();
    const pids = async () =>
      Promise.all(['steady', 'once', 'stubborn', 'talks'].map(async (name) => (await container.status(name)).pid));
    const before = await pids();
    installation.installOwn();
    await replaced(kill);
    expect(await pids()).toEqual(before);
    const { stdout: log } = await container.svctl('logs', 'my_init', '-n', '1000');
    expect(log).toMatch(/The records are of a newer version of my_init than this one, .*replaced by an older one/);
    expect(log).toContain(`steady: its record is lost, and with it its history; its process ${before[0]} goes on`);
    await expectNoLineMissing();
    expect(existsSync(`${container.directory}/etc/go`)).toBe(false);
    // The record of the stop is lost: the service gets TERM again.
    await waitFor('stubborn to have been told', () => startsOf('told') === 1);
    await container.svctl('stop', 'stubborn', '--no-wait', '--stop-timeout', '1000');
    await expectInOrder(2);
  });

  test('with another protocol ends the container in order and says why if the controller before it died', async () => {
    await boot();
    await installation.installChanged(OTHER_PROTOCOL);
    await kill();
    expect(await container.exit).toBe(70);
    expect(container.log()).toContain('init speaks protocol 1, this controller speaks 2');
  });
});
