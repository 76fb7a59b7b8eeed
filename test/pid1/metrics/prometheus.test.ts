/** @needs promtool prometheus */
import { spawnSync } from 'node:child_process';
import { credentials } from '@grpc/grpc-js';
import { afterEach, expect, test } from '@jest/globals';
import {
  HealthClient,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '../../../gen/grpc/health/v1/health.js';
import { startPrometheus } from '../../helpers/prometheus.js';
import { bootForPrometheus } from '../../helpers/prometheus-target.js';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

test('a real Prometheus counts the restarts and the orphans of a real container', async () => {
  const address = await bootForPrometheus(
    cleanups,
    { leaks: 'while :; do (sh -c "true &" &); sleep 0.1; done', works: 'exec sleep 1000' },
    'services: { crashes: { command: "sleep 1.1; kill -9 $$$$", optional: true } }',
  );
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

test('promtool has no complaint about the metrics of a real container', async () => {
  const address = await bootForPrometheus(cleanups, { works: 'exec sleep 1000' });
  const input = await (await fetch(`http://${address}/metrics`)).text();
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' });
  expect({ status, said: stdout + stderr }).toEqual({ status: 0, said: '' });
});

test('the gRPC probe of a kubelet is answered on the same port', async () => {
  const address = await bootForPrometheus(cleanups, { works: 'exec sleep 1000' });
  const client = new HealthClient(address, credentials.createInsecure());
  cleanups.push(() => client.close());
  const status = await new Promise((resolve, reject) => {
    client.check({ service: 'service/works' }, (error, response) => (error ? reject(error) : resolve(response.status)));
  });
  expect(status).toBe(ServingStatus.SERVING);
});
