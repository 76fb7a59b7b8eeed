import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { MemoryGroups } from '../../../src/resources/memory-groups.js';
import type { DefinitionRead, Dependency } from '../../../src/supervisor/definition/definition.js';
import { readDirectory } from '../../../src/supervisor/definition/read-directory.js';
import { Operations } from '../../../src/supervisor/operations.js';
import { type RecordedService, readRecord } from '../../../src/supervisor/service-record.js';
import { ServiceSet, type SetContext } from '../../../src/supervisor/service-set.js';
import type { Cause, Change, ServiceName } from '../../../src/types/service.js';
import { FakeHost } from '../../helpers/fake-host.js';
import { NO_CHECKS } from '../../helpers/no-checks.js';

const BOOT: Cause = { kind: 'boot' };
const API: Cause = { kind: 'api' };
const TIMES = { stopMs: 30_000, finishMs: 5_000, scriptMs: 2_000 };
const CONDITIONS = ['started', 'ready', 'completed'] as const;

const root = mkdtempSync('/tmp/my_init-dependencies-');
afterAll(() => rmSync(root, { recursive: true }));
beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
  jest.spyOn(Math, 'random').mockReturnValue(0.5);
});

interface Planned {
  readonly oneshot: boolean;
  readonly dependsOn: readonly Dependency[];
}

/** An acyclic graph: each service depends on some of those before it. */
const plans = (services: number): fc.Arbitrary<readonly Planned[]> =>
  fc
    .array(
      fc.tuple(fc.boolean(), fc.array(fc.tuple(fc.nat(), fc.nat(2), fc.boolean(), fc.boolean()), { maxLength: 3 })),
      {
        minLength: 2,
        maxLength: services,
      },
    )
    .map((all) =>
      all.map(([oneshot, edges], index) => ({
        oneshot,
        dependsOn: [...(index === 0 ? [] : edges)].map(([to, condition, required, restart]): Dependency => {
          const on = to % index;
          // A service that never ends by itself never completes.
          const kind = CONDITIONS[condition] ?? 'ready';
          return {
            on: nameOf(on),
            condition: kind === 'completed' && !all[on]?.[0] ? 'ready' : kind,
            required,
            restart,
          };
        }),
      })),
    );

const nameOf = (index: number): ServiceName => `s${String(index).padStart(3, '0')}` as ServiceName;

/** Services with dependencies, the controller that has them, and their world. */
class World {
  readonly host = new FakeHost();
  set: ServiceSet;
  readonly #plans: ReadonlyMap<string, Planned>;
  readonly #records = new Map<string, RecordedService>();
  /** Each record that was ever put. */
  readonly history: RecordedService[] = [];
  /**
   * The controller dies right after this many records: no effect that they announce is carried out.
   */
  recordsLeft = Number.POSITIVE_INFINITY;
  #published = 0;
  #generation = 0;

  constructor(planned: readonly Planned[]) {
    this.#plans = new Map(planned.map((plan, index) => [nameOf(index), plan]));
    this.set = this.#controller();
    for (const name of this.names) this.set.add(name, this.#directory(name), BOOT);
  }

  get names(): readonly ServiceName[] {
    return [...this.#plans.keys()] as ServiceName[];
  }

  /** The controller is killed, and the next one takes over. */
  replaceController(): void {
    this.host.orphan();
    this.#generation += 1;
    this.set = this.#controller();
    for (const record of this.#records.values()) {
      const read = readRecord(JSON.parse(JSON.stringify(record)));
      if (read) this.set.restore(read);
    }
    const unfollowed = [...this.#records.values()].filter(({ revision }) => revision > this.#published);
    for (const service of this.set.services()) service.resume();
    this.set.conditions.resume(unfollowed.map(({ name }) => name));
  }

  async pass(ms: number): Promise<void> {
    const slices = Math.min(10, Math.max(1, ms));
    for (let slice = 0; slice < slices; slice++) {
      jest.advanceTimersByTime(ms / slices);
      for (let turn = 0; turn < 6; turn++) await Promise.resolve();
    }
  }

  pidOf(name: ServiceName): number {
    return this.set.get(name)?.pid ?? 0;
  }

  #directory(name: string): string {
    const directory = join(root, name);
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'run'), '#!/bin/sh\n', { mode: 0o755 });
    return directory;
  }

