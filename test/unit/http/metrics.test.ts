/** @needs promtool */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { HealthService } from '../../../gen/grpc/health/v1/health.js';
import { RpcStats } from '../../../src/grpc/rpc-stats.js';
import { expose, type Format } from '../../../src/http/exposition.js';
import { Metrics } from '../../../src/http/metrics.js';
import { monotonicMs } from '../../../src/process/clock.js';
import { ContainerLimits } from '../../../src/resources/container-limits.js';
import { ServiceUsage } from '../../../src/resources/service-usage.js';
import type { LogStatistics } from '../../../src/types/logs.js';
import type { ServiceName } from '../../../src/types/service.js';
import type { ProcessInfo } from '../../../src/types/system.js';
import { FakeServices, FakeSystem, NO_COUNTS } from '../../helpers/fake-services.js';
import { noRecord } from '../../helpers/no-record.js';

const SOME_LOGS: LogStatistics = {
  counts: () => [{ name: 'talkative', lines: 12, bytes: 345, dropped: 1, missed: 2 }],
  followers: 3,
};

interface World {
  readonly services: FakeServices;
  readonly system: FakeSystem;
  readonly rpc: RpcStats;
  readonly logged: string[];
  readonly metrics: Metrics;
}

/** The control group of a container with a memory limit and a CPU quota. */
const LIMITED = mkdtempSync(join(tmpdir(), 'my_init-limits-'));
for (const [name, text] of Object.entries({
  'proc/self/cgroup': '0::/',
  'sys/fs/cgroup/memory.max': '536870912',
  'sys/fs/cgroup/memory.current': '100000000',
  'sys/fs/cgroup/memory.events': 'oom 2\noom_kill 1',
  'sys/fs/cgroup/cpu.max': '50000 100000',
  'sys/fs/cgroup/cpu.stat': 'nr_throttled 3\nthrottled_usec 1500000',
})) {
  mkdirSync(dirname(join(LIMITED, name)), { recursive: true });
  writeFileSync(join(LIMITED, name), `${text}\n`);
}
afterAll(() => rmSync(LIMITED, { recursive: true }));

function world(names: readonly string[] = []): World {
  const services = new FakeServices(names);
  const system = new FakeSystem();
  const rpc = new RpcStats();
  const logged: string[] = [];
  const metrics = new Metrics({
    services,
    system,
    rpc,
    logs: SOME_LOGS,
    limits: new ContainerLimits(noRecord(), LIMITED),
    usage: new ServiceUsage(services, system),
    log: (message) => logged.push(message),
  });
  return { services, system, rpc, logged, metrics };
}

async function text({ metrics }: World, format: Format = 'prometheus'): Promise<string> {
  return (await expose(await metrics.collect(), format)).text;
}

