import type { Cause, Change, ServiceName, ServiceStatus, Unmet } from '../types/service.js';
import type { Dependency } from './definition/definition.js';
import { type Fact, Graph } from './dependencies.js';
import type { ServiceSet } from './service-set.js';

/**
 * Tells each service which of its conditions are not met: at each change of a service, to those
 * that depend on it. Has dependents with `restart` follow a restart. Containers without
 * dependencies pay for a look at a flag.
 */
export class Conditions {
  readonly #set: ServiceSet;
  /** The dependencies that the graph was made of. */
  readonly #known = new Map<ServiceName, readonly Dependency[]>();
  #graph = new Graph([]);
  #isStale = false;
  #edges = 0;
  #depth = 0;
  /** Held services: a restart that they were to follow comes when the hold ends. */
  readonly #held = new Set<ServiceName>();

  constructor(set: ServiceSet) {
    this.#set = set;
    set.subscribe((change) => this.#follow(change));
  }

  /** Everything that a start of these services must reach, dependencies first. */
  needed(names: Iterable<ServiceName>): readonly ServiceName[] {
    return this.#edges === 0 ? [...names] : this.#current().needed(names);
  }

  /** The services and all that need them and have not ended, dependents first. */
  withDependents(names: readonly ServiceName[]): readonly ServiceName[] {
    if (this.#edges === 0) return names;
    return this.#current()
      .withDependents(names)
      .filter((name) => names.includes(name) || this.#goesOn(name));
  }

  /** The services that depend on a service directly, and have not ended. */
  dependentsOf(name: ServiceName): readonly ServiceName[] {
    if (this.#edges === 0) return [];
    const dependents = this.#current().dependentsOf(name);
    return [...new Set(dependents.map((dependent) => dependent.name))].filter((each) => this.#goesOn(each)).sort();
  }

  #goesOn(name: ServiceName): boolean {
    const state = this.#set.get(name)?.state;
    return state !== undefined && state !== 'down' && state !== 'completed';
  }

  /** Looks at all services: some were added, or a controller takes over. */
  update(): void {
    for (const { name, status } of this.#set.services()) {
      this.#learn(name, false);
      if (status.hold !== undefined) this.#held.add(name);
    }
    if (this.#edges === 0) return;
    for (const [name, { length }] of this.#known) if (length > 0) this.#tell(name);
  }

  /** A change is being followed: its effects on other services are not all on record. */
  get busy(): boolean {
    return this.#depth > 0;
  }

  /**
   * A controller takes over. `unfollowed`: services whose last change is on record, and perhaps not
   * its effects on other services.
   */
  resume(unfollowed: readonly ServiceName[]): void {
    this.update();
    for (const name of unfollowed) {
      const status = this.#set.get(name);
      if (status === undefined || this.#edges === 0) continue;
      if (status.ready) this.#restartDependents(status);
      if (status.hold === undefined) this.#makeUp(name);
    }
  }

  #follow(change: Change): void {
    this.#depth += 1;
    try {
      this.#tellOthers(change);
    } finally {
      this.#depth -= 1;
    }
  }

  #tellOthers({ status, wasReady, removed }: Change): void {
    const { name, ready } = status;
    const isNew = !this.#known.has(name);
    const hasChanged = this.#learn(name, removed);
    // While services are being added each would need a new graph: the set says when they are
    // complete.
    if (this.#edges === 0 || isNew) return;
    if (hasChanged) this.update();
    else for (const { name: dependent } of this.#current().dependentsOf(name)) this.#tell(dependent);
    if (ready && !wasReady) this.#restartDependents(status);
    if (status.hold !== undefined && !removed) this.#held.add(name);
    else if (this.#held.delete(name) && !removed) this.#makeUp(name);
  }

  /** A hold has ended: the service follows restarts that came meanwhile. */
  #makeUp(name: ServiceName): void {
    const follows = ({ name: dependent, restart }: { readonly name: ServiceName; readonly restart: boolean }) =>
      dependent === name && restart;
    for (const { status } of this.#set.services())
      if (status.ready && this.#current().dependentsOf(status.name).some(follows)) this.#restart(name, status);
  }

  /** Whether the definition says something else than before about dependencies. */
  #learn(name: ServiceName, removed: boolean): boolean {
    const before = this.#known.get(name);
    const now = removed ? undefined : this.#set.service(name)?.definition.dependsOn;
    if (now === before) return false;
    if (now === undefined) this.#known.delete(name);
    else this.#known.set(name, now);
    this.#edges += (now?.length ?? 0) - (before?.length ?? 0);
    this.#isStale = true;
    return before !== undefined;
  }

  #current(): Graph {
    const replicas = (name: ServiceName) => this.#set.service(name)?.definition.replicas;
    if (this.#isStale)
      this.#graph = new Graph(
        [...this.#known].map(([name, dependsOn]) => ({ name, dependsOn, replicas: replicas(name) })),
      );
    this.#isStale = false;
    return this.#graph;
  }

  #tell(name: ServiceName): void {
    const service = this.#set.service(name);
    if (service === undefined) return;
    const graph = this.#current();
    const cycle = graph.cycleOf(name);
    const unmet = graph
      .unmet(name, (on) => factOf(this.#set.get(on)))
      .map((each): Unmet => (cycle?.includes(each.on) ? { ...each, reason: 'cycle' } : each));
    if (!isSame(unmet, service.machine.unmet)) service.dispatch({ type: 'conditions', unmet });
  }

  #restartDependents(status: ServiceStatus): void {
    for (const { name, restart } of this.#current().dependentsOf(status.name)) if (restart) this.#restart(name, status);
  }

  #restart(name: ServiceName, { name: on, startedAtMs, lastExit }: ServiceStatus): void {
    const begunMs = startedAtMs ?? lastExit?.atMs ?? 0;
    const dependent = this.#set.get(name);
    // A dependent that started later has not seen the earlier run; a dependent that is wanted down
    // stays down.
    if (dependent?.startedAtMs === undefined || dependent.startedAtMs > begunMs || dependent.desired === 'down') return;
    const cause: Cause = { kind: 'dependency', message: `${on} was restarted` };
    this.#set.service(name)?.dispatch({ type: 'restart', cause });
  }
}

function factOf(status: ServiceStatus | undefined): Fact | undefined {
  if (status === undefined) return undefined;
  const { state, desired, pid, ready, nextStartAtMs, lastExit, run } = status;
  const isOver = state === 'down' || (state === 'failed' && nextStartAtMs === undefined);
  return {
    wanted: desired !== 'down',
    started: state === 'completed' || (pid !== 0 && state !== 'stopping'),
    ready,
    completed: state === 'completed' || (isOver && run > 0 && lastExit?.run === run),
  };
}

const isSame = (some: readonly Unmet[], others: readonly Unmet[]): boolean =>
  some.length === others.length &&
  some.every(({ on, condition, reason }, index) => {
    const other = others[index];
    return on === other?.on && condition === other.condition && reason === other.reason;
  });
