import type { Limits } from '../../resources/container-limits.js';
import { counter, type Family, gauge, known } from './family.js';

/** The limits that the kernel sets for the container, and how often they took effect. */
export function limitMetrics({ memory, cpu }: Limits): readonly Family[] {
  return [
    gauge(
      'my_init_memory_limit_bytes',
      'Memory that the container may use; absent when there is no limit.',
      [],
      known(memory.limitBytes),
    ),
    gauge(
      'my_init_memory_usage_bytes',
      'Memory that the container uses, as the kernel counts it against the limit, with the page cache.',
      [],
      known(memory.usageBytes),
    ),
    counter(
      'my_init_oom_kills_total',
      'Processes of the container that the kernel has killed for want of memory.',
      [],
      known(memory.oomKills),
    ),
    gauge(
      'my_init_cpu_quota_cpus',
      'CPUs that the container may use on average; absent when there is no quota.',
      [],
      known(cpu.cpus),
    ),
    counter(
      'my_init_cpu_throttled_seconds_total',
      'Time for which processes had to wait because the CPU quota was used up.',
      [],
      known(cpu.throttledSeconds),
    ),
  ];
}
