import { monotonicMs } from '../process/clock.js';
import { RESTART_KEYS } from '../supervisor/definition/apply-keys.js';
import type { DefinitionRead } from '../supervisor/definition/definition.js';
import type { DefinitionFiles } from '../supervisor/definition/definition-files.js';
import { describeProblem } from '../supervisor/definition/problems.js';
import { changedKeys, showDefinition } from '../supervisor/definition/show-definition.js';
import type { DirectoryWatch } from '../supervisor/directory-watch.js';
import { explain } from '../supervisor/explain.js';
import type { Operations } from '../supervisor/operations.js';
import { isRepeated, orderOf } from '../supervisor/orders.js';
import type { Service } from '../supervisor/service.js';
import type { ServiceSet } from '../supervisor/service-set.js';
import type { DefinitionControl, Explanation, PlannedChange, ShownDefinition } from '../types/definitions.js';
import type { Cause, ServiceName } from '../types/service.js';
import type { Orders } from './open-orders.js';

export interface DefinitionParts {
  readonly set: ServiceSet;
  readonly definitions: DefinitionFiles;
  readonly watch: DirectoryWatch;
  readonly control: Operations;
  readonly applying: Orders['apply'];
}

/** Shows the definitions in force, and takes over changed ones. */
export class ContainerDefinitions implements DefinitionControl {
  readonly #parts: DefinitionParts;

  constructor(parts: DefinitionParts) {
    this.#parts = parts;
  }

  show(names: readonly string[]): readonly ShownDefinition[] {
    return this.#select(names).map(({ name, definition, status, problem }) => ({
      name,
      values: [...showDefinition(definition)].map(([key, value]) => ({
        key,
        value: JSON.stringify(value),
        origin: definition.origins.get(key),
      })),
      problem: problem ? describeProblem(problem) : '',
      changed: status.definitionChanged,
    }));
  }

  async plan(names: readonly string[]): Promise<readonly PlannedChange[]> {
    const { set, definitions } = this.#parts;
    await definitions.prepare();
    const known = this.#select(names).map((service) => this.#planFor(service));
    const others = [...definitions.list().found.keys()].filter((name) => set.get(name) === undefined);
    const added =
      names.length > 0 ? [] : others.map((name): PlannedChange => ({ name, action: 'start', keys: [], problem: '' }));
    return [...known, ...added].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  apply(
    names: readonly string[],
    { actor, requestId }: { readonly actor: string; readonly requestId: string },
  ): Promise<readonly PlannedChange[]> {
    const { definitions, watch, applying } = this.#parts;
    return applying.carryOut(requestId, async ({ begun, begin }) => {
      if (begun !== undefined) await definitions.prepare();
      const changes = begun ?? (await this.plan(names));
      begin(changes.filter(differs));
      for (const change of changes.filter(differs)) this.#carryOut(change, { actor, requestId });
      watch.scan();
      return changes;
    });
  }

  #carryOut(
    { name, action, problem }: PlannedChange,
    { actor, requestId }: { readonly actor: string; readonly requestId: string },
  ): void {
    const { set, definitions } = this.#parts;
    const service = set.service(name);
    if (service === undefined || problem !== '') return;
    definitions.accept(service.name);
    if (action === 'stop') return;
    service.refresh();
    // An earlier controller accepted the order, and died then.
    if (action !== 'restart' || isRepeated(service.order, 'restart', requestId)) return;
    const cause: Cause = { kind: 'api', actor, message: 'definition applied' };
    set.startNeeded(service, cause);
    const order = orderOf('restart', requestId, service.status, service.status.run + 1);
    service.accept(order, () => {
      service.dispatch({ type: 'restart', cause });
      return true;
    });
  }

  explain(name: string): readonly Explanation[] {
    const { set } = this.#parts;
    const found = this.#select([name]);
    // Of replicas, the first with something to explain.
    const service = found.find(({ status }) => status.desired !== 'down' && !status.ready) ?? found[0];
    if (service === undefined) return [];
    return explain(
      service.name,
      (each) => set.service(each),
      set.list().map((each) => each.name),
      monotonicMs(),
    );
  }

  #select(names: readonly string[]): readonly Service[] {
    const { set, control } = this.#parts;
    const selected = control.select({ names, globs: [], all: names.length === 0 });
    return selected.flatMap(({ name }) => set.service(name) ?? []);
  }

  #planFor({ name, directory, definition, status }: Service): PlannedChange {
    const latest: DefinitionRead | undefined = this.#parts.definitions.latest(name as ServiceName, directory);
    if (latest === undefined) return { name, action: 'stop', keys: [], problem: '' };
    const isRunning = status.pid !== 0;
    const keys = isRunning
      ? this.#parts.definitions.changedKeys(definition, latest.definition)
      : changedKeys(definition, latest.definition);
    if (latest.problem) return { name, action: 'nothing', keys, problem: describeProblem(latest.problem) };
    if (keys.length === 0) return { name, action: 'nothing', keys, problem: '' };
    const restarts = isRunning && keys.some((key) => RESTART_KEYS.has(key));
    return { name, action: restarts ? 'restart' : 'take', keys, problem: '' };
  }
}

const differs = ({ action, problem }: PlannedChange): boolean => action !== 'nothing' || problem !== '';
