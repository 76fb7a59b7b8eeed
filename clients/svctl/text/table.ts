import { printable } from '../../../src/text/printable.js';
import { type Paint, type Style, visibleLength } from './paint.js';

/** One cell: text, or text in a style. */
export type Cell = string | { readonly text: string; readonly style: Style };

export interface Row {
  readonly cells: readonly Cell[];
  /** Lines to stand indented under the row. */
  readonly notes?: readonly Cell[];
}

export interface Table {
  readonly header: readonly string[];
  readonly rows: readonly Row[];
  /** The titles of the columns of numbers. */
  readonly right?: readonly string[];
  /**
   * The titles of the columns in which rows of several hosts may differ and still be shown as one; rows are not put
   * together when undefined.
   */
  readonly varying?: readonly string[];
}

export function tableText({ header, rows, right }: Table, paint: Paint): string {
  return table(header, rows, paint, right);
}

/** Columns wide enough for their contents, two spaces between, numbers to the right; every cell is made printable. */
export function table(
  header: readonly string[],
  rows: readonly Row[],
  paint: Paint,
  right: readonly string[] = [],
): string {
  const widths = header.map((title, column) =>
    Math.max(visibleLength(title), ...rows.map((row) => visibleLength(textOf(row.cells[column] ?? '')))),
  );
  const line = (cells: readonly Cell[]): string =>
    cells
      .map((cell, column) => {
        const fill = ' '.repeat(Math.max(0, (widths[column] ?? 0) - visibleLength(textOf(cell))));
        const shown = typeof cell === 'string' ? textOf(cell) : paint(cell.style, textOf(cell));
        return right.includes(header[column] ?? '') ? fill + shown : shown + fill;
      })
      .join('  ')
      .trimEnd();
  const lines = [line(header.map((text) => ({ text, style: 'faint' })))];
  for (const row of rows) {
    lines.push(line(row.cells));
    for (const note of row.notes ?? []) {
      lines.push(`    ${typeof note === 'string' ? textOf(note) : paint(note.style, textOf(note))}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function textOf(cell: Cell): string {
  return printable(typeof cell === 'string' ? cell : cell.text);
}
