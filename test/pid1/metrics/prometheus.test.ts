import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { credentials } from '@grpc/grpc-js';
import { afterEach, expect, test } from '@jest/globals';
import {
  HealthClient,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '../../../gen/grpc/health/v1/health.js';
import { freePort, startPrometheus } from '../../helpers/prometheus.js';

const MY_INIT = fileURLToPath(new URL('../../../dist/my_init', import.meta.url));
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Boots my_init as PID 1 of a PID namespace of its own and returns where it serves HTTP. */
async function boot(services: Readonly<Record<string, string>>): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'my_init-prometheus-'));
  cleanups.push(() => rmSync(directory, { recursive: true, force: true }));
  for (const [name, script] of Object.entries(services)) {
    const run = join(directory, 'service', name, 'run');
    mkdirSync(join(directory, 'service', name), { recursive: true });
    writeFileSync(run, `#!/bin/sh\n${script}\n`);
    chmodSync(run, 0o755);
  }
  const address = `127.0.0.1:${await freePort()}`;
  const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  const container = spawn('unshare', [
    ...user,
    ...['--pid', '--fork', '--mount-proc', '--kill-child', MY_INIT],
    ...['--service-dir', join(directory, 'service'), '--socket', join(directory, 'socket')],
    ...['--http-listen', address],
  ]);
  cleanups.push(() => kill(container));
  await until(async () => (await fetch(`http://${address}/readyz`)).ok, 'my_init is ready');
  return address;
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  if (child.kill('SIGKILL')) await exited;
}

async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!(await condition().catch(() => false))) {
    if (Date.now() > deadline) throw new Error(`waited too long: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('a real Prometheus counts the restarts and the orphans of a real container', async () => {
  const address = await boot({
    crashes: 'sleep 1.1; kill -9 $$',
    leaks: 'while :; do (sh -c "true &" &); sleep 0.1; done',
    works: 'exec sleep 1000',
  });
  const prometheus = await startPrometheus(address);
  cleanups.push(prometheus.stop);

  const [restarts] = await prometheus.query('my_init_service_restarts_total{reason="signal"} > 1');
  expect(restarts?.metric).toMatchObject({ service: 'crashes', job: 'my_init' });
  const [zombies] = await prometheus.query('my_init_zombies_reaped_total > 10');
  expect(zombies?.metric.service).toBe('leaks');
  await prometheus.query('increase(my_init_service_restarts_total{service="crashes",reason="signal"}[1m]) > 0');
  await prometheus.query('my_init_service_restarts_total{service="works",reason="signal"} == 0');
  await prometheus.query('my_init_service_last_exit_signal{service="crashes"} == 9');
  await prometheus.query('my_init_service_open_fds{service="works"} == 3');
  await prometheus.query('my_init_init_resident_memory_bytes > 0');
});

test('promtool has nothing to say on the metrics of a real container', async () => {
  const address = await boot({ works: 'exec sleep 1000' });
  const input = await (await fetch(`http://${address}/metrics`)).text();
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' });
  expect({ status, said: stdout + stderr }).toEqual({ status: 0, said: '' });
});

test('the gRPC probe of a kubelet is answered on the same port', async () => {
  const address = await boot({ works: 'exec sleep 1000' });
  const client = new HealthClient(address, credentials.createInsecure());
  cleanups.push(() => client.close());
  const status = await new Promise((resolve, reject) => {
    client.check({ service: 'service/works' }, (error, response) => (error ? reject(error) : resolve(response.status)));
  });
  expect(status).toBe(ServingStatus.SERVING);
});
