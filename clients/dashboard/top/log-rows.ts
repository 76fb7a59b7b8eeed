import { printable } from '../../../src/text/printable.js';
import { clockTime } from '../../svctl/text/duration.js';
import { NAME_STYLES } from '../../svctl/text/paint.js';
import { datedWords } from '../model/detail.js';
import type { LogEntry } from '../model/log-tail.js';
import type { Screen, Style } from './screen.js';

export interface RowStyle {
  /** The name of the host, and of the service, stands before each line. */
  readonly hosts: boolean;
  readonly names: boolean;
  readonly times: boolean;
  /** How many columns are out of sight at the left. */
  readonly left: number;
  readonly search: RegExp | undefined;
}

/** Draws one row of a log. */
export function drawRow(screen: Screen, y: number, entry: LogEntry, how: RowStyle): void {
  const { prefix, text, style } = wordsOf(entry, how);
  let x = 0;
  for (const [part, partStyle] of prefix) {
    screen.put(x, y, part, partStyle);
    x += part.length;
  }
  const shown = text.slice(how.left, how.left + screen.width - x);
  screen.put(x, y, shown, style);
  const { search } = how;
  if (search === undefined || entry.kind !== 'line') return;
  for (const match of shown.matchAll(new RegExp(search.source, `${search.flags}g`))) {
    if (match[0] !== '') screen.put(x + match.index, y, match[0], { inverse: true });
  }
}

export function wordsOf(
  entry: LogEntry,
  how: RowStyle,
): { prefix: readonly (readonly [string, Style])[]; text: string; style: Style } {
  const host = how.hosts ? `${printable(entry.host.name)} ` : '';
  switch (entry.kind) {
    case 'line': {
      const name = how.names ? `${entry.service} ` : '';
      const time = how.times ? `${clockTime(new Date(entry.atMs))} ` : '';
      const color =
        NAME_STYLES[[...entry.service].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % NAME_STYLES.length];
      return {
        prefix: [
          [time, { faint: true }],
          [printable(host + name), { color }],
        ],
        text: printable(entry.text),
        style: entry.stderr ? { color: 'red' } : {},
      };
    }
    case 'gap':
      return {
        prefix: [],
        text: `${host}${entry.gap.service}: ${entry.gap.lines} lines were lost`,
        style: { color: 'yellow', bold: true },
      };
    case 'marker':
      return {
        prefix: [],
        text: `── ${host}${entry.marker.service} ${datedWords(entry.marker)}`,
        style: { faint: true },
      };
    default:
      return entry satisfies never;
  }
}
