import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import { type ContainerOptions, METRICS, TestContainer } from '../../helpers/container.js';
import { MortalController, STEP } from '../../helpers/mortal-controller.js';
import { waitFor } from '../../helpers/wait-for.js';

const FILE = 'my_init/services.yaml';

const mortal = new MortalController({ untiring: true });
afterAll(() => mortal.dispose());
let container: TestContainer;
afterEach(() => container.dispose());

const boot = async (services: string, options: ContainerOptions = {}): Promise<void> => {
  container = await TestContainer.boot({ etc: { [FILE]: `services:\n${services}` }, ...options });
};
const web = (replicas: number, more = ''): string =>
  `  web: { command: sleep 1000, replicas: ${replicas}, ready: { delay: 1ms }${more} }\n`;
/** The replicas of web, with their pids. */
const replicas = async (): Promise<Record<string, number>> => {
  const all = (await container.statuses('web')) ?? [];
  return Object.fromEntries(all.map(({ name, pid }) => [name, pid]));
};
const names = async (): Promise<string> => Object.keys(await replicas()).join(' ');
const areUp = (count: number): Promise<true> =>
  waitFor(`${count} replicas`, async () => {
    const pids = Object.values(await replicas());
    return pids.length === count && pids.every((pid) => pid > 0);
  });
/** The output, as soon as each of three replicas has written its line. */
const threeLines = (read: () => Promise<{ readonly stdout: string }>): Promise<string> =>
  waitFor('a line of each', async () => {
    const { stdout } = await read();
    return stdout.split('\n').length > 3 && stdout;
  });
const kills = async (): Promise<void> => {
  process.kill(container.controllerPid, 'SIGKILL');
  await waitFor('the next controller', () => container.answers());
};

