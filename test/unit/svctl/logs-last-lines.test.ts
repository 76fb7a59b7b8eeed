import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { OperationError } from '../../../src/supervisor/operation-error.js';
import { startApi, type TestApi } from '../../helpers/api-server.js';
import { FakeLogs } from '../../helpers/fake-logs.js';
import { bundledSvctl, type Svctl } from '../../helpers/svctl.js';
import { waitFor } from '../../helpers/wait-for.js';

let svctl: Svctl;
beforeAll(() => {
  svctl = bundledSvctl();
});
afterAll(() => svctl.remove());

let logs: FakeLogs;
let api: TestApi;
beforeEach(async () => {
  logs = new FakeLogs();
  api = await startApi({ logs });
});
afterEach(async () => {
  await api.stop();
  logs.close();
});

const run = (...args: string[]) => svctl.call([...args, '--socket', api.path]);

function webIsBroken(): void {
  for (let line = 1; line <= 7; line++) logs.of('web').line(`line ${line} \x1b[31m`, { atMs: Date.now() + 60_000 });
  api.services.set('web', { state: 'backoff', pid: 0, ready: false, trouble: 'exited with 1 after 20 ms' });
}

test('status NAME and status -o wide show the last lines of a service in trouble, plain status a few', async () => {
  webIsBroken();
  logs.of('cron').line('all is well');
  // A busy machine may take longer than svctl waits for the lines.
  const { stdout } = await waitFor('the lines', async () => {
    const answer = await run('status', 'web', 'cron');
    return answer.stdout.includes('| line') && answer;
  });
  const lines = [3, 4, 5, 6, 7].map((line) => `    | line ${line} \\x1b[31m\n`).join('');
  expect(stdout).toContain(`    exited with 1 after 20 ms\n${lines}`);
  expect(stdout).not.toContain('all is well');
  await waitFor('all', async () => (await run('status', '-o', 'wide')).stdout.includes(lines));
  const few = await waitFor('a few', async () => {
    const answer = (await run('status')).stdout;
    return answer.includes('    | line 7 \\x1b[31m\n') && answer;
  });
  expect(few).not.toContain('line 5');
});

test('a failed start shows the lines of the service since then', async () => {
  logs.of('web').line('of yesterday', { atMs: Date.now() - 60_000 });
  api.services.answer = async () => {
    webIsBroken();
    const error = new OperationError('EXITED_EARLY', 'web exited with 1 before it was ready', { service: 'web' });
    return [{ name: 'web', changed: true, error, oldPid: 0, status: api.services.get('web'), durationMs: 1 }];
  };
  const { stderr, code } = await waitFor('the lines', async () => {
    const answer = await run('start', 'web');
    return answer.stderr.includes('| line') && answer;
  });
  expect(code).toBe(9);
  expect(stderr).toMatch(/^svctl: web exited with 1 before it was ready\n.*\n {7}\| line 3 /);
  expect(stderr).toMatch(/\| line 7 \\x1b\[31m\n$/);
  expect(stderr).not.toContain('yesterday');
});

test('without logs to read, status and start show what they know', async () => {
  await api.stop();
  api = await startApi();
  api.services.set('web', { state: 'backoff', pid: 0, ready: false, trouble: 'exited with 1 after 20 ms' });
  expect(await run('status', 'web')).toMatchObject({ code: 3, stderr: '' });
});
