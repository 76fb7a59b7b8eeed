/** Colours that tell names apart and mean nothing else. */
export const NAME_STYLES = ['cyan', 'magenta', 'blue', 'green', 'yellow'] as const;

export type Style = 'good' | 'changing' | 'bad' | 'faint' | 'heading' | 'stderr' | (typeof NAME_STYLES)[number];

/** Puts text into a style, or leaves it as it is where colours are off. */
export type Paint = (style: Style, text: string) => string;

/**
 * Colours only on a terminal, never with NO_COLOR set to anything (https://no-color.org), on a dumb
 * terminal or with `--no-color`.
 */
export function paintFor(stream: { readonly isTTY?: boolean }, noColor: boolean): Paint {
  const { NO_COLOR, TERM } = process.env;
  const colours = stream.isTTY === true && !noColor && (NO_COLOR ?? '') === '' && TERM !== 'dumb';
  return colours ? (style, text) => `\x1b[${CODES[style]}m${text}\x1b[0m` : (_style, text) => text;
}

/** How many columns a text takes, as far as it has no wide characters. */
export function visibleLength(text: string): number {
  return [...text].length;
}

/**
 * Cyan, yellow and bold red also differ for people who cannot tell red from green; the word beside
 * the colour says the same.
 */
const CODES: Readonly<Record<Style, string>> = {
  good: '36',
  changing: '33',
  bad: '1;31',
  faint: '2',
  heading: '1',
  stderr: '31',
  cyan: '36',
  magenta: '35',
  blue: '34',
  green: '32',
  yellow: '33',
};
