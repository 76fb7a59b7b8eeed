import type { LogCounts, LogStatistics } from '../../types/logs.js';
import { counter, type Family, gauge, type Sample } from './family.js';

const SERVICE = ['service'];

/** The log output of the services and of my_init itself. */
export function logMetrics(logs: LogStatistics): readonly Family[] {
  const counts = logs.counts();
  const each = (value: (log: LogCounts) => number): readonly Sample[] => counts.map((log) => [value(log), log.name]);
  return [
    counter(
      'my_init_log_lines_total',
      'Lines that were captured and stored; the pieces of a line over 16 KiB count each.',
      SERVICE,
      each(({ lines }) => lines),
    ),
    counter(
      'my_init_log_bytes_total',
      'Bytes of text that were captured and stored, without line ends.',
      SERVICE,
      each(({ bytes }) => bytes),
    ),
    counter(
      'my_init_log_dropped_lines_total',
      'Lines that are missing: not stored (disk_full), or not on the output of the container (output_stalled).',
      ['service', 'cause'],
      counts.flatMap(({ name, dropped, missed }): readonly Sample[] => [
        [dropped, name, 'disk_full'],
        [missed, name, 'output_stalled'],
      ]),
    ),
    gauge('my_init_log_followers', 'Readers of the API that follow logs now.', [], [[logs.followers]]),
  ];
}
