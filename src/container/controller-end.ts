import { fstatSync, readSync } from 'node:fs';
import { monotonicMs } from '../process/clock.js';
import type { Handover, PreviousEnd } from '../process/init-link.js';
import { LAST_WORDS } from '../process/last-words.js';
import { signalName } from '../process/signals.js';
import { EXIT } from '../settings/exit-codes.js';
import type { ControllerEnd, ControllerEndCause } from '../types/system.js';

/** V8's own report of an exhausted heap has about 40 lines. */
const MAX_WORDS_BYTES = 16 * 1024;
/** The gist is one line of `svctl info`, and part of a slot. */
const MAX_GIST_LENGTH = 300;

/** How the controller before this one ended, as far as it is known; undefined for the first. */
export interface EndOfPrevious {
  readonly end: ControllerEnd;
  /** All that it said at its end, by lines. */
  readonly words: readonly string[];
}

/**
 * Combines the exit status that init saw with the text that the controller wrote to its standard
 * error.
 */
export function endOfPrevious({ previousEnd, held }: Handover): EndOfPrevious | undefined {
  if (previousEnd === undefined) return undefined;
  const words = readWords(held.get(LAST_WORDS));
  const cause = causeOf(previousEnd, words);
  const gist = previousEnd.how === 'reexec' ? '' : gistOf(words);
  return { end: { cause, text: textOf(previousEnd, cause), atMs: monotonicMs(), words: gist }, words };
}

function causeOf({ how, number }: PreviousEnd, words: readonly string[]): ControllerEndCause {
  if (how === 'reexec') return 'reexec';
  if (how === 'hung') return 'hang';
  if (words.some((line) => line.includes('JavaScript heap out of memory'))) return 'heap';
  if (words.some((line) => line.includes(BLOCKED))) return 'hang';
  if (how === 'exit') return number === EXIT.internal && words.length > 0 ? 'exception' : 'exit';
  return 'signal';
}

/** The last words of the watchdog in src/process/addon.c. */
const BLOCKED = 'the event loop is blocked';

function textOf({ how, number }: PreviousEnd, cause: ControllerEndCause): string {
  switch (cause) {
    case 'reexec':
      return 'was replaced, as asked';
    case 'exception':
      return 'failed: nobody caught an exception';
    case 'heap':
      return 'ran out of memory (its heap is limited)';
    case 'hang':
      return 'hung and was killed';
    case 'signal':
    case 'exit':
      return how === 'exit' ? `exited with code ${number}` : `was killed by ${signalName(number)}`;
    default:
      return cause satisfies never;
  }
}

function readWords(fd: number | undefined): readonly string[] {
  if (fd === undefined) return [];
  const content = Buffer.alloc(Math.min(fstatSync(fd).size, MAX_WORDS_BYTES));
  const length = readSync(fd, content, 0, content.length, 0);
  return content
    .toString('utf8', 0, length)
    .split('\n')
    .filter((line) => line.trim() !== '');
}

/** The line that says it: V8's after its report on the heap, else the first. */
function gistOf(words: readonly string[]): string {
  const line = words.find((candidate) => /^(FATAL|#\s*Fatal)/.test(candidate)) ?? words[0] ?? '';
  return line.trim().slice(0, MAX_GIST_LENGTH);
}
