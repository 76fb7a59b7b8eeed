import { closeSync } from 'node:fs';
import type { InitLink } from './init-link.js';
import { native } from './native.js';

/** The name under which init holds what a controller says at its end. */
export const LAST_WORDS = 'last-words';

let standardErrorFd: number = 2;

/** The container's standard error. Descriptor 2 is another one: see {@link keepLastWords}. */
export const standardError = (): number => standardErrorFd;

/**
 * From now on what V8, Node and the C library write to descriptor 2 when everything is lost goes
 * into a memfd that init holds: the next controller brings it into the log, and where there is
 * none, init to the container's standard error.
 */
export function keepLastWords(link: InitLink): void {
  const words = native().memfd(LAST_WORDS);
  standardErrorFd = native().replaceDescriptor(2, words);
  link.hold(LAST_WORDS, words);
  closeSync(words);
}
