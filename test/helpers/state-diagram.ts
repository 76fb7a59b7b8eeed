import { TABLE } from '../../src/supervisor/table.js';
import type { State } from '../../src/types/service.js';

const STATES = Object.keys(TABLE) as State[];

/**
 * The states of a service and the transitions between them, as a mermaid diagram, drawn from the
 * table.
 */
export function stateDiagram(): string {
  const lines = ['stateDiagram-v2', '    [*] --> down'];
  for (const from of STATES) {
    const arrows = new Map<State, string[]>();
    for (const { to, label } of Object.values(TABLE[from]))
      for (const state of to) arrows.set(state, [...(arrows.get(state) ?? []), label]);
    for (const [to, labels] of arrows) lines.push(`    ${from} --> ${to} : ${[...new Set(labels)].join(', ')}`);
  }
  return [...lines, ''].join('\n');
}
