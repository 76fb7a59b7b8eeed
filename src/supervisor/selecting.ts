import { matchesGlob } from '../text/glob.js';
import { nearest } from '../text/nearest-name.js';
import { printable } from '../text/printable.js';
import type { Selector } from '../types/operations.js';
import type { ServiceName } from '../types/service.js';
import type { Definition } from './definition/definition.js';
import { replicaNumber, replicaOf } from './definition/replicas.js';
import { OperationError } from './operation-error.js';
import { explainBadName, isKnownName } from './service-directory.js';

/** A service, as far as a selector looks at it. */
interface Selectable {
  readonly name: ServiceName;
  readonly definition: Pick<Definition, 'name' | 'tags' | 'replicas'>;
}

/** The services that a selector chooses from. */
export interface Choice<S extends Selectable> {
  /** Sorted by name. */
  services(): readonly S[];
  service(name: string): S | undefined;
}

/** The services that a selector names. */
export interface Selected<S extends Selectable> {
  readonly found: readonly S[];
  readonly missing: readonly { readonly name: string; readonly error: OperationError }[];
}

export const isEmpty = (selector: Selector): boolean =>
  !selector.all && selector.names.length === 0 && selector.globs.length === 0;

export function select<S extends Selectable>(set: Choice<S>, selector: Selector): Selected<S> {
  if (selector.all) return { found: set.services(), missing: [] };
  const found = new Set<S>();
  const missing: { name: string; error: OperationError }[] = [];
  for (const name of new Set(selector.names)) {
    const service = set.service(name);
    const replicas = service ? [] : replicasOf(set, name);
    if (service) found.add(service);
    else if (replicas.length > 0) for (const replica of replicas) found.add(replica);
    else if (name.startsWith('@')) {
      const tagged = set.services().filter(({ definition }) => definition.tags.includes(name.slice(1)));
      for (const each of tagged) found.add(each);
      if (tagged.length === 0) missing.push({ name: excerpt(name), error: unknownTag(set, name) });
    } else missing.push({ name: excerpt(name), error: unknown(set, name) });
  }
  for (const glob of selector.globs) {
    const matching = set.services().filter((service) => matchesGlob(glob, service.name));
    for (const service of matching) found.add(service);
    if (matching.length === 0) {
      const text = excerpt(glob);
      missing.push({
        name: text,
        error: new OperationError('NO_MATCH', `no service matches "${text}"`, { pattern: text }),
      });
    }
  }
  return { found: [...found].sort((a, b) => (a.name < b.name ? -1 : 1)), missing };
}

/** @throws OperationError: the selector is empty, or there is no service that it names */
export function selectSome<S extends Selectable>(set: Choice<S>, selector: Selector): Selected<S> {
  if (isEmpty(selector))
    throw new OperationError('EMPTY_SELECTOR', 'no service is named; say which, or all', { field: 'selector' });
  const selected = select(set, selector);
  if (selected.found.length === 0 && selected.missing[0]) throw selected.missing[0].error;
  return selected;
}

/** All services that share a name, in the order of their numbers. */
export const replicasOf = <S extends Selectable>(set: Choice<S>, name: string): readonly S[] =>
  set
    .services()
    .filter(({ definition }) => replicaOf(definition) === name)
    .sort((a, b) => replicaNumber(a.name) - replicaNumber(b.name));

function unknownTag(set: Choice<Selectable>, name: string): OperationError {
  const known = new Set(set.services().flatMap(({ definition }) => definition.tags.map((tag) => `@${tag}`)));
  const suggestion = nearest(name, [...known]);
  return new OperationError('NO_MATCH', `no service has the tag "${excerpt(name.slice(1))}"`, {
    pattern: excerpt(name),
    ...(suggestion !== undefined && { suggestion }),
  });
}

function unknown(set: Choice<Selectable>, name: string): OperationError {
  const text = excerpt(name);
  if (!isKnownName(name))
    return new OperationError('INVALID_ARGUMENT', `"${text}" cannot be a service: ${explainBadName(name)}`, {
      field: 'selector.names',
      service: text,
    });
  const suggestion = nearest(
    name,
    set
      .services()
      .flatMap((service) => [
        service.name,
        ...(replicaOf(service.definition) ? [String(replicaOf(service.definition))] : []),
      ]),
  );
  return new OperationError('SERVICE_NOT_FOUND', `there is no service "${text}"`, {
    service: text,
    ...(suggestion !== undefined && { suggestion }),
  });
}

/** For error messages: a client may have sent text of any length. */
export const excerpt = (text: string): string => printable(text.slice(0, 200));
