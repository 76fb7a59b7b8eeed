/**
 * Random definitions × random failures × killed controllers: the policy and the events always
 * agree.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { afterAll, beforeEach, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { monotonicMs } from '../../../src/process/clock.js';
import { defaultDefinition } from '../../../src/supervisor/definition/default-definition.js';
import type { Definition, ExitRule } from '../../../src/supervisor/definition/definition.js';
import type { MachineEvent } from '../../../src/supervisor/machine.js';
import type { Cause, ExitStatus, ServiceName, ServiceStatus } from '../../../src/types/service.js';
import { STOP_MS, World } from '../../helpers/service-world.js';

const API: Cause = { kind: 'api' };
const root = mkdtempSync('/tmp/my_init-policies-');
afterAll(() => rmSync(root, { recursive: true }));
beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
  jest.spyOn(Math, 'random').mockReturnValue(0.5);
});

type Rules = Pick<
  Definition['policy'],
  'restart' | 'exitRules' | 'startLimit' | 'essential' | 'successExitCodes' | 'restartDelay'
>;

const CODES = [0, 1, 2, 3] as const;
const SIGNALS = { SIGKILL: 9, SIGTERM: 15 } as const;
const match = fc.oneof(
  fc.constantFrom(...CODES).map((code) => ({ kind: 'code', code }) as const),
  fc.constantFrom('SIGKILL', 'SIGTERM').map((signal) => ({ kind: 'signal', signal }) as const),
);
/** A rule may be for kills by the kernel alone. */
const exitRule: fc.Arbitrary<ExitRule> = fc.boolean().chain((oom) =>
  fc.record({
    match: fc.array(match, { minLength: oom ? 0 : 1, maxLength: 3 }),
    oom: fc.constant(oom),
    action: fc.constantFrom('restart', 'fail', 'complete', 'shutdown'),
    code: fc.constantFrom(undefined, 42),
  }),
);
const rules: fc.Arbitrary<Rules> = fc.record({
  restart: fc.constantFrom('always', 'on-failure', 'no'),
  exitRules: fc.array(exitRule, { maxLength: 2 }),
  startLimit: fc.option(
    fc.record({
      attempts: fc.integer({ min: 1, max: 5 }),
      withinMs: fc.constantFrom(5_000, 60_000, 600_000),
      // biome-ignore lint/suspicious/noThenProperty: the key of the definition
      then: fc.constantFrom('fail', 'shutdown'),
    }),
    { nil: undefined },
  ),
  essential: fc.boolean(),
  successExitCodes: fc.array(match, { minLength: 1, maxLength: 2 }),
  restartDelay: fc.record({
    initialMs: fc.constantFrom(10, 500, 2_000),
    factor: fc.constantFrom(1, 2),
    maxMs: fc.constantFrom(2_000, 30_000),
    jitter: fc.constantFrom(0, 0.2),
    resetAfterMs: fc.constantFrom(1_000, 10_000),
  }),
});

type Following = 'again' | 'completed' | 'failed' | 'shutdown';

/** The policy in the words of docs/policies.md, independent of the program. */
function ruleFor(
  { restart, exitRules, successExitCodes }: Rules,
  type: Definition['type'],
  end: ExitStatus,
): Following {
  const is = (rule: ExitRule['match'][number]): boolean =>
    end.kind === 'exited'
      ? rule.kind === 'code' && rule.code === end.code
      : end.kind === 'signaled' &&
        rule.kind === 'signal' &&
        SIGNALS[rule.signal as keyof typeof SIGNALS] === end.signal;
  const isOom = end.kind === 'signaled' && end.oom !== undefined;
  const action = exitRules.find((rule) => rule.match.some(is) || (rule.oom && isOom))?.action;
  if (action !== undefined)
    return ({ restart: 'again', fail: 'failed', complete: 'completed', shutdown: 'shutdown' } as const)[action];
  const success = successExitCodes.some(is);
  if (success) return type === 'longrun' && restart === 'always' ? 'again' : 'completed';
  return restart === 'no' ? 'failed' : 'again';
}

