import { type Selector, selectorOf } from '../typescript/src/index.js';
import { usage } from './options.js';

/**
 * The services that a command is to change: named, or all by `--all`. Throws Problem when it is
 * neither or both.
 */
export function changeSelector(words: readonly string[], all: boolean, command: string): Selector {
  if (words.length === 0 && !all) {
    throw usage(`${command}: which services?`, `svctl ${command} NAME…, or svctl ${command} --all for every one.`);
  }
  if (words.length > 0 && all) throw usage(`${command}: names or --all, not both`);
  return selectorOf(words, all);
}
