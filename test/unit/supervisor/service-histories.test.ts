import { mkdtempSync, rmSync } from 'node:fs';
import { afterAll, beforeEach, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { monotonicMs } from '../../../src/process/clock.js';
import type { MachineEvent } from '../../../src/supervisor/machine.js';
import { TABLE } from '../../../src/supervisor/table.js';
import type { Cause, ServiceStatus } from '../../../src/types/service.js';
import { STOP_MS, World } from '../../helpers/service-world.js';

const API: Cause = { kind: 'api' };
const SV: Cause = { kind: 'sv' };

const root = mkdtempSync('/tmp/my_init-histories-');
afterAll(() => rmSync(root, { recursive: true }));
beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
  jest.spyOn(Math, 'random').mockReturnValue(0.5);
});

/** The laws that a step of the service breaks. */
function broken(previous: ServiceStatus, status: ServiceStatus, event: MachineEvent): readonly string[] {
  const [before, after] = [previous.counters, status.counters];
  const laws: Readonly<Record<string, boolean>> = {
    'leads where its cell says':
      status.state === previous.state || TABLE[previous.state][event.type].to.includes(status.state),
    'run numbers grow by one per attempt':
      status.run - previous.run === Number(status.state === 'starting' && previous.state !== 'starting'),
    'counters never fall':
      after.starts >= before.starts &&
      after.startFailures >= before.startFailures &&
      after.kills >= before.kills &&
      total(after.exits) >= total(before.exits) &&
      total(after.restarts) >= total(before.restarts),
    'a hold lets nobody start it but people':
      status.state !== 'starting' ||
      previous.state === 'starting' ||
      status.hold === undefined ||
      status.cause.kind === 'api' ||
      status.cause.kind === 'sv',
    'nobody but people ends what is held':
      previous.hold === undefined ||
      status.state !== 'stopping' ||
      status.cause.kind !== 'memory' ||
      previous.state === 'stopping',
    'what ended was started': total(after.exits) <= after.starts,
  };
  return Object.entries(laws)
    .filter(([, holds]) => !holds)
    .map(([law]) => `${previous.state} + ${event.type} → ${status.state} breaks: ${law}`);
}

const total = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((sum, count) => sum + count);

const holding = (forMs: number, throughShutdown: boolean): MachineEvent => {
  const nowMs = monotonicMs();
  return { type: 'hold', hold: { sinceMs: nowMs, untilMs: nowMs + forMs, reason: '', actor: '', throughShutdown } };
};

type Act = (world: World) => void | Promise<void>;