  #read(name: ServiceName, directory: string): DefinitionRead {
    const { definition } = readDirectory(name, directory, TIMES);
    const plan = this.#plans.get(name);
    return {
      definition: {
        ...definition,
        type: plan?.oneshot ? 'oneshot' : 'longrun',
        dependsOn: plan?.dependsOn ?? [],
        policy: { ...definition.policy, restart: plan?.oneshot ? 'on-failure' : 'always' },
      },
      problem: undefined,
    };
  }

  #controller(): ServiceSet {
    const generation = this.#generation;
    const alive = (): boolean => generation === this.#generation;
    const definitions = new Map<string, DefinitionRead>();
    const context: SetContext = {
      keep: () => {},
      read: (name, directory) => {
        const read = definitions.get(name) ?? this.#read(name, directory);
        definitions.set(name, read);
        return read;
      },
      host: this.host.seenBy(alive),
      bootId: 'boot',
      environment: () => new Map(),
      output: () => undefined,
      input: () => undefined,
      drain: (_name, done) => done(),
      checks: NO_CHECKS,
      groups: new MemoryGroups('none', '/nowhere'),
      sweep: (session) => (alive() ? this.host.sweep(session, alive) : new Promise(() => {})),
      claim: () => undefined,
      terminateSession: () => Promise.resolve(false),
      shutdown: () => {},
      open: () => {},
      record: (record) => {
        if (!alive()) return;
        this.#records.set(record.name, record);
        this.history.push(record);
        this.recordsLeft -= 1;
        if (this.recordsLeft === 0) this.#generation += 1;
      },
      erase: (name) => this.#records.delete(name),
      endInput: () => {},
      warn: (text) => {
        if (alive() && text.includes('internal error')) this.host.violations.push(text);
      },
    };
    const set = new ServiceSet(context, Math.max(0, ...[...this.#records.values()].map(({ revision }) => revision)));
    set.subscribe((change) => {
      if (!alive()) return;
      if (!set.conditions.busy) this.#published = set.revision;
      this.#judge(change);
    });
    return set;
  }

  /** Checks that no service starts before its conditions. */
  #judge({ status, previousState }: Change): void {
    const { name, state } = status;
    if (state !== 'starting' || previousState === 'starting') return;
    for (const { on, condition, required } of this.#plans.get(name)?.dependsOn ?? []) {
      const fact = this.set.get(on);
      const met = {
        started: fact?.state === 'completed' || (fact?.pid !== 0 && fact?.state !== 'stopping'),
        ready: fact?.ready === true,
        completed: fact?.state === 'completed' || (fact?.state === 'down' && fact.lastExit?.run === fact.run),
      }[condition];
      if (!met && (required || fact?.desired !== 'down'))
        this.host.violations.push(`${name} was started although ${on} is not ${condition} (it is ${fact?.state})`);
    }
  }
}

type Act = (world: World, name: ServiceName) => void | Promise<void>;

const acts: Readonly<Record<string, Act>> = {
  start: ({ set }, name) => void (set.service(name) && set.start(set.service(name) as never, { cause: API })),
  stop: ({ set }, name) => set.service(name)?.dispatch({ type: 'stop', why: 'asked', cause: API }),
  restart: ({ set }, name) => set.service(name)?.dispatch({ type: 'restart', cause: API }),
  'ends well': (world, name) => world.host.end(world.pidOf(name), { kind: 'exited', code: 0 }),
  fails: (world, name) => world.host.end(world.pidOf(name), { kind: 'exited', code: 3 }),
  'a moment': (world) => world.pass(3),
  'a while': (world) => world.pass(300),
  'a long time': (world) => world.pass(40_000),
  'TERM is ignored': ({ host }) => {
    host.behaviour.stubborn = true;
  },
  'TERM is obeyed': ({ host }) => {
    host.behaviour.stubborn = false;
  },
  'the controller is killed': (world) => world.replaceController(),
};