describe('replicas', () => {
  test('are services of their own that one name selects; each has its number', async () => {
    await boot(
      `  web: { command: "echo I am $MY_INIT_REPLICA of \${MY_INIT_REPLICA}; exec sleep 1000", replicas: 3 }
  app: { command: sleep 1000, depends_on: [web] }\n`,
      { args: METRICS },
    );
    await container.reaches('app', 'up');
    await areUp(3);
    expect(await names()).toBe('web@1 web@2 web@3');
    const stdout = await threeLines(() => container.svctl('logs', 'web'));
    for (const number of [1, 2, 3]) expect(stdout).toContain(`I am ${number} of ${number}`);
    expect(await container.status('web@2')).toMatchObject({ replicaOf: 'web' });
    expect(await container.metric('my_init_service_up{service="web@2"}')).toBe(1);
    const stopped = (await container.svctl('stop', 'web')).stdout;
    expect(stopped.split('\n')).toHaveLength(4);
    expect(stopped).toMatch(/^web@1 stopped: .*; app depends on web@1$/m);
    expect((await container.svctl('start', 'web')).code).toBe(0);
    await areUp(3);
  });

  test('are waited for by their dependents, each of them', async () => {
    await boot(
      `  web: { command: sleep 1000, replicas: 2, ready: { file: "/run/ready-\${MY_INIT_REPLICA}" } }
  app: { command: sleep 1000, depends_on: [web] }\n`,
    );
    await container.reaches('web@1', 'starting');
    await container.exec('touch', '/run/ready-2');
    await waitFor('web@2', async () => (await container.status('web@2')).ready === true);
    expect(await container.table('app')).toContain('waits for web@1 (ready)');
    await container.exec('touch', '/run/ready-1');
    await container.reaches('app', 'up');
  });

  test('are restarted one after the other, or at once on request', async () => {
    await boot(
      '  web: { command: "echo up-$MY_INIT_REPLICA >> /run/done; echo up; exec sleep 1000", replicas: 3, ready: { log: up } }\n',
    );
    await areUp(3);
    await waitFor('all to be ready', async () => !(await container.table('web')).includes(' no '));
    const done = () => threeLines(() => container.exec('cat', '/run/done'));
    await done();
    const before = await replicas();
    await container.exec('rm', '/run/done');
    const { code, stdout } = await container.svctl('restart', 'web');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^web@1 restarted: .*\nweb@2 restarted: .*\nweb@3 restarted: .*\n$/);
    expect(await done()).toBe('up-1\nup-2\nup-3\n');
    const after = await replicas();
    for (const [name, pid] of Object.entries(before)) expect(after[name]).not.toBe(pid);
    expect((await container.svctl('restart', 'web', '--no-wait')).code).not.toBe(0);
    expect((await container.svctl('restart', 'web', '--at-once', '--no-wait')).code).toBe(0);
  });

  test('are left alone after the first that fails', async () => {
    await boot(
      '  web:\n    command: "[ $MY_INIT_REPLICA = 2 ] && [ -e /run/broken ] && exit 3; echo up; exec sleep 1000"\n    replicas: 3\n    restart: "no"\n    ready: { log: up }\n',
    );
    await areUp(3);
    await waitFor('all to be ready', async () => !(await container.table('web')).includes(' no '));
    const before = await replicas();
    await container.exec('touch', '/run/broken');
    const { code, stdout, stderr } = await container.svctl('restart', 'web');
    expect(code).toBe(9);
    expect(stdout).toMatch(/^web@1 restarted: .*\n$/);
    expect(stderr).toContain('web@2 exited with code 3');
    expect(stderr).toContain('web@3 was not restarted: web@2 exited with code 3');
    expect((await replicas())['web@3']).toBe(before['web@3']);
  });

  test('are added and removed by svctl scale; the number survives the controller', async () => {
    await boot(`${web(2)}  other: { command: sleep 1000 }\n`);
    await areUp(2);
    const before = await replicas();
    const more = await container.svctl('scale', 'web', '4');
    expect(more).toMatchObject({ code: 0, stderr: '' });
    expect(more.stdout).toMatch(/^web@3 started: pid \d+ in .*\nweb@4 started: pid \d+ in .*\n$/);
    expect(await replicas()).toMatchObject(before);
    await kills();
    await areUp(4);
    expect((await container.svctl('rescan')).code).toBe(0);
    expect(await names()).toBe('web@1 web@2 web@3 web@4');
    expect((await container.svctl('scale', 'web', '4')).stderr).toBe('svctl: web has 4 replicas already\n');
    const fewer = await container.svctl('scale', 'web', '1');
    expect(fewer.stdout).toMatch(/^web@2 removed: pid \d+ in .*\nweb@3 removed: .*\nweb@4 removed: .*\n$/);
    expect(await replicas()).toEqual({ 'web@1': before['web@1'] });
    await kills();
    expect((await container.svctl('rescan')).code).toBe(0);
    expect(await names()).toBe('web@1');
    const refused = async (...args: string[]) => {
      const { code, stderr } = await container.svctl('scale', ...args);
      return `${code} ${stderr}`;
    };
    expect(await refused('wbe', '2')).toBe('4 svctl: no service "wbe". Did you mean web?\n');
    expect(await refused('other', '2')).toMatch(/^2 svctl: other is one service and has no replicas/);
    expect(await refused('web@1', '2')).toMatch(/^2 .*scale web/);
    expect(await refused('web', '0')).toMatch(/^2 .*must be from 1 to 100/);
    expect(await refused('web', 'many')).toMatch(/^2 .*is not a number/);
  });

  test('follow the number in the definition: more at once, fewer by svctl apply', async () => {
    await boot(web(2));
    await areUp(2);
    const before = await replicas();
    const change = async (text: string): Promise<void> => {
      writeFileSync(join(container.directory, 'new'), `services:\n${text}`);
      await container.exec('cp', join(container.directory, 'new'), `/etc/${FILE}`);
    };
    await change(web(3));
    await areUp(3);
    expect(await replicas()).toMatchObject(before);
    expect((await container.svctl('diff')).stdout).toBe('Nothing differs.\n');
    await change(web(1));
    await waitFor('the change', async () => /^web@3 +stop$/m.test((await container.svctl('diff')).stdout));
    await container.svctl('apply');
    await areUp(1);
    expect(await replicas()).toEqual({ 'web@1': before['web@1'] });
  });
});