const { policy: DEFAULTS } = defaultDefinition('web' as ServiceName, '/', {
  stopMs: STOP_MS,
  finishMs: 1,
  scriptMs: 1,
});
/** Orders of people: after an order, the policy's decision on the run before no longer counts. */
const ORDERS = ['start', 'stop', 'restart', 'reset', 'hold', 'release'];

/** The demands of the policy, checked from outside by the published changes. */
class Judge {
  readonly #rules: Rules;
  readonly #type: Definition['type'];
  /** The step that has to follow the last run; undefined: people decide. */
  due: Following | undefined;
  lastEnd: ExitStatus | undefined;
  /** Failed starts since the last order. */
  #failuresAtMs: readonly number[] = [];

  readonly #lastedMs: (pid: number) => number | undefined;

  /** `lastedMs`: how long a process has lasted, by the kernel. */
  constructor(rules: Rules, type: Definition['type'], lastedMs: (pid: number) => number | undefined) {
    this.#rules = rules;
    this.#type = type;
    this.#lastedMs = lastedMs;
  }

  /** Called for each step. */
  broken(before: ServiceStatus, after: ServiceStatus, event: MachineEvent): readonly string[] {
    const violations: string[] = [];
    const { state, desired } = after;
    if (ORDERS.includes(event.type)) {
      this.due = undefined;
      this.#failuresAtMs = [];
    }
    if (event.type === 'exited' && !after.lastExit?.expected && desired === 'up')
      this.#noteEnd(before, after, violations);
    if (
      before.state === 'finishing' &&
      state !== 'finishing' &&
      this.due !== undefined &&
      !ORDERS.includes(event.type)
    ) {
      const allowed = {
        again: ['starting', 'backoff', 'waiting', ...(after.trouble.startsWith('gave up after') ? ['failed'] : [])],
        completed: ['completed'],
        failed: ['failed'],
        shutdown: ['failed'],
      }[this.due];
      if (!allowed.includes(state)) violations.push(`${this.due} was due, and the service is ${state}`);
      if (state === 'failed' && this.due === 'again') this.due = 'failed';
    }
    const isOwnStart = state === 'starting' && before.state !== 'starting' && !ORDERS.includes(event.type);
    if (isOwnStart && (before.state === 'completed' || before.state === 'failed'))
      violations.push(`${event.type} started a service that has ${before.state} for good`);
    if (isOwnStart && before.state === 'backoff' && event.type !== 'timer')
      violations.push(`${event.type} started a service before its delay was over`);
    return violations;
  }

