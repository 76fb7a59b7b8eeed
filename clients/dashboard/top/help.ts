import type { Screen } from './screen.js';
import type { Area, KeyHelp, View } from './view.js';

const EVERYWHERE: readonly KeyHelp[] = [
  ['↑ ↓ j k', 'one line'],
  ['PgUp PgDn', 'one page'],
  ['Home g, End G', 'first and last line'],
  ['Esc', 'back'],
  ['q', 'back, or quit'],
  ['Ctrl-L', 'draw again'],
  ['Ctrl-C', 'leave'],
];

/** The keys of a view, in as many columns as fit. */
export function drawHelp(screen: Screen, view: View, { top, height }: Area): void {
  const rows: readonly KeyHelp[] = [...view.keys, ...EVERYWHERE];
  const keyWidth = Math.max(...rows.map(([key]) => key.length));
  const width = keyWidth + 2 + Math.max(...rows.map(([, does]) => does.length)) + 3;
  const perColumn = Math.max(1, height - 3, Math.ceil(rows.length / Math.max(1, Math.floor(screen.width / width))));
  screen.put(0, top, `Keys: ${view.title}`, { bold: true });
  for (const [index, [key, does]] of rows.entries()) {
    const x = Math.floor(index / perColumn) * width;
    const y = top + 2 + (index % perColumn);
    if (y >= top + height) continue;
    screen.put(x, y, key.padEnd(keyWidth), { color: 'cyan' });
    screen.put(x + keyWidth + 2, y, does);
  }
}
