/** Samples, and the form in which people see them. */

/** The samples, by title and contender, in the order of the first sample. */
export class Samples {
  #measures = new Map();

  add(title, unit, name, value) {
    const key = `${title}, ${unit}`;
    const measure = this.#measures.get(key) ?? { title, unit, values: new Map() };
    this.#measures.set(key, measure);
    const values = measure.values.get(name) ?? [];
    measure.values.set(name, [...values, value]);
  }

  /** Each measure with the ratios of the medians to ours, which comes first. */
  summary() {
    return [...this.#measures.values()].map(({ title, unit, values }) => {
      const rows = [...values].map(([name, list]) => ({ name, ...spread(list) }));
      const ours = rows.find(({ name }) => name.startsWith('my_init'));
      const isSure = (row) => ours?.median > 0 && !row.noisy && !ours.noisy;
      const ratio = (row) => (isSure(row) ? row.median / ours.median : undefined);
      return { title, unit, rows: rows.map((row) => ({ ...row, ratio: ratio(row) })) };
    });
  }
}

function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  const median = at(0.5);
  const noisy = sorted.length >= FEWEST && at(0.75) - at(0.25) > NOISE * Math.abs(median);
  return { samples: sorted.length, median, min: sorted[0], p99: at(0.99), max: sorted.at(-1), noisy };
}

/**
 * Where the middle half of the samples spreads over more than this part of the median, the median
 * says nothing.
 */
const NOISE = 0.5;
/** Fewer samples have no middle half. */
const FEWEST = 5;

const COLUMNS = ['median', 'least', '99 %', 'most', 'ratio'];

export function table(measures) {
  const width =
    2 +
    Math.max(
      ...measures.flatMap(({ title, unit, rows }) => [
        title.length + unit.length + 2,
        ...rows.map(({ name }) => name.length + 2),
      ]),
    );
  return measures
    .map(({ title, unit, rows }) => {
      const head = line(width, unit === '' ? title : `${title}, ${unit}`, COLUMNS);
      const body = rows.map(({ name, median, min, p99, max, noisy, ratio }) =>
        line(width, `  ${name}`, [
          ...[noisy ? 'too noisy' : figure(median), figure(min), figure(p99), figure(max)],
          ratio === undefined ? '' : `${figure(ratio)}×`,
        ]),
      );
      return [head, ...body, ''].join('\n');
    })
    .join('\n');
}

const line = (width, first, cells) => first.padEnd(width) + cells.map((cell) => cell.padStart(10)).join('');

/** A number with three digits. */
export const figure = (value) =>
  Math.abs(value) >= 100
    ? value.toFixed(0)
    : value.toFixed(value === Math.trunc(value) ? 0 : Math.abs(value) >= 10 ? 1 : 2);
