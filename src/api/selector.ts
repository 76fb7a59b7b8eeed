import { matchesGlob } from '../text/glob.js';
import type { Selector, ServiceControl } from '../types/operations.js';
import type { ServiceStatus } from '../types/service.js';

/** Whether a selector selects a name; an empty one selects all, as it does for reading. */
export function matcherOf(selector: Selector): (name: string) => boolean {
  const { names, globs, all } = selector;
  if (all || (names.length === 0 && globs.length === 0)) return () => true;
  const exact = new Set(names);
  return (name) => exact.has(name) || globs.some((glob) => matchesGlob(glob, name));
}

/**
 * A selector for {@link matcherOf}: a pattern stands for each name that replicas share, so that
 * later ones are meant too; a tag stands for the services that have it now.
 *
 * @throws OperationFailure SERVICE_NOT_FOUND, NO_MATCH
 */
export function expanded(selector: Selector, control: Pick<ServiceControl, 'select'>): Selector {
  const [names, globs] = [new Set<string>(), new Set(selector.globs)];
  const selected = control.select(selector);
  for (const name of selector.names) {
    const tag = tagOf(name);
    const tagged = tag === undefined ? [] : selected.filter(({ tags }) => tags.includes(tag));
    for (const service of tagged) names.add(service.name);
    if (selected.some(({ replicaOf }) => replicaOf === name)) globs.add(`${name}@*`);
    else if (tagged.length === 0) names.add(name);
  }
  return { ...selector, names: [...names], globs: [...globs] };
}

/**
 * Whether a selector selects a service, for watchers: one that gets a tag of the selector later is
 * meant, too.
 *
 * @throws OperationFailure SERVICE_NOT_FOUND, NO_MATCH
 */
export function statusMatcherOf(
  selector: Selector,
  control: Pick<ServiceControl, 'select'>,
): (status: Pick<ServiceStatus, 'name' | 'tags'>) => boolean {
  const isNamed = matcherOf(expanded(selector, control));
  const wanted = selector.names.flatMap((name) => tagOf(name) ?? []);
  // A service that loses the tag stays selected: the watcher has to learn of that.
  const tagged = new Set<string>();
  return ({ name, tags }) => {
    if (wanted.some((tag) => tags.includes(tag))) tagged.add(name);
    return tagged.has(name) || isNamed(name);
  };
}

const tagOf = (name: string): string | undefined => (name.startsWith('@') ? name.slice(1) : undefined);
