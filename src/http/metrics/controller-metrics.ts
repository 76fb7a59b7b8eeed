import { performance } from 'node:perf_hooks';
import { openDescriptors } from '../../resources/open-descriptors.js';
import { readText } from '../../resources/read-text.js';
import { counter, type Family, gauge, known } from './family.js';

/**
 * The controller as a process, under the standard names of Prometheus client libraries. Nothing
 * here needs a timer: an idle my_init makes no wake-ups, which rules out
 * `perf_hooks.monitorEventLoopDelay`.
 */
export function controllerMetrics(startTimeSeconds: number, eventLoopLagSeconds: number): readonly Family[] {
  const cpu = process.cpuUsage();
  const memory = process.memoryUsage();
  const loop = performance.eventLoopUtilization();
  return [
    counter(
      'process_cpu_seconds_total',
      'User and system CPU time of the controller.',
      [],
      [[(cpu.user + cpu.system) / 1e6]],
    ),
    gauge('process_start_time_seconds', 'When the controller was started, as Unix time.', [], [[startTimeSeconds]]),
    gauge('process_resident_memory_bytes', 'Resident memory of the controller.', [], [[memory.rss]]),
    gauge('process_virtual_memory_bytes', 'Virtual memory of the controller.', [], known(virtualMemoryBytes())),
    gauge('process_open_fds', 'Open descriptors of the controller.', [], known(openDescriptors(process.pid))),
    gauge('process_max_fds', 'Limit of open descriptors of the controller.', [], known(descriptorLimit())),
    gauge(
      'nodejs_heap_size_used_bytes',
      'Used part of the JavaScript heap of the controller.',
      [],
      [[memory.heapUsed]],
    ),
    gauge('nodejs_heap_size_total_bytes', 'Size of the JavaScript heap of the controller.', [], [[memory.heapTotal]]),
    gauge(
      'nodejs_external_memory_bytes',
      'Memory outside the JavaScript heap that belongs to its objects.',
      [],
      [[memory.external]],
    ),
    gauge(
      'nodejs_eventloop_lag_seconds',
      'How long the event loop of the controller took to come round, measured at this scrape.',
      [],
      [[eventLoopLagSeconds]],
    ),
    counter(
      'nodejs_eventloop_time_seconds_total',
      'Time of the event loop of the controller, at work (active) or waiting (idle).',
      ['state'],
      [
        [loop.active / 1000, 'active'],
        [loop.idle / 1000, 'idle'],
      ],
    ),
  ];
}

/** How long the event loop takes to come round once. */
export async function measureEventLoopLag(): Promise<number> {
  const startedAt = performance.now();
  await new Promise((resolve) => setImmediate(resolve));
  return (performance.now() - startedAt) / 1000;
}

function virtualMemoryBytes(): number | undefined {
  const kilobytes = /^VmSize:\s+(\d+) kB$/m.exec(readText('/proc/self/status'))?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

function descriptorLimit(): number | undefined {
  const limit = /^Max open files\s+(\d+)\s/m.exec(readText('/proc/self/limits'))?.[1];
  return limit === undefined ? undefined : Number(limit);
}
