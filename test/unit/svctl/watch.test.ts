import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { monotonicMs } from '../../../src/process/clock.js';
import { startApi, type TestApi, until } from '../../helpers/api-server.js';
import { FakeServices } from '../../helpers/fake-services.js';
import { Relay } from '../../helpers/relay.js';
import { bundledSvctl, type Running, type Svctl } from '../../helpers/svctl.js';

let svctl: Svctl;
beforeAll(() => {
  svctl = bundledSvctl();
});
afterAll(() => svctl.remove());

let api: TestApi;
let relay: Relay;
let running: Running | undefined;
beforeEach(async () => {
  api = await startApi();
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
});

async function watching(...args: string[]): Promise<Running> {
  running = svctl.start(['watch', ...args, '--socket', relay.path]);
  await until(() => api.services.subscribers === 1);
  return running;
}

/** The lines without their times. */
const lines = (text: string) => text.split('\n').map((line) => line.replace(/^\d\d:\d\d:\d\d\.\d{3} {2}/, ''));

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const inBackoff = {
  state: 'backoff',
  pid: 0,
  ready: false,
  trouble: 'exited with 1 after 20 ms',
  cause: { kind: 'exit' },
} as const;

test('each change is a line: when, which, from what to what, and why', async () => {
  const { stdout } = await watching();
  api.services.set('web', { ...inBackoff, nextStartAtMs: monotonicMs() + 3 * HOUR + MINUTE / 2 });
  api.services.set('memcached', {
    state: 'stopping',
    cause: { kind: 'api', actor: 'uid 0 (root), pid 312' },
  });
  api.services.set('new-one', { state: 'starting', pid: 9 });
  api.services.remove('cron');
  await until(() => stdout().split('\n').length === 5);
  expect(stdout()).toMatch(/^\d\d:\d\d:\d\d\.\d{3} {2}web /);
  expect(lines(stdout())).toEqual([
    'web        up → backoff          exited with 1 after 20 ms; next attempt in 3h',
    'memcached  up → stopping         asked for by uid 0 (root), pid 312',
    'new-one    new → starting        boot',
    'cron       up → removed          boot',
    '',
  ]);
});

test('changes of readiness and pauses are shown', async () => {
  const { stdout } = await watching('web');
  api.services.set('web', { ready: false });
  api.services.set('memcached', { ready: false });
  api.services.set('web', { ready: true, paused: true });
  await until(() => stdout().split('\n').length === 3);
  expect(lines(stdout()).map((line) => line.replace(/ {2,}/g, ' '))).toEqual([
    'web up → up, not ready boot',
    'web up, not ready → up, paused boot',
    '',
  ]);
});

test('changes that a person would not notice are not shown', async () => {
  const { stdout } = await watching();
  api.services.set('web', { pid: 99 });
  api.services.set('web', { run: 2, runId: 'web-2' });
  await until(() => stdout() !== '');
  expect(lines(stdout()).map((line) => line.replace(/ {2,}/g, ' '))).toEqual(['web up → up boot', '']);
});

test('jsonl has each message on a line: the snapshot first, then the changes', async () => {
  const { stdout } = await watching('-o', 'jsonl');
  api.services.set('web', inBackoff);
  await until(() => stdout().split('\n').length === 3);
  const [snapshot, change] = stdout()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(snapshot.snapshot.services.map(({ name }: { name: string }) => name)).toEqual(['cron', 'memcached', 'web']);
  expect(change.change).toMatchObject({ service: { name: 'web', state: 'SERVICE_STATE_BACKOFF' }, revision: '4' });
});

test('a lost connection is made again without a message, and the changes meanwhile are shown once', async () => {
  const { stdout, process, ended } = await watching();
  api.services.set('web', inBackoff);
  await until(() => stdout().includes('web '));
  await whileAway(() => api.services.set('memcached', { state: 'stopping' }));
  await until(() => stdout().includes('memcached '));
  await until(() => api.services.subscribers === 1);
  api.services.set('web', { state: 'up' });
  await until(() => lines(stdout()).length === 4);
  process.kill('SIGTERM');
  expect(lines(stdout()).map((line) => line.replace(/ {2,}.*/, ''))).toEqual(['web', 'memcached', 'web', '']);
  expect((await ended).stderr).toBe('');
});

test('a new boot is compared with the known state, without a message', async () => {
  const { stdout, process, ended } = await watching();
  api.services.set('web', { paused: true });
  api.services.set('web', { paused: false });
  await until(() => lines(stdout()).length === 3);
  const services = new FakeServices(['memcached', 'queue', 'web'], 'boot-2');
  services.set('web', inBackoff);
  const next = await startApi({ services });
  await whileAway(() => {
    relay.target = next.path;
  }, next.path);
  await until(() => stdout().includes('cron'));
  process.kill('SIGTERM');
  expect((await ended).stderr).toBe('');
  await next.stop();
  const told = lines(stdout())
    .slice(2)
    .map((line) => line.replace(/ {2,}/g, ' '));
  expect(told).toEqual([
    'queue new → up boot',
    'web up → backoff exited with 1 after 20 ms',
    'cron up → removed boot',
    '',
  ]);
});

test('changes that are no longer held are shown as a gap, and by their results', async () => {
  await api.stop();
  api = await startApi({ services: new FakeServices(['db', 'web'], 'fake-boot', 2) });
  relay.target = api.path;
  const { stdout, process, ended } = await watching();
  api.services.set('db', { paused: true });
  api.services.set('db', { paused: false });
  await until(() => lines(stdout()).length === 3);
  await whileAway(() => {
    for (let i = 0; i < 5; i++) api.services.set('db', { ready: false });
    api.services.set('web', inBackoff);
  });
  await until(() => stdout().includes('web '));
  process.kill('SIGTERM');
  expect((await ended).stderr).toBe('svctl: 6 changes were missed; what follows is what they came to\n');
  expect(stdout()).toMatch(/db +up → up, not ready/);
});

test('an unknown service ends it at once with 4, an absent my_init with 7', async () => {
  expect(await svctl.call(['watch', 'wbe', '--socket', api.path])).toMatchObject({ code: 4, stdout: '' });
  expect(await svctl.call(['watch', '--socket', '/nowhere/x.sock'])).toMatchObject({ code: 7 });
});

test('Ctrl-C ends it without a message', async () => {
  const { process, ended } = await watching();
  process.kill('SIGINT');
  expect(await ended).toMatchObject({ signal: 'SIGINT', stdout: '', stderr: '' });
});

test('a shell sees 130 after Ctrl-C', async () => {
  // Job control: without it a shell makes its background commands ignore SIGINT.
  const shell = svctl.startShell(`set -m; "$svctl" watch --socket ${relay.path} & echo $!; wait $!; echo "code $?"`);
  running = shell;
  await until(() => api.services.subscribers === 1 && shell.stdout().includes('\n'));
  process.kill(Number.parseInt(shell.stdout(), 10), 'SIGINT');
  expect((await shell.ended).stdout).toContain('code 130');
});

test('a connection that is lost before the first answer is made again', async () => {
  relay.target = undefined;
  running = svctl.start(['watch', '--socket', relay.path]);
  await until(() => relay.connections > 1);
  relay.target = api.path;
  await until(() => api.services.subscribers === 1);
});

/** Cuts the connections, does something, and lets svctl connect again. */
async function whileAway(something: () => void, target = api.path): Promise<void> {
  relay.target = undefined;
  relay.cut();
  await until(() => api.services.subscribers === 0);
  something();
  relay.target = target;
}
