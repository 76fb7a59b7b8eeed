import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Condition, Dependency } from '../../../src/supervisor/definition/definition.js';
import { type Fact, Graph } from '../../../src/supervisor/dependencies.js';
import type { ServiceName } from '../../../src/types/service.js';

const name = (text: string): ServiceName => text as ServiceName;
const on = (text: string, rest: Partial<Dependency> = {}): Dependency => ({
  on: name(text),
  condition: 'ready',
  required: true,
  restart: false,
  ...rest,
});
const graph = (services: Record<string, readonly Dependency[]>): Graph =>
  new Graph(Object.entries(services).map(([key, dependsOn]) => ({ name: name(key), dependsOn })));
const fact = (rest: Partial<Fact> = {}): Fact => ({
  wanted: true,
  started: false,
  ready: false,
  completed: false,
  ...rest,
});

describe('the graph of dependencies', () => {
  const web = graph({
    web: [on('db'), on('cache', { required: false })],
    worker: [on('db')],
    db: [on('disk')],
    disk: [],
  });

  test('says what keeps a service from starting, and why', () => {
    const facts = new Map([
      [name('db'), fact({ started: true })],
      [name('cache'), fact()],
    ]);
    const get = (key: ServiceName): Fact | undefined => facts.get(key);
    expect(web.unmet(name('web'), get)).toEqual([
      { on: 'db', condition: 'ready', reason: 'not-yet' },
      { on: 'cache', condition: 'ready', reason: 'not-yet' },
    ]);
    expect(web.unmet(name('db'), get)).toEqual([{ on: 'disk', condition: 'ready', reason: 'unknown' }]);
    facts.set(name('db'), fact({ started: true, ready: true }));
    facts.set(name('cache'), fact({ wanted: false }));
    expect(web.unmet(name('web'), get)).toEqual([]);
    facts.set(name('db'), fact({ wanted: false }));
    expect(web.unmet(name('web'), get)).toEqual([{ on: 'db', condition: 'ready', reason: 'not-wanted' }]);
  });

  test('a start includes the dependencies, which come first', () => {
    expect(web.needed([name('web')])).toEqual(['disk', 'db', 'web']);
    expect(web.startOrder()).toEqual(['disk', 'db', 'web', 'worker']);
  });

  test('a stop with dependents includes the dependents, which come first', () => {
    expect(web.withDependents([name('disk')])).toEqual(['web', 'worker', 'db', 'disk']);
    expect(web.holding(name('db'), (other) => other === 'worker')).toEqual(['web']);
  });

  test('names a cycle in the order of its dependencies; services beside it have none', () => {
    const cyclic = graph({ a: [on('b')], b: [on('c')], c: [on('a')], d: [on('a')], e: [on('e')] });
    expect(cyclic.cycles).toHaveLength(2);
    expect(cyclic.cycleOf(name('b'))).toEqual(['a', 'b', 'c']);
    expect(cyclic.cycleOf(name('d'))).toBeUndefined();
    expect(cyclic.cycleOf(name('e'))).toEqual(['e']);
    // Services of a cycle never hold each other up in a shutdown.
    expect(cyclic.holding(name('a'), () => false)).toEqual(['d']);
  });

  test('names the dependencies that do not exist', () => {
    const unknown = graph({ a: [on('b'), on('c', { required: false })] });
    expect(unknown.unknownOf(name('a'))).toEqual(['b']);
  });

  test('a chain of 20,000 services does not exhaust the stack', () => {
    const chain = graph(Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`s${at}`, [on(`s${at + 1}`)]])));
    expect(chain.needed([name('s0')])).toHaveLength(20_000);
    expect(chain.cycles).toEqual([]);
  });
});

const CONDITIONS: readonly Condition[] = ['started', 'ready', 'completed'];
const SERVICES = 500;

