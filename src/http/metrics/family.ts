/** One number with the values of its labels, in the order of the family's label names. */
export type Sample = readonly [value: number, ...labels: string[]];

/** A metric and all its series, as the exposition formats group them. */
export type Family = Plain | Histogram;

interface Described {
  readonly name: string;
  /** One sentence; the text of `# HELP`. */
  readonly help: string;
  readonly labels: readonly string[];
}

interface Plain extends Described {
  readonly type: 'gauge' | 'counter';
  readonly samples: readonly Sample[];
}

interface Histogram extends Described {
  readonly type: 'histogram';
  /** Upper bounds, ascending, without +Inf. */
  readonly bounds: readonly number[];
  readonly series: readonly HistogramSeries[];
}

export interface HistogramSeries {
  readonly labels: readonly string[];
  /** How many were observed in the bucket of the same index: not cumulative. */
  readonly counts: readonly number[];
  /** All that was observed, also beyond the last bound. */
  readonly count: number;
  readonly sum: number;
}

/** A value that can fall. */
export const gauge = (name: string, help: string, labels: readonly string[], samples: readonly Sample[]): Family => ({
  type: 'gauge',
  name,
  help,
  labels,
  samples,
});

/**
 * A value that only grows until the process that counts is replaced. The metric's name ends in
 * `_total`.
 */
export const counter = (name: string, help: string, labels: readonly string[], samples: readonly Sample[]): Family => ({
  type: 'counter',
  name,
  help,
  labels,
  samples,
});

/** The sample of a value that may not be known: absent rather than wrong. */
export const known = (value: number | undefined, ...labels: string[]): readonly Sample[] =>
  value === undefined ? [] : [[value, ...labels]];

export const oneIf = (condition: boolean): number => (condition ? 1 : 0);
