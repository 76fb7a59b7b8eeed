/** @needs prometheus */
import { readFileSync } from 'node:fs';
import { credentials } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { HealthClient } from '../../../gen/grpc/health/v1/health.js';
import { type Prometheus, startPrometheus } from '../../helpers/prometheus.js';
import { bootForPrometheus } from '../../helpers/prometheus-target.js';

interface Panel {
  readonly title: string;
  readonly type: string;
  readonly targets?: readonly { readonly expr: string }[];
}
interface Dashboard {
  readonly panels: readonly Panel[];
  readonly annotations: { readonly list: readonly { readonly expr: string }[] };
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly definition?: string }[];
  };
}

const DASHBOARD = JSON.parse(
  readFileSync(new URL('../../../examples/grafana/my_init.json', import.meta.url), 'utf8'),
) as Dashboard;

const ALERTS = readFileSync(new URL('../../../examples/prometheus/alerts.yml', import.meta.url), 'utf8');

const cleanups: (() => unknown)[] = [];
let prometheus: Prometheus;
let address: string;

beforeEach(async () => {
  address = await bootForPrometheus(
    cleanups,
    {
      crashes: 'echo crashed; sleep 1.1; kill -9 $$',
      leaks: 'while :; do (sh -c "true &" &); sleep 0.1; done',
      works: 'exec sleep 1000',
    },
    'services: { web: { command: sleep 1000, replicas: 2, memory_max: 64m } }',
  );
  await callApi(address);
  prometheus = await startPrometheus(address);
  cleanups.push(prometheus.stop);
  await prometheus.query('my_init_service_restarts_total{reason="signal"} > 1');
});

/** Calls a method of the API: uncalled methods have no series of answers. */
function callApi(address: string): Promise<unknown> {
  const client = new HealthClient(address, credentials.createInsecure());
  cleanups.push(() => client.close());
  return new Promise((resolve, reject) => {
    client.check({ service: '' }, (error, response) => (error ? reject(error) : resolve(response)));
  });
}

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A query as Grafana sends it when everything is selected. */
const resolved = (expr: string): string =>
  expr.replaceAll(/\$(job|instance|service)\b/g, '.*').replaceAll(/\$__(rate_interval|range)/g, '1m');

test('each panel of the Grafana dashboard shows data of a real container', async () => {
  const panels = DASHBOARD.panels.filter(({ type }) => type !== 'row');
  expect(panels.length).toBeGreaterThan(20);
  for (const { targets = [] } of panels) {
    const queries = targets.map(({ expr }) => resolved(expr));
    const shown = await prometheus.query(queries.map((query) => `(${query})`).join(' or '));
    expect(shown).not.toHaveLength(0);
  }
  for (const { expr } of DASHBOARD.annotations.list) await prometheus.query(resolved(expr));
});

test('the variables of the Grafana dashboard find the job, the instance and the services', async () => {
  for (const { name, type, definition = '' } of DASHBOARD.templating.list) {
    if (type !== 'query') continue;
    const [, metric = '', label = ''] = /^label_values\((.*), (\w+)\)$/.exec(definition) ?? [];
    expect(label).toBe(name);
    const series = await prometheus.query(resolved(metric));
    expect(series.map(({ metric: labels }) => labels[label])).not.toContain(undefined);
  }
});

/** The metrics of a cgroup with limits. Another test compares docs/metrics.md with the code. */
const OF_LIMITS = ['pids_current', 'pids_limit', 'memory_limit_bytes', 'cpu_quota_cpus'].map(
  (name) => `my_init_${name}`,
);

test('a scrape has each metric that the Grafana dashboard and the alerts use', async () => {
  const exposed = await (await fetch(`http://${address}/metrics`)).text();
  const documents = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');
  const panels = DASHBOARD.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
  const others = [...DASHBOARD.annotations.list.map(({ expr }) => expr), ALERTS];
  const asked = new Set([...panels, ...others].flatMap((text) => text.match(/\bmy_init_\w+|\b\w+(?=\{)/g) ?? []));
  // Prometheus itself writes this series.
  asked.delete('up');
  const isThere = (name: string): boolean =>
    OF_LIMITS.includes(name) ? documents.includes(`\`${name}\``) : new RegExp(`^${name}[{ ]`, 'm').test(exposed);
  expect([...asked].filter((name) => !isThere(name))).toEqual([]);
});
