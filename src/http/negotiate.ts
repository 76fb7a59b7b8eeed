import type { Format } from './exposition.js';

/**
 * The format that a scraper prefers, by its `Accept` header (RFC 9110 section 12.5.1): OpenMetrics
 * only where it is named, and not less wanted than plain text.
 */
export function preferredFormat(accept: string | undefined): Format {
  const ranges = parse(accept ?? '');
  const openMetrics = quality(ranges.filter(isOpenMetrics1));
  const plain = quality(ranges.filter(({ value }) => PLAIN.has(value)));
  return openMetrics > 0 && openMetrics >= plain ? 'openmetrics' : 'prometheus';
}

/**
 * Whether an answer may be compressed with gzip, by the `Accept-Encoding` header (RFC 9110 section
 * 12.5.3).
 */
export function acceptsGzip(acceptEncoding: string | undefined): boolean {
  const ranges = parse(acceptEncoding ?? '');
  const named = ranges.filter(({ value }) => value === 'gzip');
  return quality(named.length > 0 ? named : ranges.filter(({ value }) => value === '*')) > 0;
}

const PLAIN = new Set(['text/plain', 'text/*', '*/*']);

interface Range {
  readonly value: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

/** A version that we do not speak is another format. */
function isOpenMetrics1({ value, parameters }: Range): boolean {
  return value === 'application/openmetrics-text' && (parameters.get('version') ?? '1.0.0') === '1.0.0';
}

const quality = (ranges: readonly Range[]): number => Math.max(0, ...ranges.map((range) => range.quality));

function parse(header: string): readonly Range[] {
  return header.split(',').map((range) => {
    const [value = '', ...rest] = range.split(';').map((part) => part.trim().toLowerCase());
    const parameters = new Map(rest.map((parameter): [string, string] => splitAt(parameter)));
    return { value, parameters, quality: qualityOf(parameters.get('q')) };
  });
}

function splitAt(parameter: string): [string, string] {
  const [name = '', value = ''] = parameter.split('=', 2);
  return [name.trim(), value.trim().replaceAll('"', '')];
}

function qualityOf(text: string | undefined): number {
  if (text === undefined) return 1;
  const value = Number(text);
  return value >= 0 && value <= 1 ? value : 0;
}
