import type { Selector } from '../../gen/my_init/v1/services.js';
import { usage } from './options.js';

/** The services that the words name; a word with `*` or `?` is a pattern. None is all, for reading. */
export function selectorOf(words: readonly string[], all = false): Selector {
  const isGlob = (word: string): boolean => /[*?]/.test(word);
  return { names: words.filter((word) => !isGlob(word)), globs: words.filter(isGlob), all };
}

/** The services that a command is to change: named, or all by `--all`. Throws Problem when it is neither or both. */
export function changeSelector(words: readonly string[], all: boolean, command: string): Selector {
  if (words.length === 0 && !all) {
    throw usage(`${command}: which services?`, `svctl ${command} NAME…, or svctl ${command} --all for every one.`);
  }
  if (words.length > 0 && all) throw usage(`${command}: names or --all, not both`);
  return selectorOf(words, all);
}
