import { appendFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Fleet } from '../../helpers/fleet.js';
import { type Changes, Installation } from '../../helpers/other-version.js';
import { childrenOf } from '../../helpers/processes.js';
import { waitFor } from '../../helpers/wait-for.js';

const COUNT = 50;
/** The pods of `deploy/few`. */
const FEW = 3;
/** Hosts whose services write lines, or end, when the test says so. */
const LIVELY = [1, 2, 4, 8];

/** Repeats the lines of its pipe `say`, and ends when the test lets it. */
const WEB = `#!/bin/sh
trap 'while [ -e hold ]; do sleep 0.05; done; exit 0' TERM
[ -p say ] || mkfifo say
exec 3<>say
echo "begins $$"
while :; do read -r line <&3 && echo "$line"; done
`;
const SLEEP = '#!/bin/sh\nexec sleep 1000\n';
const BROKEN = '#!/bin/sh\nexit 3\n';
/** The check of a service that is never ready, however slowly it fails. */
const NEVER = '#!/bin/sh\nexit 1\n';
const TIMEOUT_MS = 900_000;

/** A my_init from before definitions. */
const OLDER: Changes = {
  'api/server.ts': [['if (definitions) server.addService(', 'if (definitions && !server) server.addService(']],
};

let older: Installation;
let fleet: Fleet;
beforeAll(async () => {
  older = new Installation();
  await older.installChanged(OLDER);
  fleet = await Fleet.boot(COUNT, FEW, (number) => ({
    services: { web: { run: LIVELY.includes(number) ? WEB : SLEEP }, cron: { run: SLEEP }, spare: { run: SLEEP } },
    ...(number === 3 && { installation: older.directory }),
  }));
}, TIMEOUT_MS);
afterAll(async () => {
  await fleet.dispose();
  older.dispose();
}, TIMEOUT_MS);

const ALL = ['-H', 'k8s://shop/deploy/web'];
const SOME = ['-H', 'k8s://shop/deploy/few'];
/** A line of `svctl watch -o jsonl` for a host. */
interface Told {
  readonly host: string;
  readonly snapshot?: object;
  readonly gap?: object;
  readonly change?: { readonly service: { readonly state: string; readonly ready: boolean } };
}

const startOf = async (number: number): Promise<string> => {
  const my = fleet.client(number);
  const { startedAt } = await my.service('web');
  my.close();
  return startedAt?.toISOString() ?? '';
};
const runOf = async (number: number) => {
  const { stdout } = await fleet.run(['-H', `k8s://shop/web-${number}`, 'status', 'web', '-o', 'jsonl']);
  const { run, startsTotal } = JSON.parse(stdout);
  return { run, startsTotal };
};

test(
  'equal rows become one, with the number of hosts; different rows stand apart, with their host',
  async () => {
    const { stdout, stderr, code } = await fleet.run([...SOME, 'status', 'spare']);
    expect([stderr, code]).toEqual(['', 0]);
    expect(stdout).toMatch(/^HOST +NAME +STATE.*\nall 3 +spare +up +yes .*\n$/);
    await fleet.run(['-H', 'k8s://shop/web-7', 'stop', 'spare']);
    const differing = await fleet.run([...ALL, 'status', 'spare']);
    expect(differing.stdout).toMatch(/^HOST .*\n49 of 50 +spare +up .*\nweb-7 +spare +down .*\n$/);
    expect(differing.code).toBe(1);
    await fleet.run(['-H', 'k8s://shop/web-7', 'start', 'spare']);
  },
  TIMEOUT_MS,
);

test(
  'a change lists its hosts and needs --yes; without a terminal there is no question, and nothing is done',
  async () => {
    const before = await runOf(1);
    const refused = await fleet.run(['-H', 'k8s://shop/web-1', '-H', 'k8s://shop/web-2', 'restart', 'web']);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain(
      'svctl: restart web on 2 hosts:\n       k8s://shop/web-1\n       k8s://shop/web-2\n',
    );
    expect(refused.stderr).toContain('needs --yes');
    expect(await runOf(1)).toEqual(before);
  },
  TIMEOUT_MS,
);

