import { mkdtempSync, rmSync } from 'node:fs';
import { afterAll, beforeEach, expect, jest, test } from '@jest/globals';
import { monotonicMs } from '../../../src/process/clock.js';
import type { MachineEvent } from '../../../src/supervisor/machine.js';
import type { Cause } from '../../../src/types/service.js';
import { World } from '../../helpers/service-world.js';

const API: Cause = { kind: 'api' };
const SV: Cause = { kind: 'sv' };

const root = mkdtempSync('/tmp/my_init-death-');
afterAll(() => rmSync(root, { recursive: true }));
beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
  jest.spyOn(Math, 'random').mockReturnValue(0.5);
});

type Act = (world: World) => void | Promise<void>;

const event =
  (make: () => MachineEvent): Act =>
  (world) =>
    world.dispatch(make());

const START = event(() => ({ type: 'start', cause: API }));
const STOP = event(() => ({ type: 'stop', why: 'asked', cause: API }));

/** How a service gets into its state: each act follows when the one before has had its effects. */
const BEFORE: Readonly<Record<string, readonly Act[]>> = {
  down: [START, STOP],
  up: [START],
  'up once': [event(() => ({ type: 'start', cause: API, once: true }))],
  held: [START, event(() => ({ type: 'hold', hold: holdOf(3_600_000) }))],
  'held and ended': [START, event(() => ({ type: 'hold', hold: holdOf(3_600_000) })), (world) => end(world, 3)],
  failed: [(world) => world.break(), START],
  stubborn: [
    START,
    ({ host }) => {
      host.behaviour.stubborn = true;
    },
  ],
};

const ACTS: Readonly<Record<string, Act>> = {
  start: START,
  once: event(() => ({ type: 'start', cause: API, once: true })),
  stop: STOP,
  restart: event(() => ({ type: 'restart', cause: API })),
  'sv exit': event(() => ({ type: 'stop', why: 'released', cause: SV, timeoutMs: Number.POSITIVE_INFINITY })),
  'sv term': event(() => ({ type: 'end_run', signal: 'TERM', cause: SV })),
  'sv kill': event(() => ({ type: 'end_run', signal: 'KILL', cause: SV })),
  hold: event(() => ({ type: 'hold', hold: holdOf(3_600_000) })),
  'a short hold': event(() => ({ type: 'hold', hold: holdOf(500) })),
  release: event(() => ({ type: 'release', cause: API })),
  reset: event(() => ({ type: 'reset', cause: API })),
  changed: (world) => {
    world.mend();
    world.dispatch({ type: 'changed' });
  },
  'it fails': (world) => end(world, 3),
  'it ends well': (world) => end(world, 0),
};

const holdOf = (ms: number) => {
  const sinceMs = monotonicMs();
  return { sinceMs, untilMs: sinceMs + ms, reason: '', actor: '', throughShutdown: false };
};

function end({ host, status }: World, code: number): void {
  host.end(status.pid, { kind: 'exited', code });
}

/**
 * The final service. `recordsLeft`: how many records the controller writes from the act on before
 * it dies.
 */
async function endOf(before: readonly Act[], act: Act, finish: boolean, recordsLeft: number) {
  jest.clearAllTimers();
  const world = new World(root, { finish, broken: () => [] });
  for (const each of before) {
    await each(world);
    await world.pass(20_000);
  }
  world.recordsLeft = recordsLeft;
  await act(world);
  for (let ms = 1; ms < 20_000 && world.recordsLeft > 0; ms *= 2) await world.pass(ms);
  const died = world.recordsLeft <= 0;
  if (died) await world.replaceController(10);
  world.recordsLeft = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 3; round++) await world.pass(40_000);
  const { state, desired, hold, pid, trouble } = world.status;
  const held = hold !== undefined;
  return {
    died,
    end: {
      forgotten: world.forgotten,
      state,
      desired,
      held,
      runs: pid !== 0,
      trouble,
      violations: world.host.violations,
    },
  };
}

const cases = Object.keys(BEFORE).flatMap((before) => Object.keys(ACTS).map((act) => [before, act] as const));

test.each(cases)(
  'a controller that dies after any record leaves a service that is %s in the state that it would have reached: %s',
  async (before, act) => {
    for (const finish of [true, false]) {
      const [earlier, what] = [BEFORE[before] ?? [], ACTS[act] ?? START];
      const expected = await endOf(earlier, what, finish, Number.POSITIVE_INFINITY);
      for (let records = 1, died = true; died; records++) {
        const result = await endOf(earlier, what, finish, records);
        died = result.died;
        expect({ finish, records, ...result.end }).toEqual({ finish, records, ...expected.end });
      }
    }
  },
);