/** The value of a series, written as in the exposition; undefined when it is absent. */
function value(exposition: string, series: string): number | undefined {
  const line = exposition.split('\n').find((one) => one.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

function processInfo(pid: number, over: Partial<ProcessInfo> = {}): ProcessInfo {
  return {
    pid,
    parentPid: 1,
    session: pid,
    state: 'S',
    service: '',
    role: 'other',
    name: 'sleep',
    startedAtMs: monotonicMs(),
    residentBytes: 1000,
    cpuSeconds: 0,
    threads: 1,
    ...over,
  };
}

/** Every metric that can have a value has one. */
function rich(): World {
  const it = world(['web', 'worker']);
  const now = monotonicMs();
  it.services.set('web', {
    counters: {
      starts: 4,
      startFailures: 1,
      restarts: { ...NO_COUNTS.restarts, signal: 2, api: 1 },
      exits: { ...NO_COUNTS.exits, signal: 2, success: 1 },
      kills: 1,
    },
    lastExit: {
      run: 3,
      status: { kind: 'signaled', signal: 9, coreDumped: false },
      atMs: now,
      durationMs: 10,
      expected: false,
    },
  });
  it.services.set('worker', {
    state: 'backoff',
    ready: false,
    pid: 0,
    startedAtMs: undefined,
    consecutiveFailures: 3,
    stateSinceMs: now,
    nextStartAtMs: now + 4000,
    trouble: 'a "quoted" \\ message\nwith lines',
    lastExit: {
      run: 1,
      status: { kind: 'exited', code: 7 },
      atMs: now,
      durationMs: 10,
      expected: false,
    },
  });
  it.system.zombies = new Map([
    ['', 5],
    ['web', 42],
    ['gone', 3],
  ]);
  it.system.restarts = { ...it.system.restarts, exit: 1, signal: 2 };
  it.system.processList = [
    processInfo(1, { role: 'init', residentBytes: 300_000 }),
    processInfo(process.pid, { service: 'web', role: 'service', residentBytes: 4096, cpuSeconds: 1.5, threads: 11 }),
    processInfo(4_000_001, { service: 'web', role: 'service_child', cpuSeconds: 0.5 }),
    processInfo(4_000_002, { service: 'web', role: 'zombie', state: 'Z' }),
  ];
  it.rpc.declare(HealthService);
  it.rpc.started('/grpc.health.v1.Health/Check');
  it.rpc.handled('/grpc.health.v1.Health/Check', 0, 0.003);
  return it;
}

function promtoolFindings(exposition: string): string {
  const { status, stdout, stderr, error } = spawnSync('promtool', ['check', 'metrics'], {
    input: exposition,
    encoding: 'utf8',
  });
  if (error) throw error;
  return status === 0 ? stdout + stderr : `exit ${status}: ${stdout}${stderr}`;
}

describe('promtool', () => {
  test('has no complaint about a my_init without services', async () => {
    expect(promtoolFindings(await text(world()))).toBe('');
  });

  test('has no complaint when every metric has a value', async () => {
    expect(promtoolFindings(await text(rich()))).toBe('');
  });
});

describe('services', () => {
  test('the limits of the container have metrics, with their effects', async () => {
    const exposition = await text(world());
    expect(value(exposition, 'my_init_memory_limit_bytes')).toBe(536_870_912);
    expect(value(exposition, 'my_init_memory_usage_bytes')).toBe(100_000_000);
    expect(value(exposition, 'my_init_oom_kills_total')).toBe(1);
    expect(value(exposition, 'my_init_cpu_quota_cpus')).toBe(0.5);
    expect(value(exposition, 'my_init_cpu_throttled_seconds_total')).toBe(1.5);
  });

  test('every reason and kind is 0 before anything happens', async () => {
    const it = world();
    it.services.set('web');
    const seen = await text(it);
    for (const reason of ['exit', 'signal', 'start_failure', 'api', 'sv', 'scan', 'check', 'dependency', 'memory'])
      expect(value(seen, `my_init_service_restarts_total{service="web",reason="${reason}"}`)).toBe(0);
    for (const kind of ['success', 'failure', 'signal', 'core', 'lost'])
      expect(value(seen, `my_init_service_exits_total{service="web",kind="${kind}"}`)).toBe(0);
    expect(value(seen, 'my_init_zombies_reaped_total{service="web"}')).toBe(0);
    expect(value(seen, 'my_init_zombies_reaped_total{service=""}')).toBe(0);
  });

  test('exactly one state is 1', async () => {
    const seen = await text(rich());
    const lines = seen.split('\n').filter((line) => line.startsWith('my_init_service_state{service="worker"'));
    expect(lines).toHaveLength(9);
    expect(lines.filter((line) => line.endsWith(' 1'))).toEqual([
      'my_init_service_state{service="worker",state="backoff"} 1',
    ]);
  });

  test('counters are those of the service', async () => {
    const seen = await text(rich());
    expect(value(seen, 'my_init_service_starts_total{service="web"}')).toBe(4);
    expect(value(seen, 'my_init_service_start_failures_total{service="web"}')).toBe(1);
    expect(value(seen, 'my_init_service_restarts_total{service="web",reason="signal"}')).toBe(2);
    expect(value(seen, 'my_init_service_exits_total{service="web",kind="signal"}')).toBe(2);
    expect(value(seen, 'my_init_service_kills_total{service="web"}')).toBe(1);
  });

  test('the last exit is a code or a signal', async () => {
    const seen = await text(rich());
    expect(value(seen, 'my_init_service_last_exit_code{service="worker"}')).toBe(7);
    expect(value(seen, 'my_init_service_last_exit_signal{service="worker"}')).toBe(0);
    expect(value(seen, 'my_init_service_last_exit_code{service="web"}')).toBe(-1);
    expect(value(seen, 'my_init_service_last_exit_signal{service="web"}')).toBe(9);
  });

  test('a back-off has a length and an end', async () => {
    const beganMs = Date.now();
    const seen = await text(rich());
    expect(value(seen, 'my_init_service_backoff_seconds{service="worker"}')).toBeCloseTo(4);
    const due = value(seen, 'my_init_service_next_start_timestamp_seconds{service="worker"}');
    expect(due).toBeGreaterThan(beganMs / 1000 + 2);
    expect(due).toBeLessThan(Date.now() / 1000 + 6);
    expect(value(seen, 'my_init_service_backoff_seconds{service="web"}')).toBe(0);
    expect(value(seen, 'my_init_service_next_start_timestamp_seconds{service="web"}')).toBeUndefined();
  });

  test('a removed service disappears from every metric', async () => {
    const it = rich();
    expect(await text(it)).toContain('worker');
    it.services.remove('worker');
    expect(await text(it)).not.toContain('worker');
  });

  test('a timestamp is the same at each scrape', async () => {
    const it = world(['web']);
    const series = 'my_init_service_start_timestamp_seconds{service="web"}';
    const first = value(await text(it), series);
    expect(first).toBeGreaterThan(1e9);
    expect(value(await text(it), series)).toBe(first);
  });

  test('no pid, run id or message is exposed', async () => {
    const seen = await text(rich());
    expect(seen).not.toMatch(/run_id|pid="|quoted|web-1/);
  });
});

describe('resources', () => {
  test('the resources of a service are the sum over its processes, without zombies', async () => {
    const seen = await text(rich());
    expect(value(seen, 'my_init_service_processes{service="web"}')).toBe(2);
    expect(value(seen, 'my_init_service_threads{service="web"}')).toBe(12);
    expect(value(seen, 'my_init_service_resident_memory_bytes{service="web"}')).toBe(5096);
    expect(value(seen, 'my_init_service_cpu_seconds_total{service="web"}')).toBe(2);
    expect(value(seen, 'my_init_service_open_fds{service="web"}')).toBeGreaterThan(2);
    expect(value(seen, 'my_init_service_processes{service="worker"}')).toBe(0);
  });

  test('are absent where there is no /proc', async () => {
    const seen = await text(world(['web']));
    expect(value(seen, 'my_init_service_processes{service="web"}')).toBeUndefined();
    expect(value(seen, 'my_init_processes')).toBeUndefined();
    expect(value(seen, 'my_init_zombies')).toBeUndefined();
    expect(value(seen, 'my_init_service_state{service="web",state="up"}')).toBe(1);
  });

  test('processes are looked at once for simultaneous scrapes', async () => {
    const it = rich();
    await text(it);
    it.system.processList = [];
    expect(value(await text(it), 'my_init_processes')).toBe(4);
  });
});

describe('logs', () => {
  test('stored and missing lines are counted for each source', async () => {
    const seen = await text(world());
    expect(value(seen, 'my_init_log_lines_total{service="talkative"}')).toBe(12);
    expect(value(seen, 'my_init_log_bytes_total{service="talkative"}')).toBe(345);
    expect(value(seen, 'my_init_log_dropped_lines_total{service="talkative",cause="disk_full"}')).toBe(1);
    expect(value(seen, 'my_init_log_dropped_lines_total{service="talkative",cause="output_stalled"}')).toBe(2);
    expect(value(seen, 'my_init_log_followers')).toBe(3);
  });
});

describe('my_init', () => {
  test('zombies are counted by the service that left them', async () => {
    const seen = await text(rich());
    expect(value(seen, 'my_init_zombies_reaped_total{service="web"}')).toBe(42);
    expect(value(seen, 'my_init_zombies_reaped_total{service=""}')).toBe(5);
    expect(value(seen, 'my_init_zombies')).toBe(1);
    expect(value(seen, 'my_init_processes')).toBe(4);
    expect(value(seen, 'my_init_init_resident_memory_bytes')).toBe(300_000);
  });

  test('its version, phase and own resources have metrics', async () => {
    const it = rich();
    it.system.set({ phase: 'shutting_down' });
    const seen = await text(it);
    expect(seen).toContain(`my_init_build_info{version="0.0.0-fake",node_version="${process.version}"} 1`);
    expect(value(seen, 'my_init_pid1')).toBe(1);
    expect(value(seen, 'my_init_subreaper')).toBe(0);
    expect(value(seen, 'my_init_phase{phase="shutting_down"}')).toBe(1);
    expect(value(seen, 'my_init_phase{phase="running"}')).toBe(0);
    expect(value(seen, 'my_init_controller_restarts_total{cause="signal"}')).toBe(2);
    expect(value(seen, 'my_init_refused_orders_total')).toBe(3);
    expect(value(seen, 'process_resident_memory_bytes')).toBeGreaterThan(1e6);
    expect(value(seen, 'process_open_fds')).toBeGreaterThan(2);
  });
});

describe('the API', () => {
  test('every method has a metric before its first call, and its codes and buckets from then on', async () => {
    const it = world();
    it.rpc.declare(HealthService);
    const labels = 'grpc_type="unary",grpc_service="grpc.health.v1.Health",grpc_method="Check"';
    const before = await text(it);
    expect(value(before, `grpc_server_started_total{${labels}}`)).toBe(0);
    expect(before).not.toMatch(/^grpc_server_handl/m);
    it.rpc.started('/grpc.health.v1.Health/Check');
    const seen = await text(it);
    expect(value(seen, `grpc_server_started_total{${labels}}`)).toBe(1);
    expect(value(seen, `grpc_server_handled_total{${labels},grpc_code="Unavailable"}`)).toBe(0);
    expect(value(seen, `grpc_server_handling_seconds_count{${labels}}`)).toBe(0);
  });

  test('calls are counted by code and in cumulative buckets', async () => {
    const it = world();
    it.rpc.declare(HealthService);
    for (const seconds of [0.001, 0.02, 60]) {
      it.rpc.started('/grpc.health.v1.Health/Check');
      it.rpc.handled('/grpc.health.v1.Health/Check', 5, seconds);
    }
    const seen = await text(it);
    const labels = 'grpc_type="unary",grpc_service="grpc.health.v1.Health",grpc_method="Check"';
    const bucket = (le: string) => value(seen, `grpc_server_handling_seconds_bucket{${labels},le="${le}"}`);
    expect(value(seen, `grpc_server_handled_total{${labels},grpc_code="NotFound"}`)).toBe(3);
    expect([bucket('0.005'), bucket('0.025'), bucket('10'), bucket('+Inf')]).toEqual([1, 2, 2, 3]);
    expect(value(seen, `grpc_server_handling_seconds_sum{${labels}}`)).toBeCloseTo(60.021);
  });

  test('an undeclared method makes no series', async () => {
    const it = world();
    it.rpc.started('/no.such.Service/Method');
    it.rpc.handled('/no.such.Service/Method', 12, 0);
    expect(await text(it)).not.toContain('no.such.Service');
  });
});

describe('errors', () => {
  test('a part that fails is left out and counted, the rest remains', async () => {
    const it = world(['web']);
    it.system.processes = () => {
      throw new Error('out of luck');
    };
    await text(it);
    const seen = await text(it);
    expect(value(seen, 'my_init_scrape_errors_total{part="resources"}')).toBe(2);
    expect(value(seen, 'my_init_service_up{service="web"}')).toBe(1);
    expect(it.logged).toEqual([expect.stringContaining('out of luck'), expect.stringContaining('out of luck')]);
  });
});

describe('OpenMetrics', () => {
  test('ends with EOF and names counters without _total in TYPE only', async () => {
    const seen = await text(rich(), 'openmetrics');
    expect(seen.endsWith('\n# EOF\n')).toBe(true);
    expect(seen).toContain('# TYPE my_init_service_restarts counter\n');
    expect(value(seen, 'my_init_service_restarts_total{service="web",reason="api"}')).toBe(1);
    expect(seen).not.toMatch(/\n\n/);
  });

  test('has the same series as the Prometheus format', async () => {
    const it = rich();
    const series = (exposition: string) =>
      exposition
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'))
        .map((line) => line.replace(/ \S+$/, ''));
    expect(series(await text(it, 'openmetrics'))).toEqual(series(await text(it)));
  });
});

test('replicas are counted by the name that they share', async () => {
  const fake = world(['cron', 'web@1', 'web@2', 'web@3']);
  const replicaOf = 'web' as ServiceName;
  for (const name of ['web@1', 'web@2', 'web@3']) fake.services.set(name, { replicaOf, ready: name !== 'web@2' });
  const exposition = await text(fake);
  expect(value(exposition, 'my_init_service_replicas{service="web",ready="true"}')).toBe(2);
  expect(value(exposition, 'my_init_service_replicas{service="web",ready="false"}')).toBe(1);
  expect(exposition).not.toContain('my_init_service_replicas{service="cron"');
});
