import { matchesGlob } from '../text/glob.js';
import type { Selector } from '../types/service.js';

/** Whether a selector selects a name; an empty one selects all, as it does for reading. */
export function matcherOf(selector: Selector): (name: string) => boolean {
  const { names, globs, all } = selector;
  if (all || (names.length === 0 && globs.length === 0)) return () => true;
  const exact = new Set(names);
  return (name) => exact.has(name) || globs.some((glob) => matchesGlob(glob, name));
}
