export interface Edge {
  readonly from: string;
  readonly to: string;
}

/**
 * Columns of a dependency graph: a service stands right of everything that it depends on. A circle
 * is cut where it is met.
 */
export function layersOf(names: readonly string[], edges: readonly Edge[]): readonly (readonly string[])[] {
  const depths = new Map<string, number>();
  const depth = (name: string, above: readonly string[]): number => {
    const known = depths.get(name);
    if (known !== undefined) return known;
    if (above.includes(name)) return 0;
    const needs = edges.filter(({ from }) => from === name).map(({ to }) => depth(to, [...above, name]) + 1);
    const own = Math.max(0, ...needs);
    depths.set(name, own);
    return own;
  };
  const layers: string[][] = [];
  for (const name of names) {
    const column = depth(name, []);
    while (layers.length <= column) layers.push([]);
    layers[column]?.push(name);
  }
  return layers;
}
