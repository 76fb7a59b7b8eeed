import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { pluginHelp } from '../../../clients/svctl/hosts/kubectl-plugin.js';
import { startApi, type TestApi, until } from '../../helpers/api-server.js';
import { bundledSvctl, type Svctl } from '../../helpers/svctl.js';

let svctl: Svctl;
beforeAll(() => {
  svctl = bundledSvctl();
});
afterAll(() => svctl.remove());

let directory: string;
let api: TestApi;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'hosts-'));
  api = await startApi();
});
afterEach(async () => {
  await api.stop();
  rmSync(directory, { recursive: true, maxRetries: 20 });
});

/**
 * A stand-in for a tool. It notes its arguments, and runs the script as in a container with svctl
 * and my_init.
 */
function tool(name: string, script: string): void {
  const inside = `export MY_INIT_SOCKET=${api.path}`;
  writeFileSync(join(directory, name), `#!/bin/sh\necho "$@" >> ${directory}/arguments\n${inside}\n${script}\n`, {
    mode: 0o755,
  });
}

const run = (...args: string[]) => svctl.run(args, { PATH: `${directory}:${process.env.PATH}` });

/** A script that finds svctl by the path of the bundle, whatever the PATH is. */
const DIAL = (): string => `exec ${svctl.path} dial-stdio`;

test.each([
  ['docker://web', 'docker', 'exec -i web svctl dial-stdio'],
  ['podman://web', 'podman', 'exec -i web svctl dial-stdio'],
  [
    'ssh://admin@node1:2222',
    'ssh',
    '-T -o BatchMode=yes -o ServerAliveInterval=15 -p 2222 -- admin@node1 exec svctl dial-stdio',
  ],
  ['k8s://shop/web-0/app', 'kubectl', '--namespace=shop exec -i web-0 --container=app -- svctl dial-stdio'],
  ['k8s://prod/shop/web-0/', 'kubectl', '--context=prod --namespace=shop exec -i web-0 -- svctl dial-stdio'],
])('%s is reached through %s', async (host, program, expected) => {
  tool(program, DIAL());
  expect(await run('-H', host, '-o', 'name')).toMatchObject({ stdout: 'cron\nmemcached\nweb\n', stderr: '', code: 0 });
  const restarted = await run('-H', host, 'restart', 'web');
  expect(restarted).toMatchObject({ stdout: expect.stringContaining('web restarted: pid'), code: 0 });
  const { stdout } = await svctl.shell(`cat ${directory}/arguments`);
  expect(stdout.split('\n')[0]).toBe(expected);
});

test('MY_INIT_HOST is the default host, and unix:// is a socket', async () => {
  const environment = { MY_INIT_HOST: `unix://${api.path}` };
  expect(await svctl.run(['-o', 'name'], environment)).toMatchObject({ code: 0 });
  expect(await svctl.run(['--socket', '/nowhere'], environment)).toMatchObject({ code: 7 });
});

test('MY_INIT_HOST may hold several; equal hosts are asked once', async () => {
  tool('docker', DIAL());
  tool('podman', DIAL());
  const environment = {
    MY_INIT_HOST: 'docker://web podman://db, docker://web',
    PATH: `${directory}:${process.env.PATH}`,
  };
  expect(await svctl.run(['-o', 'name'], environment)).toMatchObject({
    stdout: 'all 2  cron\nall 2  memcached\nall 2  web\n',
    code: 0,
  });
  const { stdout } = await svctl.run(['-o', 'jsonl', 'status', 'web'], environment);
  expect(
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).host),
  ).toEqual(['docker://web', 'podman://db']);
});

test.each([
  ['--max-parallel', 'x', '--max-parallel cannot be "x"'],
  ['--socket', '/x', '--host or --socket, not both'],
])('%s %s with a host is wrong usage', async (option, value, message) => {
  expect(await run('-H', 'docker://web', option, value)).toMatchObject({
    stderr: expect.stringContaining(message),
    code: 2,
  });
});

test('lines that a shell prints first do no harm', async () => {
  tool('ssh', `echo Welcome; ${DIAL()}`);
  expect(await run('-H', 'ssh://node1', '-o', 'name')).toMatchObject({ stderr: '', code: 0 });
});

test('a watch whose link is cut dials again', async () => {
  tool('docker', DIAL());
  const {
    process: child,
    stdout,
    ended,
  } = svctl.start(['-H', 'docker://web', 'watch', '-o', 'name'], {
    PATH: `${directory}:${process.env.PATH}`,
  });
  const dials = async () => (await svctl.shell(`wc -l < ${directory}/arguments 2>/dev/null`)).stdout.trim();
  await until(() => api.services.subscribers > 0);
  api.services.set('web', { state: 'stopping' });
  await until(() => stdout() === 'web\n');
  await svctl.shell(`pkill -KILL -P ${child.pid}`);
  for (let count = ''; count !== '2'; count = await dials()) await new Promise((resolve) => setTimeout(resolve, 50));
  api.services.set('cron', { state: 'stopping' });
  await until(() => stdout() === 'web\ncron\n');
  child.kill('SIGINT');
  await ended;
});

test.each([
  ['a tool that is not here', undefined, 'cannot reach docker://web: docker is not installed here', 7],
  ['no such container', 'echo "Error: No such container: web" >&2; exit 1', 'No such container: web', 7],
  [
    'no svctl inside, in the PATH or where it is installed',
    'echo "exec failed: exec: \\"svctl\\": executable file not found in $PATH" >&2; exit 127',
    'there is no svctl, neither in its PATH nor in /usr/lib/my_init',
    7,
  ],
  [
    'a refusal',
    'echo "permission denied while trying to connect to the docker socket" >&2; exit 1',
    'permission denied',
    5,
  ],
])('%s: says so', async (_, script, expected, code) => {
  if (script !== undefined) tool('docker', script);
  const ended = await svctl.run(['-H', 'docker://web'], {
    PATH: `${directory}:${script === undefined ? nodeOnly() : process.env.PATH}`,
  });
  expect(ended.stderr).toContain(expected);
  expect(ended.code).toBe(code);
});

/** A PATH with node and a shell, without docker. */
function nodeOnly(): string {
  return `${join(process.execPath, '..')}:/bin`;
}

test('an invalid host is wrong usage', async () => {
  expect(await svctl.run(['-H', 'web'])).toMatchObject({
    stderr: expect.stringContaining('invalid host "web"'),
    code: 2,
  });
});

test('kubectl svctl --help has the options of kubectl, and its usage under kubectl', () => {
  const help = pluginHelp([]);
  expect(help).toMatch(/^Usage: kubectl svctl \[COMMAND\] \[OPTIONS\] POD\|TYPE\/NAME \[NAME…\]\n/);
  expect(help).toMatch(/\nOptions of kubectl:\n {2}-n, --namespace NAMESPACE .*\n(.*\n)+\nOptions:\n/);
});