const acts: Readonly<Record<string, Act>> = {
  start: (world) => world.dispatch({ type: 'start', cause: API }),
  once: (world) => world.dispatch({ type: 'start', cause: API, once: true }),
  stop: (world) => world.dispatch({ type: 'stop', why: 'asked', cause: API, timeoutMs: STOP_MS }),
  restart: (world) => world.dispatch({ type: 'restart', cause: API, timeoutMs: STOP_MS }),
  'sv down': (world) =>
    world.dispatch({ type: 'stop', why: 'asked', cause: SV, timeoutMs: Number.POSITIVE_INFINITY, insist: true }),
  'sv term': (world) => world.dispatch({ type: 'end_run', signal: 'TERM', cause: SV }),
  'sv kill': (world) => world.dispatch({ type: 'end_run', signal: 'KILL', cause: SV }),
  'sv exit': (world) =>
    world.dispatch({ type: 'stop', why: 'released', cause: SV, timeoutMs: Number.POSITIVE_INFINITY, insist: true }),
  'the run fails': (world) => world.host.end(world.status.pid, { kind: 'exited', code: 3 }),
  'the run is done': (world) => world.host.end(world.status.pid, { kind: 'exited', code: 0 }),
  'the run is killed': (world) => world.host.end(world.status.pid, { kind: 'signaled', signal: 11, coreDumped: true }),
  'the kernel kills the run': (world) =>
    world.host.end(world.status.pid, { kind: 'signaled', signal: 9, coreDumped: false, oom: { limitBytes: 2 ** 29 } }),
  'the run uses too much memory': (world) => world.dispatch({ type: 'over_memory', trouble: 'used 600 MiB' }),
  'a moment': (world) => world.pass(3),
  'a while': (world) => world.pass(300),
  'two seconds': (world) => world.pass(2_000),
  'a long time': (world) => world.pass(40_000),
  'run is broken': (world) => world.break(),
  'run is mended': (world) => {
    world.mend();
    if (!world.forgotten) world.service.refresh();
  },
  'fork fails': ({ host }) => {
    host.behaviour.forkFails = true;
  },
  'fork works': ({ host }) => {
    host.behaviour.forkFails = false;
  },
  'TERM is ignored': ({ host }) => {
    host.behaviour.stubborn = true;
  },
  'TERM is obeyed': ({ host }) => {
    host.behaviour.stubborn = false;
  },
  'finish hangs': ({ host }) => {
    host.behaviour.finishHangs = true;
  },
  'runs leave something': ({ host }) => {
    host.behaviour.leaves = true;
  },
  'hold for a second': (world) => world.dispatch(holding(1_000, false)),
  'hold through a shutdown': (world) => world.dispatch(holding(60_000, true)),
  release: (world) => world.dispatch({ type: 'release', cause: API }),
  reset: (world) => world.dispatch({ type: 'reset', cause: API }),
  'the directory is gone': (world) =>
    world.dispatch({ type: 'stop', why: 'removed', cause: { kind: 'scan' }, timeoutMs: STOP_MS }),
  'the directory is back': (world) => {
    if (!world.forgotten) world.service.restore();
  },
  pause: async (world) => {
    if (!world.forgotten) await world.service.signal('SIGSTOP', false);
  },
  'the run and the controller are killed': async (world) => {
    world.host.end(world.status.pid, { kind: 'signaled', signal: 9, coreDumped: false });
    await world.replaceController(0);
  },
  'the controller is killed': (world) => world.replaceController(0),
  'the controller is away for a while': (world) => world.replaceController(400),
};
const endings: Readonly<Record<string, Act>> = {
  'the shutdown begins': (world) => {
    world.startsForbidden = true;
    world.dispatch({ type: 'forbid_starts' });
    world.host.forbidStarts();
  },
  'the services are to end': (world) => {
    world.startsForbidden = true;
    world.dispatch({ type: 'stop', why: 'shutdown', cause: { kind: 'shutdown' }, timeoutMs: STOP_MS });
    world.host.forbidStarts();
  },
  'the waiting is over': (world) => world.dispatch({ type: 'kill_now' }),
};

async function live(names: readonly string[], finish: boolean): Promise<World> {
  // Otherwise the world of the history before would go on for ever.
  jest.clearAllTimers();
  const world = new World(root, { finish, broken });
  world.service.record();
  world.dispatch({ type: 'start', cause: { kind: 'boot' } });
  for (const name of names) {
    await (acts[name] ?? endings[name])?.(world);
    if (world.host.violations.length > 0) throw new Error(world.host.violations.join('\n'));
  }
  return world;
}

const histories = (endingsToo: boolean) =>
  fc.array(fc.constantFrom(...Object.keys(acts), ...(endingsToo ? Object.keys(endings) : [])), { maxLength: 30 });

test('there are never two processes of a service at once, nor one after the shutdown began; a stop ends in down', async () => {
  await fc.assert(
    fc.asyncProperty(histories(true), fc.boolean(), async (names, finish) => {
      const world = await live(names, finish);
      world.dispatch({ type: 'stop', why: 'asked', cause: API, timeoutMs: STOP_MS });
      await world.pass(STOP_MS);
      // Time for KILL, finish and the time limit of finish.
      await world.pass(12_000);
      expect(world.status.state).toBe('down');
      expect(world.host.living).toEqual([]);
      expect(world.host.violations).toEqual([]);
    }),
    { numRuns: 1_000 },
  );
});

test('a service that is wanted up comes up as soon as it can', async () => {
  await fc.assert(
    fc.asyncProperty(histories(false), fc.boolean(), async (names, finish) => {
      // A stop through sv that the process ignores lasts for ever.
      const world = await live([...names, 'fork works', 'run is mended', 'release', 'sv kill'], finish);
      fc.pre(!world.forgotten && world.status.desired === 'up');
      await world.pass(STOP_MS + 12_000);
      await world.pass(34_000);
      expect(world.status).toMatchObject({ state: 'up', trouble: '' });
      expect(world.host.living.map(({ pid }) => pid)).toEqual([world.status.pid]);
    }),
    { numRuns: 500 },
  );
});

test('a start that is on record but not carried out is carried out by the next controller', async () => {
  const world = new World(root, { finish: false, broken });
  world.service.record();
  await world.replaceController(0);
  expect(world.status).toMatchObject({ state: 'starting', run: 1 });
});
