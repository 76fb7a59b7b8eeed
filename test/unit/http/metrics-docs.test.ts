import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { RpcStats } from '../../../src/grpc/rpc-stats.js';
import type { Family } from '../../../src/http/metrics/family.js';
import { Metrics } from '../../../src/http/metrics.js';
import { ContainerLimits } from '../../../src/resources/container-limits.js';
import { ServiceUsage } from '../../../src/resources/service-usage.js';
import { FakeServices, FakeSystem } from '../../helpers/fake-services.js';
import { NO_LOGS } from '../../helpers/no-logs.js';
import { noRecord } from '../../helpers/no-record.js';

const collect = (): Promise<readonly Family[]> =>
  new Metrics({
    services: new FakeServices(),
    system: new FakeSystem(),
    rpc: new RpcStats(),
    logs: NO_LOGS,
    limits: new ContainerLimits(noRecord()),
    usage: new ServiceUsage(new FakeServices(), new FakeSystem()),
    log: () => {},
  }).collect();

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

const row = ({ name, type, labels, help }: Family): string =>
  `${name} | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help}`;

test('docs/metrics.md has a row for every metric, and for no other', async () => {
  const documented = read('docs/metrics.md')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
    .map(([name = '', type, labels, help]) => [name.replaceAll('`', ''), type, labels, help].join(' | '));
  expect(documented.sort()).toEqual((await collect()).map(row).sort());
});

test('the alerts use only metrics that exist', async () => {
  const known = new Set((await collect()).map(({ name }) => name));
  const used = read('examples/prometheus/alerts.yml').match(/\bmy_init_\w+/g) ?? [];
  expect(used.length).toBeGreaterThan(10);
  expect(used.filter((name) => !known.has(name))).toEqual([]);
});