  #noteEnd({ pid }: ServiceStatus, { lastExit }: ServiceStatus, violations: string[]): void {
    if (lastExit === undefined) return;
    const lastedMs = this.#lastedMs(pid) ?? 0;
    if (Math.abs(lastExit.durationMs - lastedMs) > 1)
      violations.push(`a run of ${lastedMs} ms is said to have lasted ${lastExit.durationMs} ms`);
    this.lastEnd = lastExit.status;
    this.due = ruleFor(this.#rules, this.#type, lastExit.status);
    const { startLimit, restartDelay } = this.#rules;
    if (lastedMs >= restartDelay.resetAfterMs) this.#failuresAtMs = [];
    else if (this.due === 'again' && startLimit !== undefined) {
      const nowMs = monotonicMs();
      this.#failuresAtMs = [...this.#failuresAtMs, nowMs].filter((atMs) => atMs > nowMs - startLimit.withinMs);
      if (this.#failuresAtMs.length > startLimit.attempts)
        violations.push(`${this.#failuresAtMs.length} failed starts, and the limit is ${startLimit.attempts}`);
    }
  }
}

type Act = (world: World) => void | Promise<void>;

const ends =
  (status: ExitStatus): Act =>
  (world) =>
    world.host.end(world.status.pid, status);
const killed = (signal: number): ExitStatus => ({ kind: 'signaled', signal, coreDumped: false });
const killedByKernel: ExitStatus = {
  kind: 'signaled',
  signal: 9,
  coreDumped: false,
  oom: { limitBytes: 512 * 2 ** 20 },
};
const endsUnseen =
  (status: ExitStatus, gapMs = 0): Act =>
  async (world) => {
    const { pid } = world.status;
    await world.replaceController(gapMs, () => world.host.end(pid, status));
  };
const order =
  (type: 'start' | 'restart' | 'reset'): Act =>
  (world) =>
    world.dispatch({ type, cause: API });

const acts: Readonly<Record<string, Act>> = {
  ...Object.fromEntries(CODES.map((code) => [`ends with ${code}`, ends({ kind: 'exited', code })])),
  'ends by KILL': ends(killed(9)),
  'ends by TERM': ends(killed(15)),
  'ends by KILL of the kernel, for lack of memory': ends(killedByKernel),
  'ends while the controller is dead': endsUnseen({ kind: 'exited', code: 3 }),
  'ends by KILL of the kernel while the controller is dead': endsUnseen(killedByKernel),
  'ends, and the controller is away for long': endsUnseen({ kind: 'exited', code: 3 }, 15_000),
  'fails again and again': async (world) => {
    for (let times = 0; times < 6; times++) {
      world.host.end(world.status.pid, { kind: 'exited', code: 3 });
      await world.pass(3_000);
    }
  },
  'the controller is killed': (world) => world.replaceController(0),
  'the controller is away for a while': (world) => world.replaceController(700),
  'a moment': (world) => world.pass(3),
  'two seconds': (world) => world.pass(2_000),
  'a long time': (world) => world.pass(40_000),
  start: order('start'),
  restart: order('restart'),
  reset: order('reset'),
  stop: (world) => world.dispatch({ type: 'stop', why: 'asked', cause: API, timeoutMs: STOP_MS }),
  hold: (world) => {
    const nowMs = monotonicMs();
    const hold = { sinceMs: nowMs, untilMs: nowMs + 3_000, reason: '', actor: '', throughShutdown: false };
    world.dispatch({ type: 'hold', hold });
  },
  release: (world) => world.dispatch({ type: 'release', cause: API }),
};

/** Mostly a run ends, and there is time for the next one. */
const history = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...Object.keys(acts).filter((name) => /^ends|^fails/.test(name))) },
    { weight: 3, arbitrary: fc.constantFrom('a moment', 'two seconds', 'a long time') },
    { weight: 2, arbitrary: fc.constantFrom(...Object.keys(acts)) },
  ),
  { maxLength: 30 },
);

test('no service is started against its policy, none is forgotten, no limit is exceeded', async () => {
  await fc.assert(
    fc.asyncProperty(
      rules,
      fc.constantFrom('longrun', 'oneshot'),
      fc.boolean(),
      history,
      async (rules, type, finish, names) => {
        jest.clearAllTimers();
        const judge = new Judge(rules, type, (pid) => world.host.lastedMs(pid));
        const world: World = new World(root, {
          finish,
          definition: { type, policy: { ...DEFAULTS, ...rules } },
          broken: (before, after, event) => judge.broken(before, after, event),
        });
        world.service.record();
        world.dispatch({ type: 'start', cause: { kind: 'boot' } });
        for (const name of names) {
          world.shutdownCode =
            world.status.state === 'failed' || world.status.state === 'completed' ? world.shutdownCode : undefined;
          await acts[name]?.(world);
          expect(world.host.violations).toEqual([]);
        }
        world.dispatch({ type: 'release', cause: API });
        await world.pass(20_000);
        await world.pass(60_000);
        expect(world.host.violations).toEqual([]);
        const { state, desired, pid } = world.status;
        const runs = state === 'up' || state === 'starting';
        const isOver = state === 'completed' || state === 'failed' || state === 'down';
        expect({ state, isSteady: runs || isOver, living: world.host.living.map((each) => each.pid) }).toEqual({
          state,
          isSteady: true,
          living: runs ? [pid] : [],
        });
        if (state === 'down') expect(desired).toBe('down');
        if ((state === 'completed' || state === 'failed') && rules.essential) expect(world.shutdownCode).toBeDefined();
      },
    ),
    { numRuns: 300 },
  );
});
