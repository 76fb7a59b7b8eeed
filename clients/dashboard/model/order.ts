/** The orders that a person can give. */
export const VERBS = ['start', 'stop', 'restart', 'reload', 'signal', 'hold', 'release', 'reset'] as const;
export type Verb = (typeof VERBS)[number];

/** Verbs that need nothing beside the names of services. */
type PlainVerb = Exclude<Verb, 'signal' | 'hold'>;

export type Order =
  | { readonly verb: PlainVerb }
  | { readonly verb: 'signal'; readonly signal: string }
  /** `time` as on a command line: `15m`. */
  | { readonly verb: 'hold'; readonly time: string; readonly reason: string };

/** The command that does the same; `to` are the words that lead to the host. */
export function commandLine(to: readonly string[], order: Order, names: readonly string[]): string {
  return ['svctl', ...to, ...words(order, names)].map(quoted).join(' ');
}

/** `restart web?`, `signal HUP to 3 services?` */
export function questionOf(order: Order, names: readonly string[]): string {
  const what = names.length === 1 ? names[0] : `${names.length} services`;
  switch (order.verb) {
    case 'signal':
      return `signal ${order.signal} to ${what}?`;
    case 'hold':
      return `hold ${what} for ${order.time}?`;
    default:
      return `${order.verb} ${what}?`;
  }
}

function words(order: Order, names: readonly string[]): readonly string[] {
  switch (order.verb) {
    case 'signal':
      return ['signal', order.signal, ...names];
    case 'hold':
      return ['hold', ...names, '--for', order.time, ...(order.reason === '' ? [] : ['--reason', order.reason])];
    default:
      return [order.verb, ...names];
  }
}

const quoted = (word: string): string => (/^[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
