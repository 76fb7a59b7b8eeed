import { NO_USE, type ResourceUse } from '../../resources/resource-use.js';
import { counter, type Family, gauge, known, type Sample } from './family.js';

const SERVICE = ['service'];

/**
 * The resources that the processes of each service use; no series if the processes cannot be seen.
 */
export function resourceMetrics(
  services: readonly string[],
  use: ReadonlyMap<string, ResourceUse> | undefined,
): readonly Family[] {
  const each = (value: (use: ResourceUse) => number | undefined): readonly Sample[] =>
    use ? services.flatMap((service) => known(value(use.get(service) ?? NO_USE), service)) : [];
  return [
    counter(
      'my_init_service_cpu_seconds_total',
      'CPU time that the processes of the service were seen to use, from scrape to scrape: what one uses after the last scrape of its life is missing.',
      SERVICE,
      each(({ cpuSeconds }) => cpuSeconds),
    ),
    gauge(
      'my_init_service_resident_memory_bytes',
      'Resident memory of the processes of the service; pages that they share count for each.',
      SERVICE,
      each(({ residentBytes }) => residentBytes),
    ),
    gauge(
      'my_init_service_processes',
      'Processes of the service, without zombies.',
      SERVICE,
      each(({ processes }) => processes),
    ),
    gauge(
      'my_init_service_threads',
      'Threads of the processes of the service.',
      SERVICE,
      each(({ threads }) => threads),
    ),
    gauge(
      'my_init_service_open_fds',
      'Open descriptors of the processes of the service; absent when one of them may not be read.',
      SERVICE,
      each(({ openDescriptors }) => openDescriptors),
    ),
  ];
}
