import { closeSync } from 'node:fs';
import type { InitLink } from './init-link.js';
import { native } from './native.js';

/** The name under which init holds the last words of a controller. */
export const LAST_WORDS = 'last-words';

let standardErrorFd: number = 2;

/** The container's standard error. Descriptor 2 is another one: see {@link keepLastWords}. */
export const standardError = (): number => standardErrorFd;

/**
 * From now on descriptor 2 is a memfd that init holds. It gets the last words of V8, Node and the C
 * library when the controller fails. The next controller puts them into the log; without a next
 * controller, init writes them to the container's standard error.
 */
export function keepLastWords(link: InitLink): void {
  const words = native().memfd(LAST_WORDS);
  standardErrorFd = native().replaceDescriptor(2, words);
  link.hold(LAST_WORDS, words);
  closeSync(words);
}
