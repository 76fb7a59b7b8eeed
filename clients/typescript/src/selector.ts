import type { Selector } from './gen/my_init/v1/services.js';

/** Names of services; a name with `*` or `?` is a pattern. */
export type Names = string | readonly string[];

/** The services that the names stand for. None selects all, for reading. */
export function selectorOf(names: Names = [], all = false): Selector {
  const words = typeof names === 'string' ? [names] : names;
  const isGlob = (word: string): boolean => /[*?]/.test(word);
  return { names: words.filter((word) => !isGlob(word)), globs: words.filter(isGlob), all };
}
