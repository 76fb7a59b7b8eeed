import { printable } from '../../../src/text/printable.js';
import { type Column, cut, fittedWidths, GAP, wrap } from './fit.js';
import { type Paint, type Style, visibleLength } from './paint.js';

/** One cell: text, or text in a style. */
export type Cell = string | { readonly text: string; readonly style: Style };

export interface Row {
  readonly cells: readonly Cell[];
  /** Lines to stand indented under the row. */
  readonly notes?: readonly Note[];
}

/** A line under a row. */
export interface Note {
  readonly text: string;
  readonly style: Style;
  /** Before each line of the text, such as `| `. */
  readonly mark?: string;
}

/** A line over the rows that follow. */
export interface Heading {
  readonly heading: string;
}

export interface Table {
  readonly header: readonly (string | Column)[];
  readonly rows: readonly (Row | Heading)[];
  /** A last line, for people. */
  readonly summary?: string;
  /**
   * The titles of the columns in which rows of several hosts may differ and still be shown as one;
   * rows are not put together when undefined.
   */
  readonly varying?: readonly string[];
}

/** The surface that a table is printed on. */
interface Surface {
  readonly paint: Paint;
  /** The columns of the terminal; undefined where there is none, and nothing is cut. */
  readonly width?: number | undefined;
}

const INDENT = '    ';
/** A note is wrapped no narrower than this. */
const LEAST_NOTE = 20;

/**
 * Columns wide enough for their contents, two spaces between; every cell is made printable. In a
 * terminal all of it fits.
 */
export function tableText({ header, rows, summary }: Table, { paint, width }: Surface): string {
  const columns = header.map((column): Column => (typeof column === 'string' ? { title: column } : column));
  const natural = columns.map(({ title }, index) =>
    Math.max(
      visibleLength(title),
      ...rows.map((row) => ('cells' in row ? visibleLength(textOf(row.cells[index] ?? '')) : 0)),
    ),
  );
  const widths = width === undefined ? natural : fittedWidths(columns, natural, width);
  const line = (cells: readonly Cell[]): string =>
    cells
      .flatMap((cell, index) => {
        const room = widths[index] ?? 0;
        if (room === 0) return [];
        const text = cut(textOf(cell), room);
        const fill = ' '.repeat(room - visibleLength(text));
        const shown = typeof cell === 'string' ? text : paint(cell.style, text);
        return columns[index]?.right ? fill + shown : shown + fill;
      })
      .join(' '.repeat(GAP))
      .trimEnd();
  const lines = [line(columns.map(({ title }) => ({ text: title, style: 'faint' })))];
  for (const row of rows) {
    if ('heading' in row) lines.push(paint('heading', printable(row.heading)));
    else lines.push(line(row.cells), ...(row.notes ?? []).flatMap((note) => noteLines(note, paint, width)));
  }
  if (summary !== undefined && width !== undefined)
    lines.push(...wrap(summary, width).map((each) => paint('faint', each)));
  return `${lines.join('\n')}\n`;
}

function noteLines({ text, style, mark = '' }: Note, paint: Paint, width: number | undefined): readonly string[] {
  const start = INDENT + mark;
  const room = width === undefined ? Infinity : Math.max(LEAST_NOTE, width - start.length);
  return wrap(printable(text), room).map((each) => INDENT + paint(style, mark + each));
}

function textOf(cell: Cell): string {
  return printable(typeof cell === 'string' ? cell : cell.text);
}
