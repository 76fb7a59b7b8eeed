/** Hosts of a group are named in so many characters, else counted. */
const NAMED_LENGTH = 32;

/** The names without their common beginning, up to the last slash. */
export function shortLabels(names: readonly string[]): readonly string[] {
  const [first = ''] = names;
  let common = first.lastIndexOf('/') + 1;
  while (common > 0 && !names.every((name) => name.startsWith(first.slice(0, common)) && name.length > common)) {
    common = first.lastIndexOf('/', common - 2) + 1;
  }
  return names.map((name) => name.slice(common).replace(/(?<=[^/])\/$/, ''));
}

/** `web-0, web-1`, `all 50`, or `47 of 50`. */
export function groupLabel(labels: readonly string[], total: number): string {
  if (labels.length === total && total > 1) return `all ${total}`;
  const named = labels.join(', ');
  return labels.length === 1 || named.length <= NAMED_LENGTH ? named : `${labels.length} of ${total}`;
}
