import { matchesGlob } from '../text/glob.js';
import type { Selector, ServiceControl } from '../types/operations.js';

/** Whether a selector selects a name; an empty one selects all, as it does for reading. */
export function matcherOf(selector: Selector): (name: string) => boolean {
  const { names, globs, all } = selector;
  if (all || (names.length === 0 && globs.length === 0)) return () => true;
  const exact = new Set(names);
  return (name) => exact.has(name) || globs.some((glob) => matchesGlob(glob, name));
}

/**
 * A selector with a pattern in place of each name that replicas share, so that those that come
 * later are meant too. Throws an OperationFailure for what is no service.
 */
export function withReplicas(selector: Selector, control: Pick<ServiceControl, 'select'>): Selector {
  const shared = control
    .select(selector)
    .flatMap(({ replicaOf }) => (replicaOf !== '' && selector.names.includes(replicaOf) ? [replicaOf] : []));
  if (shared.length === 0) return selector;
  const names = selector.names.filter((name) => !shared.some((each) => each === name));
  return { ...selector, names, globs: [...selector.globs, ...new Set(shared.map((name) => `${name}@*`))] };
}
