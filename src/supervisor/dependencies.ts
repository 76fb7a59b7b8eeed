/**
 * The graph of the dependencies of all services. Pure: made of definitions; each question brings
 * the states of the services along.
 *
 * A change propagates in two phases, as in dinit. First the wish: a start reaches everything that
 * is needed ({@link Graph.needed}), a stop with dependents everything that needs it
 * ({@link Graph.withDependents}). Then each service moves by itself, as soon as nothing holds it:
 * {@link Graph.unmet} for a start, {@link Graph.holding} for a stop. After each change of a
 * service, its dependents are asked the first, its dependencies the second; nobody else can be
 * affected.
 */

import type { ServiceName } from '../types/service.js';
import type { Condition, Definition, Dependency } from './definition/definition.js';
import { replicasByName } from './definition/replicas.js';

/** The facts that decide whether the conditions on a service are met. */
export interface Fact {
  /** Started by itself, or wanted up by a person. */
  readonly wanted: boolean;
  /** A run has begun: its process exists, or it has completed. */
  readonly started: boolean;
  /** Ready; for a oneshot: its last run ended successfully. */
  readonly ready: boolean;
  /** The last run has ended, whatever the code, and no other is to follow. */
  readonly completed: boolean;
}

/** The facts of a service; undefined where there is no service of this name. */
export type Facts = (name: ServiceName) => Fact | undefined;

/** A condition that keeps a service waiting. */
export interface Unmet {
  readonly on: ServiceName;
  readonly condition: Condition;
  readonly reason: 'unknown' | 'not-wanted' | 'not-yet';
}

/** The other end of a {@link Dependency}. */
export interface Dependent {
  readonly name: ServiceName;
  readonly condition: Condition;
  readonly required: boolean;
  readonly restart: boolean;
}

/** The part of a definition that a graph is made of. */
export type GraphService = Pick<Definition, 'name' | 'dependsOn'> & Partial<Pick<Definition, 'replicas'>>;

export class Graph {
  readonly #dependencies = new Map<ServiceName, readonly Dependency[]>();
  readonly #dependents = new Map<ServiceName, Dependent[]>();
  /**
   * The cycle that a service is part of: all its services, in an order in which each depends on the
   * next.
   */
  readonly #cycles = new Map<ServiceName, readonly ServiceName[]>();
  /** Each cycle once. */
  readonly cycles: readonly (readonly ServiceName[])[];

  constructor(services: Iterable<GraphService>) {
    for (const { name, dependsOn } of withReplicas([...services])) {
      this.#dependencies.set(name, dependsOn);
      for (const { on, ...rest } of dependsOn) {
        const dependents = this.#dependents.get(on);
        if (dependents) dependents.push({ name, ...rest });
        else this.#dependents.set(on, [{ name, ...rest }]);
      }
    }
    this.cycles = components(this.#dependencies.keys(), (name) => this.#known(name)).flatMap((component) => {
      const cycle = cycleIn(component, (name) => this.#known(name));
      if (cycle === undefined) return [];
      for (const name of component) this.#cycles.set(name, cycle);
      return [cycle];
    });
  }

  dependenciesOf(name: ServiceName): readonly Dependency[] {
    return this.#dependencies.get(name) ?? [];
  }

  dependentsOf(name: ServiceName): readonly Dependent[] {
    return this.#dependents.get(name) ?? [];
  }

  /**
   * The cycle that a service takes part in, or undefined. None of its services can start; its first
   * word is not repeated at the end.
   */
  cycleOf(name: ServiceName): readonly ServiceName[] | undefined {
    return this.#cycles.get(name);
  }

  /** Names that a service must have and that no service has. */
  unknownOf(name: ServiceName): readonly ServiceName[] {
    return this.dependenciesOf(name).flatMap(({ on, required }) =>
      required && !this.#dependencies.has(on) ? [on] : [],
    );
  }

  /**
   * The conditions that keep a service from being started now, in the order of its definition.
   * Empty: none does.
   */
  unmet(name: ServiceName, facts: Facts): readonly Unmet[] {
    return this.dependenciesOf(name).flatMap(({ on, condition, required }): Unmet[] => {
      const fact = facts(on);
      if (fact?.[condition]) return [];
      const reason = fact === undefined ? 'unknown' : fact.wanted ? 'not-yet' : 'not-wanted';
      // A service that is neither there nor wanted is waited for only where it is required.
      return required || reason === 'not-yet' ? [{ on, condition, reason }] : [];
    });
  }

