import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { startApi, type TestApi, temporaryDirectory, until } from '../../helpers/api-server.js';
import { leftOut } from '../../helpers/left-out.js';

/** Debian's own: what is first in PATH may know nothing of its packages. */
const PYTHON = '/usr/bin/python3';
const EXAMPLE = 'clients/python/svctl_example.py';

const able =
  spawnSync(PYTHON, ['-c', 'import grpc, google.protobuf']).status === 0 &&
  spawnSync('protoc', ['--version']).status === 0;

if (!able)
  leftOut('a client in Python', 'apt-get install python3-grpcio python3-protobuf protobuf-compiler libprotobuf-dev');
(able ? describe : describe.skip)('a client in Python', () => {
  let directory: string;
  let generated: string;
  let api: TestApi;
  beforeAll(() => {
    directory = temporaryDirectory();
    generated = join(directory, 'generated');
    mkdirSync(generated);
    const own = readdirSync('proto/my_init/v1').map((name) => `proto/my_init/v1/${name}`);
    const rpc = readdirSync('proto/google/rpc').map((name) => `proto/google/rpc/${name}`);
    execFileSync('protoc', ['-I', 'proto', `--python_out=${generated}`, ...own, ...rpc]);
    execFileSync('protoc', ['-I', 'proto/grpc/health/v1', `--python_out=${generated}`, 'health.proto']);
    execFileSync('protoc', ['-I', 'proto/grpc/reflection/v1', `--python_out=${generated}`, 'reflection.proto']);
  });
  afterAll(() => rmSync(directory, { recursive: true }));
  beforeEach(async () => {
    api = await startApi();
  });
  afterEach(() => api.stop());

  function start(program: string, ...words: string[]) {
    const child = spawn(PYTHON, [program, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
    const output = { stdout: '', stderr: '' };
    child.stdout.on('data', (text) => {
      output.stdout += text;
    });
    child.stderr.on('data', (text) => {
      output.stderr += text;
    });
    return { child, output };
  }

  async function example(...words: string[]) {
    const { child, output } = start(EXAMPLE, '--socket', api.path, '--generated', generated, ...words);
    const [code] = await once(child, 'close');
    return { code, lines: output.stdout.trim().split('\n'), stderr: output.stderr.trim() };
  }

  const pidOf = (name: string) => api.services.get(name)?.pid;

  test('lists', async () => {
    api.services.set('web', { state: 'backoff', ready: false, pid: 0 });
    const { code, lines } = await example('list');
    expect(code).toBe(0);
    expect(lines).toEqual([
      `cron up pid=${pidOf('cron')} ready`,
      `memcached up pid=${pidOf('memcached')} ready`,
      'web backoff pid=0',
    ]);
  });

  test('watches', async () => {
    const words = ['--socket', api.path, '--generated', generated, 'watch', 'memcached', '--changes', '2'];
    const { child, output } = start(EXAMPLE, ...words);
    await until(() => output.stdout.includes('\n'));
    api.services.set('web', { ready: false });
    api.services.set('memcached', { state: 'stopping', ready: false });
    api.services.remove('memcached');
    const [code] = await once(child, 'close');
    expect({ code, stderr: output.stderr }).toEqual({ code: 0, stderr: '' });
    const lines = output.stdout.trim().split('\n');
    expect(lines.map((line) => line.replace(/ pid=\d+/, ''))).toEqual([
      'memcached up ready',
      'now memcached stopping',
      'gone memcached stopping',
    ]);
  });

  test('restarts, and hears of the new process', async () => {
    const old = pidOf('memcached');
    const { code, lines } = await example('restart', 'memcached');
    expect(code).toBe(0);
    expect(lines).toEqual([`memcached restarted: pid ${old} -> ${pidOf('memcached')}`]);
    expect(api.services.calls[0]?.options.cause.actor).toMatch(/^uid \d+/);
  });

  test('asks for the health', async () => {
    api.services.set('web', { ready: false });
    const { lines } = await example('health', 'liveness', 'readiness', 'service/memcached');
    expect(lines).toEqual(['liveness SERVING', 'readiness NOT_SERVING', 'service/memcached SERVING']);
  });

  test('understands what is wrong from the details of the error', async () => {
    const { code, stderr } = await example('restart', 'memcache');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^SERVICE_NOT_FOUND: .* \[service=memcache suggestion=memcached\]$/);
  });

  test('needs no proto files where it asks the server for them', async () => {
    const { child, output } = start('test/helpers/reflect.py', api.path, generated);
    const [code] = await once(child, 'close');
    expect({ code, stderr: output.stderr }).toEqual({ code: 0, stderr: '' });
    const services = (version: string) =>
      ['my_init.v1.Services', 'my_init.v1.Init', 'grpc.health.v1.Health'].map((name) => `${version} ${name}`);
    const names = 'cron memcached web';
    expect(output.stdout.trim().split('\n')).toEqual([...services('v1'), names, ...services('v1alpha'), names]);
  });
});