const histories = fc.array(fc.tuple(fc.constantFrom(...Object.keys(acts)), fc.nat()), { maxLength: 40 });

async function live(planned: readonly Planned[], history: readonly (readonly [string, number])[]): Promise<World> {
  jest.clearAllTimers();
  const world = new World(planned);
  await world.pass(0);
  for (const [act, index] of history) {
    await acts[act]?.(world, nameOf(index % planned.length));
    if (world.host.violations.length > 0) throw new Error(world.host.violations.join('\n'));
  }
  return world;
}

test('no service starts before its conditions, and none stops before its dependents', async () => {
  await fc.assert(
    fc.asyncProperty(plans(12), histories, async (planned, history) => {
      const world = await live(planned, history);
      const { set, host } = world;
      const up = new Set(world.names.filter((name) => set.get(name)?.state !== 'down'));
      host.behaviour.stubborn = false;
      set.forbidStarts();
      host.forbidStarts();
      const stops: string[] = [];
      set.subscribe(({ status, previousState }) => {
        if (status.state !== 'stopping' || previousState === 'stopping') return;
        for (const name of world.names) {
          const dependsOnIt = planned[world.names.indexOf(name)]?.dependsOn.some(({ on }) => on === status.name);
          if (dependsOnIt && up.has(name) && set.get(name)?.state !== 'down')
            stops.push(`${status.name} before ${name}`);
        }
      });
      // A service that was stopping already is not held.
      const held = world.names.every((name) => set.get(name)?.state !== 'stopping');
      let over = false;
      void set.stopAll({ cause: { kind: 'shutdown' }, limitMs: 20_000, early: [], killed: () => {} }).then(() => {
        over = true;
      });
      // As many levels as there are services, each with a little time.
      for (let round = 0; round <= planned.length; round++) await world.pass(10);
      await world.pass(60_000);
      expect({ over, living: host.living }).toEqual({ over: true, living: [] });
      if (held) expect(stops).toEqual([]);
      expect(host.violations).toEqual([]);
    }),
    { numRuns: 150 },
  );
});

test('every wanted service comes up in the end, in whatever order services are added', async () => {
  await fc.assert(
    fc.asyncProperty(plans(12), async (planned) => {
      const world = await live(planned, []);
      for (let round = 0; round <= planned.length; round++) {
        await world.pass(300);
        for (const [index, { oneshot }] of planned.entries())
          if (oneshot && world.pidOf(nameOf(index)) !== 0)
            world.host.end(world.pidOf(nameOf(index)), { kind: 'exited', code: 0 });
        await world.pass(10);
      }
      const states = world.names.map((name) => world.set.get(name)?.state);
      expect(states).toEqual(planned.map(({ oneshot }) => (oneshot ? 'completed' : 'up')));
    }),
    { numRuns: 150 },
  );
});

const edge = (on: number, over: Partial<Dependency> = {}): Dependency => ({
  on: nameOf(on),
  condition: 'ready',
  required: true,
  restart: false,
  ...over,
});

