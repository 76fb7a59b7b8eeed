/** The settings of the peers and how each is written here: the tables of docs/policies.md. */
import { readFileSync } from 'node:fs';

/** The keys of a definition, each with the value that the document shows. */
export type ShownKeys = Readonly<Record<string, string>>;

/** The keys of each row, by its peer and its words: ``systemd `Restart=no` ``. */
export function peersTable(): ReadonlyMap<string, ShownKeys> {
  const page = readFileSync(new URL('../../docs/policies.md', import.meta.url), 'utf8');
  const [, text = ''] = page.split('## What the peers can say');
  const rows = new Map<string, ShownKeys>();
  let peer = '';
  for (const [line] of text.matchAll(/^(###|\|).*$/gm)) {
    const cells = line.split('|').map((cell) => cell.trim());
    if (line.startsWith('###')) peer = line.slice(4);
    else if (cells.length === 5) {
      peer = cells[1] || peer;
      rows.set(`${peer} ${cells[2]}`, keysIn(cells[3] ?? ''));
    } else rows.set(`${peer} ${cells[1]}`, keysIn(cells[2] ?? ''));
  }
  for (const name of [...rows.keys()]) if (/---| there$|^(\w+) \1$/.test(name)) rows.delete(name);
  return rows;
}

const keysIn = (words: string): ShownKeys =>
  Object.fromEntries([...words.matchAll(/`([a-z_]+): ([^`]+)`/g)].map(([, key = '', value = '']) => [key, value]));