test('a scale is carried out once and as a whole, whenever the controller dies', async () => {
  await boot(web(1), { installation: mortal.installation });
  await areUp(1);
  let died = true;
  const deaths: number[] = [];
  for (let acts = 1; died; acts += STEP || 9) {
    const controllerPid = await container.controller();
    const count = (await names()).split(' ').length === 1 ? 3 : 1;
    await mortal.doom(container, acts);
    const { code, stderr } = await container.svctl('scale', 'web', String(count));
    expect({ acts, code, stderr: stderr.replace(/^svctl: web has .*\n$/, '') }).toEqual({ acts, code: 0, stderr: '' });
    died = (await container.controller()) !== controllerPid;
    if (died) deaths.push(acts);
    await areUp(count);
    const processes = await container.sleeping(count);
    expect({ acts, processes }).toEqual({ acts, processes: Object.values(await replicas()).sort((a, b) => a - b) });
  }
  expect(deaths.length).toBeGreaterThan(3);
}, 1_000_000);

test('a rolling restart restarts each once, whenever the controller dies', async () => {
  await boot(web(3), { installation: mortal.installation });
  await areUp(3);
  let died = true;
  const deaths: number[] = [];
  for (let acts = 1; died; acts += STEP || 23) {
    const controllerPid = await container.controller();
    const before = await replicas();
    const starts = Number((await container.status('web@3')).startsTotal);
    await mortal.doom(container, acts);
    const { code, stderr } = await container.svctl('restart', 'web');
    expect({ acts, code, stderr }).toEqual({ acts, code: 0, stderr: '' });
    died = (await container.controller()) !== controllerPid;
    if (died) deaths.push(acts);
    const after = await replicas();
    for (const [name, pid] of Object.entries(before))
      expect({ acts, name, same: after[name] === pid }).toEqual({ acts, name, same: false });
    expect({ acts, starts: Number((await container.status('web@3')).startsTotal) }).toEqual({
      acts,
      starts: starts + 1,
    });
  }
  expect(deaths.length).toBeGreaterThan(3);
}, 1_000_000);

test('the last order decides the number of replicas, whatever is scaled, stopped and restarted while controllers die', async () => {
  const seed = Number(process.env.MY_INIT_TEST_SEED ?? Date.now() % 100_000);
  const random = randomOf(seed);
  await boot(web(2), { installation: mortal.installation });
  await areUp(2);
  let count = 2;
  const did: string[] = [];
  for (let step = 0; step < 15; step++) {
    const kind = ['scale', 'scale', 'restart', 'stop'][random(4)] ?? 'scale';
    if (random(2) === 0) await mortal.doom(container, 1 + random(60));
    if (kind === 'scale') count = 1 + random(5);
    did.push(kind === 'scale' ? `scale ${count}` : kind);
    const args = kind === 'scale' ? ['scale', 'web', String(count)] : [kind, 'web'];
    const { code, stderr } = await container.svctl(...args);
    expect({ seed, did, code, stderr: code === 0 ? '' : stderr }).toEqual({ seed, did, code: 0, stderr: '' });
    if (kind === 'stop') expect((await container.svctl('start', 'web')).code).toBe(0);
    const all = Object.entries(await replicas());
    expect({ seed, did, names: all.map(([name]) => name) }).toEqual({
      seed,
      did,
      names: Array.from({ length: count }, (_, index) => `web@${index + 1}`),
    });
    // Replicas that were stopped before the number grew stay stopped.
    expect((await container.svctl('start', 'web')).code).toBe(0);
    await areUp(count);
    const processes = await container.sleeping(count, 'pid', JSON.stringify({ seed, did }));
    expect({ seed, did, processes }).toEqual({
      seed,
      did,
      processes: Object.values(await replicas()).sort((a, b) => a - b),
    });
  }
}, 1_000_000);

/** Numbers below a limit, the same for the same seed (mulberry32). */
function randomOf(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}
