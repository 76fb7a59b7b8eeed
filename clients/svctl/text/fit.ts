import { visibleLength } from './paint.js';

/** A column of a table, and how it shrinks in a terminal that is too narrow. */
export interface Column {
  readonly title: string;
  /** Numbers stand to the right. */
  readonly right?: boolean;
  /** The cells of this column may be cut down to this width. */
  readonly least?: number;
  /**
   * Left out when cutting is not enough: the column with the highest number first. A column without
   * one stays.
   */
  readonly expendable?: number;
}

/** Between two columns. */
export const GAP = 2;
/** A cell that is cut further says nothing. */
const SHORTEST = 8;

/**
 * The width of each column so that all of them fit, 0 for a column that is left out. `natural`: the
 * widths of their contents.
 */
export function fittedWidths(
  columns: readonly Column[],
  natural: readonly number[],
  available: number,
): readonly number[] {
  const dispensable = columns
    .map(({ expendable = 0 }, index) => ({ expendable, index }))
    .filter(({ expendable }) => expendable > 0)
    .sort((a, b) => b.expendable - a.expendable);
  const widths = [...natural];
  while (lengthOf(leastOf(columns, widths)) > available) {
    const next = dispensable.shift();
    if (next === undefined) return narrowed(widths, columns.map(cutTo(SHORTEST)), available);
    widths[next.index] = 0;
  }
  return narrowed(
    widths,
    columns.map(({ least }) => least),
    available,
  );
}

/** Takes from the widest column that may be cut, as long as the line is too long. */
function narrowed(
  natural: readonly number[],
  least: readonly (number | undefined)[],
  available: number,
): readonly number[] {
  const widths = [...natural];
  for (let excess = lengthOf(widths) - available; excess > 0; excess--) {
    const spare = widths.map((width, index) => (width > (least[index] ?? width) ? width : 0));
    const widest = spare.indexOf(Math.max(...spare));
    if (spare[widest] === 0) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

const cutTo =
  (shortest: number) =>
  ({ least }: Column): number | undefined =>
    least === undefined ? undefined : Math.min(least, shortest);

const leastOf = (columns: readonly Column[], widths: readonly number[]): readonly number[] =>
  widths.map((width, index) => Math.min(width, columns[index]?.least ?? width));

function lengthOf(widths: readonly number[]): number {
  const shown = widths.filter((width) => width > 0);
  return shown.reduce((sum, width) => sum + width, GAP * (shown.length - 1));
}

/** Cuts a text in the middle: `web-worker…-3`. Names of the same kind differ at their ends. */
export function cut(text: string, width: number): string {
  if (visibleLength(text) <= width) return text;
  const characters = [...text];
  const head = Math.ceil((width - 1) / 2);
  return `${characters.slice(0, head).join('')}…${characters.slice(characters.length - (width - 1 - head)).join('')}`;
}

/** Breaks a text into lines of this width at most, at spaces where there are any. */
export function wrap(text: string, width: number): readonly string[] {
  if (visibleLength(text) <= width) return [text];
  const lines: string[] = [];
  let rest = [...text];
  while (rest.length > width) {
    const space = rest.slice(0, width + 1).lastIndexOf(' ');
    const end = space > width / 3 ? space : width;
    lines.push(rest.slice(0, end).join('').trimEnd());
    rest = rest.slice(rest[end] === ' ' ? end + 1 : end);
  }
  return rest.length === 0 ? lines : [...lines, rest.join('')];
}
