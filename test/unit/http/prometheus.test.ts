/** @needs promtool prometheus */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { RpcStats } from '../../../src/grpc/rpc-stats.js';
import { serveHttp } from '../../../src/http/serve.js';
import { ContainerLimits } from '../../../src/resources/container-limits.js';
import { ServiceUsage } from '../../../src/resources/service-usage.js';
import { FakeServices, FakeSystem, NO_COUNTS } from '../../helpers/fake-services.js';
import { NO_LOGS } from '../../helpers/no-logs.js';
import { noRecord } from '../../helpers/no-record.js';
import { EXAMPLES, startPrometheus } from '../../helpers/prometheus.js';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Runs promtool on the examples and returns what it says. */
function promtool(...args: string[]): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr, error } = spawnSync('promtool', args, { cwd: EXAMPLES, encoding: 'utf8' });
  if (error) throw error;
  return { status, output: stdout + stderr };
}

describe('the examples', () => {
  test('the configuration is valid', () => {
    expect(promtool('check', 'config', 'prometheus.yml')).toMatchObject({ status: 0 });
  });

  test('the alerts behave as their tests say', () => {
    const { status, output } = promtool('test', 'rules', 'alerts.test.yml');
    expect(output).toContain('SUCCESS');
    expect(status).toBe(0);
  });

  test('every alert has a test in which it fires', () => {
    const alerts = readFileSync(join(EXAMPLES, 'alerts.yml'), 'utf8').match(/(?<=alert: )\w+/g) ?? [];
    const tests = readFileSync(join(EXAMPLES, 'alerts.test.yml'), 'utf8');
    const fired = tests.match(/(?<=alertname: )\w+(?=\n\s+exp_alerts)/g) ?? [];
    expect([...fired].sort()).toEqual([...alerts].sort());
  });
});

describe('a real Prometheus', () => {
  test('answers queries for restarts and zombies', async () => {
    const services = new FakeServices(['memcached']);
    services.set('memcached', { counters: { ...NO_COUNTS, restarts: { ...NO_COUNTS.restarts, signal: 3 } } });
    const system = new FakeSystem();
    system.zombies = new Map([
      ['', 1],
      ['memcached', 10_000],
    ]);
    const logged: string[] = [];
    const endpoint = await serveHttp({
      listen: { host: '127.0.0.1', port: 0 },
      services,
      system,
      rpc: new RpcStats(),
      logs: NO_LOGS,
      limits: new ContainerLimits(noRecord()),
      usage: new ServiceUsage(services, system),
      log: (message) => logged.push(message),
    });
    cleanups.push(() => endpoint.close());
    const prometheus = await startPrometheus(endpoint.address());
    cleanups.push(prometheus.stop);

    const restarts = await prometheus.query('my_init_service_restarts_total{reason="signal"}');
    expect(restarts).toMatchObject([
      { metric: { service: 'memcached', job: 'my_init' }, value: [expect.anything(), '3'] },
    ]);
    const zombies = await prometheus.query('sum(my_init_zombies_reaped_total)');
    expect(zombies).toMatchObject([{ value: [expect.anything(), '10001'] }]);
    expect(await prometheus.metricType('my_init_service_restarts')).toBe('counter');

    services.set('memcached', { counters: { ...NO_COUNTS, restarts: { ...NO_COUNTS.restarts, signal: 9 } } });
    await prometheus.query('my_init_service_restarts_total{reason="signal"} == 9');
    await prometheus.query('increase(my_init_service_restarts_total{reason="signal"}[1m]) > 0');
    expect(logged).toEqual([]);
  });
});
