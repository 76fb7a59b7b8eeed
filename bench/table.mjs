/** Samples, and what people are shown of them. */

/** What was measured, by title and contender, in the order of the first sample. */
export class Samples {
  #measures = new Map();

  add(title, unit, name, value) {
    const key = `${title}, ${unit}`;
    const measure = this.#measures.get(key) ?? { title, unit, values: new Map() };
    this.#measures.set(key, measure);
    const values = measure.values.get(name) ?? [];
    measure.values.set(name, [...values, value]);
  }

  /** Each with the ratio of its median to ours, which comes first. */
  summary() {
    return [...this.#measures.values()].map(({ title, unit, values }) => {
      const rows = [...values].map(([name, list]) => ({ name, ...spread(list) }));
      const ours = rows.find(({ name }) => name.startsWith('my_init'))?.median;
      return { title, unit, rows: rows.map((row) => ({ ...row, ratio: ours > 0 ? row.median / ours : undefined })) };
    });
  }
}

function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  return { samples: sorted.length, median: at(0.5), min: sorted[0], p99: at(0.99), max: sorted.at(-1) };
}

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
      const body = rows.map(({ name, median, min, p99, max, ratio }) =>
        line(width, `  ${name}`, [
          ...[median, min, p99, max].map(figure),
          ratio === undefined ? '' : `${figure(ratio)}×`,
        ]),
      );
      return [head, ...body, ''].join('\n');
    })
    .join('\n');
}

const line = (width, first, cells) => first.padEnd(width) + cells.map((cell) => cell.padStart(10)).join('');

/** Three digits. */
const figure = (value) =>
  Math.abs(value) >= 100
    ? value.toFixed(0)
    : value.toFixed(value === Math.trunc(value) ? 0 : Math.abs(value) >= 10 ? 1 : 2);