test('a start pulls in dependencies, and a service that waits for a stopped one says what to do', async () => {
  const world = await live(
    [
      { oneshot: false, dependsOn: [] },
      { oneshot: false, dependsOn: [edge(0)] },
    ],
    [],
  );
  const { set } = world;
  await world.pass(600);
  for (const name of world.names.toReversed()) set.service(name)?.dispatch({ type: 'stop', why: 'asked', cause: API });
  await world.pass(10);
  set.service(nameOf(1))?.dispatch({ type: 'start', cause: API });
  expect(set.get(nameOf(1))).toMatchObject({
    state: 'waiting',
    trouble: 'needs s000, which is down (svctl start s000)',
  });
  const web = set.service(nameOf(1));
  if (web) set.start(web, { cause: API });
  expect(set.get(nameOf(0))).toMatchObject({
    state: 'starting',
    cause: { kind: 'dependency', message: 'needed by s001' },
  });
  await world.pass(600);
  expect(set.get(nameOf(1))).toMatchObject({ state: 'up', trouble: '' });
});

test('an order is not on record before the step that carries it out: a controller that dies in between would lose it', async () => {
  const world = await live(
    [
      { oneshot: false, dependsOn: [] },
      { oneshot: false, dependsOn: [edge(0)] },
    ],
    [],
  );
  await world.pass(600);
  const operations = new Operations(world.set, { replicas: undefined as never, transient: undefined as never });
  const options = { cause: API, wait: 'none' } as const;
  const selector = { names: [nameOf(1)], globs: [], all: false } as const;
  const stopped = { names: [], globs: [], all: true } as const;
  for (const operation of ['start', 'restart'] as const) {
    void operations.stop(stopped, options);
    await world.pass(10);
    world.history.length = 0;
    void operations[operation](selector, { ...options, atOnce: true, requestId: operation });
    await world.pass(10);
    const wishes = world.history.filter(({ order }) => order?.id === operation).map(({ machine }) => machine.desired);
    expect(new Set(wishes)).toEqual(new Set(['up']));
  }
});

test('a dependent with restart follows a restart once the dependency is ready again, but not a start before its own', async () => {
  const world = await live(
    [
      { oneshot: false, dependsOn: [] },
      { oneshot: false, dependsOn: [edge(0, { restart: true })] },
      { oneshot: false, dependsOn: [edge(0)] },
    ],
    [],
  );
  await world.pass(1000);
  const runs = (): readonly unknown[] => world.names.map((name) => world.set.get(name)?.run);
  expect(runs()).toEqual([1, 1, 1]);
  world.set.service(nameOf(0))?.dispatch({ type: 'restart', cause: API });
  await world.pass(200);
  expect(runs()).toEqual([2, 1, 1]);
  await world.pass(200);
  expect(runs()).toEqual([2, 2, 1]);
  expect(world.set.get(nameOf(1))?.counters.restarts.dependency).toBe(1);
});

test('services that wait for each other say so, and hold up no shutdown', async () => {
  const world = await live(
    [
      { oneshot: false, dependsOn: [edge(1)] },
      { oneshot: false, dependsOn: [edge(0)] },
    ],
    [],
  );
  expect(world.set.get(nameOf(0))).toMatchObject({
    state: 'waiting',
    waitsFor: [{ on: 's001', reason: 'cycle' }],
    trouble: 'needs s001, which needs it in turn',
  });
});

test('a oneshot that has completed is not run again by the next controller, and its dependents go on', async () => {
  const world = await live(
    [
      { oneshot: true, dependsOn: [] },
      { oneshot: false, dependsOn: [edge(0)] },
    ],
    [],
  );
  world.host.end(world.pidOf(nameOf(0)), { kind: 'exited', code: 0 });
  world.replaceController();
  await world.pass(600);
  expect(world.set.get(nameOf(0))).toMatchObject({ state: 'completed', ready: true, run: 1 });
  expect(world.set.get(nameOf(1))).toMatchObject({ state: 'up', run: 1 });
  world.replaceController();
  await world.pass(600);
  expect(world.set.get(nameOf(0))).toMatchObject({ state: 'completed', run: 1 });
  expect(world.set.get(nameOf(1))).toMatchObject({ state: 'up', run: 1 });
});