  /**
   * The services that hold back the stop of this one in a shutdown: those that depend on it and are
   * not down.
   */
  holding(name: ServiceName, isDown: (name: ServiceName) => boolean): readonly ServiceName[] {
    const cycle = this.#cycles.get(name);
    // The services of a cycle would hold each other for ever.
    return unique(this.dependentsOf(name).map((dependent) => dependent.name)).filter(
      (dependent) => !isDown(dependent) && (cycle === undefined || this.#cycles.get(dependent) !== cycle),
    );
  }

  /**
   * The named services and all that they need, dependencies first: a start must reach all of them.
   */
  needed(names: Iterable<ServiceName>): readonly ServiceName[] {
    return closure(names, (name) =>
      this.dependenciesOf(name).flatMap(({ on, required }) => (required ? [on] : [])),
    ).filter((name) => this.#dependencies.has(name));
  }

  /** The services of the names and all that they wait for, required or not, dependencies first. */
  waitedFor(names: Iterable<ServiceName>): readonly ServiceName[] {
    return closure(names, (name) => this.#known(name));
  }

  /**
   * The named services and all that need them, dependents first: a stop with dependents must reach
   * all of them.
   */
  withDependents(names: Iterable<ServiceName>): readonly ServiceName[] {
    return closure(names, (name) =>
      this.dependentsOf(name).flatMap((dependent) => (dependent.required ? [dependent.name] : [])),
    );
  }

  /** All services, dependencies first; services without an order between them by name. */
  startOrder(): readonly ServiceName[] {
    return closure([...this.#dependencies.keys()].sort(), (name) => this.#known(name).toSorted());
  }

  #known(name: ServiceName): readonly ServiceName[] {
    return this.dependenciesOf(name).flatMap(({ on }) => (this.#dependencies.has(on) ? [on] : []));
  }
}

/** A dependent of a name that several replicas share depends on each of them. */
function withReplicas(services: readonly GraphService[]): readonly GraphService[] {
  const replicas = replicasByName(services.map(({ name, replicas: count }) => ({ name, replicas: count })));
  if (replicas.size === 0) return services;
  const names = new Set(services.map(({ name }) => name));
  const each = (dependency: Dependency): readonly Dependency[] => {
    const meant = names.has(dependency.on) ? undefined : replicas.get(dependency.on);
    return meant?.map((on) => ({ ...dependency, on })) ?? [dependency];
  };
  return services.map((service) => ({ ...service, dependsOn: service.dependsOn.flatMap(each) }));
}

const unique = <T>(items: readonly T[]): readonly T[] => [...new Set(items)];

/** Everything that can be reached, each name after all that it leads to. */
function closure(
  names: Iterable<ServiceName>,
  next: (name: ServiceName) => readonly ServiceName[],
): readonly ServiceName[] {
  const reached = new Set<ServiceName>();
  const order: ServiceName[] = [];
  // Not recursive: a chain may be longer than the stack is deep.
  const path: { readonly name: ServiceName; readonly rest: Iterator<ServiceName> }[] = [];
  const enter = (name: ServiceName): void => {
    if (reached.has(name)) return;
    reached.add(name);
    path.push({ name, rest: next(name).values() });
  };
  for (const first of names) {
    enter(first);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const step = top.rest.next();
      if (!step.done) enter(step.value);
      else {
        order.push(top.name);
        path.pop();
      }
    }
  }
  return order;
}

/** The strongly connected components, by Tarjan's algorithm. */
function components(
  names: Iterable<ServiceName>,
  next: (name: ServiceName) => readonly ServiceName[],
): readonly (readonly ServiceName[])[] {
  interface Visit {
    readonly name: ServiceName;
    readonly index: number;
    low: number;
    open: boolean;
    readonly rest: Iterator<ServiceName>;
  }
  const visits = new Map<ServiceName, Visit>();
  const open: Visit[] = [];
  const found: ServiceName[][] = [];
  const path: Visit[] = [];
  const enter = (name: ServiceName): void => {
    const visit = { name, index: visits.size, low: visits.size, open: true, rest: next(name).values() };
    visits.set(name, visit);
    open.push(visit);
    path.push(visit);
  };
  for (const first of names) {
    if (visits.has(first)) continue;
    enter(first);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const step = top.rest.next();
      if (!step.done) {
        const known = visits.get(step.value);
        if (known === undefined) enter(step.value);
        else if (known.open) top.low = Math.min(top.low, known.index);
        continue;
      }
      path.pop();
      const above = path.at(-1);
      if (above) above.low = Math.min(above.low, top.low);
      if (top.low !== top.index) continue;
      const members = open.splice(open.indexOf(top));
      for (const member of members) member.open = false;
      found.push(members.map((member) => member.name));
    }
  }
  return found;
}

/** A shortest cycle through the first name of a component; undefined where it has none. */
function cycleIn(
  component: readonly ServiceName[],
  next: (name: ServiceName) => readonly ServiceName[],
): readonly ServiceName[] | undefined {
  const [only] = component;
  // Most are a service by itself.
  if (only === undefined || (component.length === 1 && !next(only).includes(only))) return undefined;
  const first = component.toSorted()[0] ?? only;
  const inside = new Set(component);
  const before = new Map<ServiceName, ServiceName>();
  const queue = [first];
  for (const name of queue) {
    for (const on of next(name)) {
      if (on === first) return trace(name, first, before);
      if (!inside.has(on) || before.has(on)) continue;
      before.set(on, name);
      queue.push(on);
    }
  }
  return undefined;
}

function trace(
  last: ServiceName,
  first: ServiceName,
  before: ReadonlyMap<ServiceName, ServiceName>,
): readonly ServiceName[] {
  const cycle = [last];
  for (let at = last; at !== first; ) {
    at = before.get(at) ?? first;
    cycle.unshift(at);
  }
  return cycle;
}