/** Services that depend on earlier ones only. */
const acyclic = fc
  .array(fc.array(fc.tuple(fc.nat(), fc.constantFrom(...CONDITIONS), fc.boolean()), { maxLength: 4 }), {
    minLength: SERVICES,
    maxLength: SERVICES,
  })
  .map((all) =>
    all.map((dependencies, at) => ({
      name: name(`s${at}`),
      dependsOn:
        at === 0
          ? []
          : dependencies.map(([other, condition, required]) => on(`s${other % at}`, { condition, required })),
    })),
  );

describe('whole histories of 500 services in a random acyclic graph', () => {
  test('nothing starts before its conditions or stops before its dependents, whatever fails', () => {
    fc.assert(
      fc.property(acyclic, fc.infiniteStream(fc.nat({ max: 9 })), (services, chance) => {
        const dependencies = new Graph(services);
        const facts = new Map(services.map((service) => [service.name, fact()]));
        const isMet = ({ on: other, condition, required }: Dependency): boolean => {
          const state = facts.get(other);
          return state?.[condition] === true || (!required && state?.wanted === false);
        };
        const isReadyToStart = (service: ServiceName): boolean => dependencies.dependenciesOf(service).every(isMet);
        const faults: string[] = dependencies.cycles.map((cycle) => `a cycle: ${cycle.join()}`);

        // Only the dependents of a service learn of its change, as in the supervisor.
        const asked = services.map((service) => service.name);
        for (const next of asked) {
          if (facts.get(next)?.started || dependencies.unmet(next, (other) => facts.get(other)).length > 0) continue;
          if (!isReadyToStart(next)) faults.push(`${next} started too early`);
          facts.set(next, fact({ started: true, ...outcome(chance.next().value ?? 0) }));
          asked.push(...dependencies.dependentsOf(next).map((dependent) => dependent.name));
        }
        for (const { name: service } of services)
          if (!facts.get(service)?.started && isReadyToStart(service)) faults.push(`${service} is forgotten`);

        const up = new Set([...facts].flatMap(([key, state]) => (state.started && !state.completed ? [key] : [])));
        const stopping = [...up];
        for (const next of stopping) {
          if (!up.has(next) || dependencies.holding(next, (other) => !up.has(other)).length > 0) continue;
          for (const other of up)
            if (dependencies.dependenciesOf(other).some((dependency) => dependency.on === next))
              faults.push(`${next} stopped before ${other}`);
          up.delete(next);
          stopping.push(...dependencies.dependenciesOf(next).map((dependency) => dependency.on));
        }
        for (const service of up) faults.push(`${service} never stopped`);
        expect(faults).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });
});

/** Most services become ready; some end well or badly, some only start. */
function outcome(chance: number): Partial<Fact> {
  if (chance === 0) return {};
  if (chance === 1) return { completed: true };
  return chance === 2 ? { completed: true, ready: true } : { ready: true };
}

describe('a dependency on replicas', () => {
  const on = (other: string, condition: 'ready' | 'started' = 'ready') => ({
    on: name(other),
    condition,
    required: true,
    restart: false,
  });
  const services = [
    { name: name('app'), dependsOn: [on('web')] },
    { name: name('web@1'), dependsOn: [on('db')], replicas: 2 },
    { name: name('web@2'), dependsOn: [on('db')], replicas: 2 },
    { name: name('db'), dependsOn: [] },
  ];

  test('by the name that they share is one on each of them', () => {
    const dependencies = new Graph(services);
    expect(dependencies.dependenciesOf(name('app'))).toEqual([on('web@1'), on('web@2')]);
    expect(dependencies.needed([name('app')])).toEqual(['db', 'web@1', 'web@2', 'app']);
    expect(dependencies.dependentsOf(name('web@2')).map((each) => each.name)).toEqual(['app']);
    expect(dependencies.unknownOf(name('app'))).toEqual([]);
  });

  test('is on the service itself if one has that name', () => {
    const dependencies = new Graph([...services, { name: name('web'), dependsOn: [] }]);
    expect(dependencies.dependenciesOf(name('app'))).toEqual([on('web')]);
  });
});
