import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApi, type TestApi, temporaryDirectory } from '../../helpers/api-server.js';
import { leftOut } from '../../helpers/left-out.js';

/** The Python of Debian: the first one in PATH may not see Debian's packages. */
const PYTHON = '/usr/bin/python3';

const able =
  spawnSync(PYTHON, ['-c', 'import grpc, google.protobuf']).status === 0 &&
  spawnSync('protoc', ['--version']).status === 0;

if (!able) leftOut('a client with reflection', 'apt-get install python3-grpcio python3-protobuf protobuf-compiler');
(able ? describe : describe.skip)('a client in Python', () => {
  const generated = temporaryDirectory();
  let api: TestApi;
  beforeAll(async () => {
    execFileSync('protoc', ['-I', 'proto/grpc/reflection/v1', `--python_out=${generated}`, 'reflection.proto']);
    api = await startApi();
  });
  afterAll(async () => {
    await api.stop();
    rmSync(generated, { recursive: true });
  });

  test('needs no proto files, as it asks the server for them', async () => {
    const child = spawn(PYTHON, ['test/helpers/reflect.py', api.path, generated], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output = { stdout: '', stderr: '' };
    child.stdout.on('data', (text) => {
      output.stdout += text;
    });
    child.stderr.on('data', (text) => {
      output.stderr += text;
    });
    const [code] = await once(child, 'close');
    expect({ code, stderr: output.stderr }).toEqual({ code: 0, stderr: '' });
    const services = (version: string) =>
      ['my_init.v1.Services', 'my_init.v1.Init', 'grpc.health.v1.Health'].map((name) => `${version} ${name}`);
    const names = 'cron memcached web';
    expect(output.stdout.trim().split('\n')).toEqual([...services('v1'), names, ...services('v1alpha'), names]);
  });
});
