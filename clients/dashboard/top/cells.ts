import { visibleLength } from '../../svctl/text/paint.js';

/** Text as wide as a column: filled up, or cut with an ellipsis. */
export function fitted(text: string, width: number, right = false): string {
  if (width <= 0) return '';
  const length = visibleLength(text);
  if (length > width) return `${[...text].slice(0, width - 1).join('')}…`;
  return right ? text.padStart(width) : text + ' '.repeat(width - length);
}

const LEVELS = '▁▂▃▄▅▆▇█';

/** Values as bars of one line, the highest of them full; the last ones that fit. */
export function sparkline(values: readonly number[], width: number, least: number): string {
  const shown = values.slice(-width);
  const highest = Math.max(least, ...shown);
  return shown
    .map((value) => LEVELS[Math.min(7, Math.floor((value / highest) * 7.99))] ?? ' ')
    .join('')
    .padStart(width);
}