test('a hanging service is killed while there is time for its dependencies, which are asked to end', async () => {
  const world = await live(
    [
      { oneshot: false, dependsOn: [] },
      { oneshot: false, dependsOn: [edge(0)] },
    ],
    [],
  );
  await world.pass(600);
  const [db, stuck] = world.names.map((name) => world.pidOf(name));
  world.host.stubborn.add(stuck ?? 0);
  world.set.forbidStarts();
  const killed: unknown[] = [];
  const stopped = world.set.stopAll({
    cause: { kind: 'shutdown' },
    limitMs: 6_000,
    early: [],
    killed: (names, afterMs) => killed.push([names, afterMs]),
  });
  await world.pass(3_999);
  expect(world.host.living.map(({ pid }) => pid)).toEqual([db, stuck]);
  await world.pass(20);
  await stopped;
  expect(killed).toEqual([[['s001'], 4000]]);
  expect(world.set.get(nameOf(0))?.lastExit?.status).toMatchObject({ kind: 'signaled', signal: 15 });
});

test('a service that is stopping and wanted up again is waited for, even if it is not required', async () => {
  const world = await live(
    [
      { oneshot: false, dependsOn: [] },
      { oneshot: false, dependsOn: [edge(0, { condition: 'started', required: false })] },
    ],
    [
      ['stop', 0],
      ['start', 0],
      ['ends well', 1],
      ['start', 1],
    ],
  );
  expect(world.set.get(nameOf(1))?.state).not.toBe('starting');
});

test('a dependent follows a restart although the controller dies after any record in between', async () => {
  const planned = [
    { oneshot: false, dependsOn: [] },
    { oneshot: false, dependsOn: [edge(0, { restart: true })] },
    { oneshot: false, dependsOn: [edge(1, { restart: true })] },
    { oneshot: false, dependsOn: [edge(0, { restart: true })] },
  ];
  const startOf = (world: World, index: number): number => world.set.get(nameOf(index))?.startedAtMs ?? 0;
  for (let records = 1, died = true; died; records++) {
    const world = await live(planned, []);
    for (const _ of planned) await world.pass(1_000);
    const before = Math.max(...planned.map((_, index) => startOf(world, index)));
    world.recordsLeft = records;
    world.set.service(nameOf(0))?.dispatch({ type: 'restart', cause: API });
    for (const _ of planned) await world.pass(1_000);
    died = world.recordsLeft <= 0;
    if (died) world.replaceController();
    for (const _ of planned) await world.pass(1_000);
    const [s0, s1, s2, s3] = planned.map((_, index) => startOf(world, index));
    const inOrder =
      before < Number(s0) && Number(s0) < Number(s1) && Number(s1) < Number(s2) && Number(s0) < Number(s3);
    const starts = world.names.map((name) => world.set.get(name)?.counters.starts);
    expect({ records, inOrder, starts }).toEqual({ records, inOrder: true, starts: [2, 2, 2, 2] });
    expect(world.host.violations).toEqual([]);
  }
});

test('a dependent that somebody stopped stays down when the dependency is restarted meanwhile', async () => {
  const world = await live(
    [
      { oneshot: false, dependsOn: [] },
      { oneshot: false, dependsOn: [edge(0, { restart: true })] },
    ],
    [],
  );
  await world.pass(1_000);
  await world.pass(1_000);
  world.host.stubborn.add(world.pidOf(nameOf(1)));
  world.set.service(nameOf(1))?.dispatch({ type: 'stop', why: 'asked', cause: API });
  world.set.service(nameOf(0))?.dispatch({ type: 'restart', cause: API });
  await world.pass(1_000);
  expect(world.set.get(nameOf(0))).toMatchObject({ state: 'up', ready: true });
  expect(world.set.get(nameOf(1))).toMatchObject({ state: 'stopping', desired: 'down' });
  await world.pass(40_000);
  expect(world.set.get(nameOf(1))).toMatchObject({ state: 'down', desired: 'down' });
});