test(
  'a rolling restart of 50 goes host by host; a watcher of all misses nothing, though one link is cut',
  async () => {
    const watch = fleet.start([...ALL, 'watch', '-o', 'jsonl', 'web']);
    const told = (): readonly Told[] =>
      watch
        .stdout()
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line));
    await waitFor('all to be watched', () => told().filter(({ snapshot }) => snapshot).length === COUNT, 120_000);
    const rolling = fleet.start([...ALL, 'restart', 'web', '--rolling', '--yes']);
    await waitFor('the first restart', () => told().some(({ change }) => change !== undefined), 60_000);
    fleet.cut('web-30');
    const { stdout, code } = await rolling.ended;
    expect(code).toBe(0);
    expect(stdout.match(/^web-\d+(?= +web restarted: pid)/gm)).toHaveLength(COUNT);
    const isOver = ({ change }: Told): boolean => change?.service.state === 'SERVICE_STATE_UP' && change.service.ready;
    await waitFor('all to be told', () => told().filter(isOver).length === COUNT, 60_000);
    watch.process.kill('SIGINT');
    await watch.ended;
    const states = (host: string): readonly (string | undefined)[] =>
      told().flatMap((one) => (one.host.endsWith(host) && one.change ? [one.change.service.state] : []));
    expect(states('/web-30')).toEqual(states('/web-31'));
    expect(told().filter(({ gap }) => gap !== undefined)).toEqual([]);
    // The hosts restart in the order of the answers: each begins when the one before is ready.
    const hosts = stdout.match(/^web-\d+/gm) ?? [];
    const times = await Promise.all(hosts.map((host) => startOf(Number(host.slice('web-'.length)))));
    expect(times).toEqual(times.toSorted());
  },
  TIMEOUT_MS,
);

test(
  'a rolling restart stops at the first failure',
  async () => {
    const broken = fleet.containers[4];
    broken?.write('web/check', NEVER);
    broken?.write('web/run', BROKEN);
    const hosts = [4, 5, 6].flatMap((number) => ['-H', `k8s://shop/web-${number}`]);
    const before = await runOf(6);
    const { stdout, stderr, code } = await fleet.run([
      ...hosts,
      'restart',
      'web',
      '--rolling',
      '-y',
      '--timeout',
      '20',
    ]);
    expect(stdout).toMatch(/^web-4 +web restarted: .*\n$/);
    expect(stderr).toContain('svctl: stopped at web-5; not touched: web-6\n');
    expect(code).toBe(1);
    expect(await runOf(6)).toEqual(before);
    broken?.write('web/run', SLEEP);
    rmSync(join(broken?.services ?? '', 'web/check'));
    await fleet.run(['-H', 'k8s://shop/web-5', 'restart', 'web']);
  },
  TIMEOUT_MS,
);

test(
  'a host that hangs and one that is gone are a line each, and exit code 1; the others are shown',
  async () => {
    fleet.mark('web-2', 'hangs');
    fleet.addPod('web-0', '/nowhere');
    // Few hosts at once, so that none of the others takes long on a busy machine.
    const limits = ['--timeout', '20', '--max-parallel', '4'];
    const { stdout, stderr, code } = await fleet.run([...ALL, 'status', 'cron', ...limits]);
    fleet.unmark('web-2', 'hangs');
    fleet.removePod('web-0');
    expect(stdout).toMatch(/^HOST .*\n49 of 51 +cron +up .*\n$/);
    expect(stderr.split('\n').toSorted()).toEqual([
      '',
      'svctl: cannot reach k8s://shop/web-2: kubectl gave no answer within 20 s',
      expect.stringMatching(/^svctl: k8s:\/\/shop\/web-0: cannot reach my_init: there is no socket at \/nowhere/),
    ]);
    expect(code).toBe(1);
  },
  TIMEOUT_MS,
);

test(
  'an older my_init answers the calls that it knows; an older svctl without dial-stdio is named',
  async () => {
    fleet.mark('web-1', 'old');
    const hosts = [1, 2, 3].flatMap((number) => ['-H', `k8s://shop/web-${number}`]);
    const status = await fleet.run([...hosts, 'status', 'cron']);
    expect(status.stdout).toMatch(/^HOST .*\nweb-2, web-3 +cron +up .*\n$/);
    expect(status.stderr).toBe(
      'svctl: cannot reach k8s://shop/web-1: its svctl is too old for -H (it has no dial-stdio)\n',
    );
    fleet.unmark('web-1', 'old');
    const explained = await fleet.run([...hosts, 'explain', 'cron']);
    // Both rows are one, unless a second has passed between the two.
    expect(explained.stdout).toMatch(/^web-1(, web-2)? +cron\n/);
    expect(explained.stderr).toMatch(/^svctl: k8s:\/\/shop\/web-3: this my_init does not know the call: .*\n$/);
    expect(explained.code).toBe(1);
    expect((await fleet.run([...hosts, 'version'])).stdout).toContain('web-3         my_init 99.0.0');
  },
  TIMEOUT_MS,
);

