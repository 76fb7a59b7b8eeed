import { setImmediate as nextTurn } from 'node:timers/promises';
import type { MetricValueWithName, RegistryContentType } from 'prom-client';
import type { Family, HistogramSeries } from './metrics/family.js';

/** A text format of metrics: Prometheus 0.0.4, or OpenMetrics 1.0.0. */
export type Format = 'prometheus' | 'openmetrics';

export interface Exposition {
  readonly contentType: string;
  readonly text: string;
}

/**
 * Writes the families in a format, one at a time with a turn of the event loop between them: with
 * hundreds of services it is long work, and supervising comes first. prom-client is loaded at the
 * first call.
 */
export async function expose(families: readonly Family[], format: Format): Promise<Exposition> {
  loading ??= load();
  const { Registry, metricOf } = await loading;
  const registry = new Registry<RegistryContentType>();
  registry.setContentType(
    format === 'openmetrics' ? Registry.OPENMETRICS_CONTENT_TYPE : Registry.PROMETHEUS_CONTENT_TYPE,
  );
  const parts: string[] = [];
  for (const family of families) {
    const name = familyName(family, format);
    registry.registerMetric(metricOf(name, family));
    parts.push(await registry.getSingleMetricAsString(name));
    registry.removeSingleMetric(name);
    await nextTurn();
  }
  if (format === 'openmetrics') parts.push('# EOF');
  return { contentType: registry.contentType, text: `${parts.join('\n')}\n` };
}

let loading: ReturnType<typeof load> | undefined;

async function load() {
  const { Gauge, Registry } = (await import('prom-client')).default;

  /** A metric whose numbers are counted elsewhere: its values are those of the family. */
  const metricOf = (name: string, family: Family) => {
    const metric = new Gauge({ name, help: family.help, registers: [] });
    const get = async () => ({ name, help: family.help, type: family.type, values: valuesOf(family) });
    return Object.assign(metric, { get });
  };
  return { Registry, metricOf };
}

/** A counter of OpenMetrics has `_total` in its samples, and not in its own name. */
const familyName = ({ name, type }: Family, format: Format): string =>
  format === 'openmetrics' && type === 'counter' ? name.replace(/_total$/, '') : name;

type Value = MetricValueWithName<string>;

function valuesOf(family: Family): Value[] {
  if (family.type === 'histogram') return family.series.flatMap((series) => histogramValues(family, series));
  return family.samples.map(([value, ...labels]) => ({ value, labels: labelled(family.labels, labels) }));
}

function histogramValues(
  { name, labels: names, bounds }: { name: string; labels: readonly string[]; bounds: readonly number[] },
  { labels: values, counts, count, sum }: HistogramSeries,
): Value[] {
  const labels = labelled(names, values);
  let below = 0;
  const buckets = bounds.map((bound, index) => {
    below += counts[index] ?? 0;
    return { metricName: `${name}_bucket`, labels: { ...labels, le: String(bound) }, value: below };
  });
  return [
    ...buckets,
    { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: count },
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ];
}

const labelled = (names: readonly string[], values: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.map((name, index) => [name, values[index] ?? '']));