test(
  'logs of all are merged by time, also across a link that is cut in the middle: no line comes twice, none is lost',
  async () => {
    const say = (number: number, text: string): void =>
      appendFileSync(join(fleet.containers[number - 1]?.services ?? '', 'web/say'), `${text}\n`);
    const hosts = [1, 2, 4].flatMap((number) => ['-H', `k8s://shop/web-${number}`]);
    const { process: child, stdout, ended } = fleet.start([...hosts, 'logs', '-f', '-n', '0', 'web']);
    const lines = (): readonly string[] => stdout().match(/(one|two|three)-\d/g) ?? [];
    const expected: string[] = [];
    const turn = async (round: number): Promise<void> => {
      for (const [at, name] of ['one', 'two', 'three'].entries()) {
        say([1, 2, 4][at] ?? 0, `${name}-${round}`);
        expected.push(`${name}-${round}`);
        await waitFor(`${name}-${round}`, () => lines().includes(`${name}-${round}`));
      }
    };
    // A line that is written before the follower has its position would belong to the past.
    while (!stdout().includes('hello')) {
      for (const number of [1, 2, 4]) say(number, 'hello');
      await waitFor('a moment', () => stdout().match(/web-[124] +hello/g)?.length === 3, 1_000).catch(() => undefined);
    }
    await turn(1);
    fleet.cut('web-2');
    await waitFor('the cut', () => !fleet.has('web-2', 'cut'));
    await turn(2);
    child.kill('SIGINT');
    await ended;
    expect(lines()).toEqual(expected);
    expect(stdout()).toMatch(/^web-2 +two-2$/m);
  },
  TIMEOUT_MS,
);

test(
  'an order whose transport is killed in the middle is repeated, and carried out once',
  async () => {
    const container = fleet.containers[7];
    const before = await runOf(8);
    container?.write('web/hold', '');
    const { process: child, ended } = fleet.start(['-H', 'k8s://shop/web-8', 'restart', 'web']);
    await container?.reaches('web', 'stopping');
    const transport = childrenOf(child.pid ?? 0);
    for (const pid of transport) process.kill(pid, 'SIGKILL');
    expect(transport).toHaveLength(1);
    await waitFor('another transport', () => childrenOf(child.pid ?? 0).some((pid) => !transport.includes(pid)));
    rmSync(join(container?.services ?? '', 'web/hold'));
    expect(await ended).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('web restarted: pid') });
    const starts = Number(before.startsTotal) + 1;
    expect(await runOf(8)).toEqual({ run: Number(before.run) + 1, startsTotal: starts });
  },
  TIMEOUT_MS,
);

test(
  'kubectl svctl accepts the options of kubectl',
  async () => {
    const plugin = (...args: string[]) => fleet.run(args, {}, 'kubectl-svctl');
    expect((await plugin('-n', 'shop', 'status', 'deploy/few', 'cron')).stdout).toMatch(/^HOST.*\nall 3 +cron +up /);
    expect((await plugin('deploy/few')).stdout).toMatch(/\nall 3 +cron +up /);
    expect((await plugin('status', '-l', 'few=yes', 'cron')).stdout).toMatch(/\nall 3 +cron +up /);
    expect(await plugin('logs', 'web-1', '-c', 'app', 'web', '--lines', '1')).toMatchObject({ code: 0 });
    expect(await plugin('status')).toMatchObject({ code: 2, stderr: expect.stringContaining('which pod?') });
    expect(await plugin('status', 'node/one')).toMatchObject({ code: 2 });
    const elsewhere = await plugin('--context', 'test', 'status', 'web-1');
    expect(elsewhere.stderr).toContain('context "test" does not exist');
  },
  TIMEOUT_MS,
);

test.each([
  ['exec', 'cannot reach k8s://shop/web-1: the user eve may not create pods/exec in the namespace shop'],
  ['list', 'cannot reach deploy/web in the namespace shop: the user eve may not list pods in the namespace shop'],
])('a refusal of %s names the missing permission', async (KUBECTL_REFUSES, expected) => {
  const host = KUBECTL_REFUSES === 'exec' ? 'k8s://shop/web-1' : 'k8s://shop/deploy/web';
  const { stderr, code } = await fleet.run(['-H', host, 'status'], { KUBECTL_REFUSES });
  expect(stderr).toContain(expected);
  expect(code).toBe(5);
});

test('without svctl in the PATH of the container, the installed path is tried', async () => {
  fleet.mark('web-1', 'distroless');
  expect(await fleet.run(['-H', 'k8s://shop/web-1', 'status', 'cron'])).toMatchObject({ code: 0, stderr: '' });
  fleet.unmark('web-1', 'distroless');
});

test('a pod that does not run is left out, and named', async () => {
  fleet.addPod('web-99', '/nowhere', ['few=yes']);
  fleet.mark('web-99', 'phase', 'Pending');
  const { stdout, stderr, code } = await fleet.run([...SOME, 'status', 'cron']);
  fleet.removePod('web-99');
  expect(stdout).toMatch(/\nall 3 +cron +up /);
  expect([stderr, code]).toEqual(['svctl: left out: the pod web-99 is Pending\n', 0]);
});
