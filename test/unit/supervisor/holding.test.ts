import { expect, test } from '@jest/globals';
import { defaultDefinition } from '../../../src/supervisor/definition/default-definition.js';
import type { Definition, Policy } from '../../../src/supervisor/definition/definition.js';
import { initialMachine, type Machine, type MachineEvent } from '../../../src/supervisor/machine.js';
import { readMachine, writeMachine } from '../../../src/supervisor/recorded-machine.js';
import { step } from '../../../src/supervisor/table.js';
import type { Cause, ServiceName } from '../../../src/types/service.js';

const DEFAULTS = defaultDefinition('web' as ServiceName, '/web', { stopMs: 500, finishMs: 500, scriptMs: 500 });
const API: Cause = { kind: 'api', actor: 'uid 0' };
const START = { type: 'start', cause: API } as const;
const STOP = { type: 'stop', why: 'asked', cause: API } as const;
const SHUTDOWN = { type: 'stop', why: 'shutdown', cause: { kind: 'shutdown' }, timeoutMs: 500 } as const;
const SPAWNED = { type: 'spawned', pid: 77 } as const;
const FAILED = { type: 'exited', status: { kind: 'exited', code: 3 } } as const;
const CLEARED = { type: 'cleared' } as const;
const TIMER = { type: 'timer' } as const;
const OVER = { type: 'release' } as const;
const RESET = { type: 'reset', cause: API } as const;
const hold = (throughShutdown = false) =>
  ({
    type: 'hold',
    hold: { sinceMs: 0, untilMs: 60_000, reason: 'heap dump', actor: 'uid 0', throughShutdown },
  }) as const;
const RUNNING = [START, SPAWNED, TIMER] as const;
const IN_BACKOFF = [START, SPAWNED, FAILED, CLEARED] as const;

const OVER_MEMORY = { type: 'over_memory', trouble: 'used 600 MiB' } as const;

/** The events, 100 ms apart. */
function take(events: readonly MachineEvent[], policy: Partial<Policy> = {}, over: Partial<Definition> = {}) {
  const definition = { ...DEFAULTS, ...over, policy: { ...DEFAULTS.policy, ...policy } };
  let machine: Machine = initialMachine(true, 0);
  let effects: readonly string[] = [];
  for (const [index, event] of events.entries()) {
    const next = step(machine, event, { nowMs: (index + 1) * 100, random: 0.5, definition });
    machine = next.machine;
    effects = next.effects.map(({ type }) => type);
  }
  return { ...machine, effects };
}

test('a run that ends while the service is held counts as no failure, and the next run begins when the hold ends', () => {
  const held = [...RUNNING, hold(), FAILED, CLEARED] as const;
  expect(take(held)).toMatchObject({ state: 'waiting', desired: 'up', consecutiveFailures: 0, effects: [] });
  const after = take([...held, OVER]);
  expect(after).toMatchObject({ state: 'starting', hold: undefined, cause: { kind: 'exit' }, effects: ['prepare'] });
});

test('a hold ends back-off: no attempt comes before its end', () => {
  const held = take([...IN_BACKOFF, hold()]);
  expect(held).toMatchObject({ state: 'waiting', timerAtMs: undefined, effects: [] });
  expect(take([...IN_BACKOFF, hold(), OVER])).toMatchObject({ state: 'starting' });
});

test('people start, stop and restart a held service; another service does not', () => {
  const dependency: Cause = { kind: 'dependency' };
  expect(take([hold(), START])).toMatchObject({ state: 'starting' });
  expect(take([...RUNNING, hold(), STOP])).toMatchObject({ state: 'stopping', effects: ['terminate'] });
  expect(take([...RUNNING, hold(), { type: 'restart', cause: API }])).toMatchObject({ state: 'stopping' });
  expect(take([...RUNNING, hold(), { type: 'restart', cause: dependency }])).toMatchObject({
    state: 'up',
    effects: [],
  });
  expect(take([hold(), { type: 'start', cause: dependency }])).toMatchObject({ state: 'waiting', desired: 'up' });
});

test('an essential service that ends for good while it is held ends the container when the hold ends', () => {
  const ended = [...RUNNING, hold(), FAILED, CLEARED] as const;
  const policy = { essential: true, restart: 'no' } as const;
  expect(take(ended, policy)).toMatchObject({ state: 'failed', shutdownCode: 3, effects: [] });
  expect(take([...ended, OVER], policy)).toMatchObject({ state: 'failed', effects: ['shutdown'] });
});

test('the start timeout waits for the end of the hold', () => {
  const over = { startTimeoutMs: 1_000, ready: { kind: 'notify' } } as const;
  const held = [START, SPAWNED, hold(), TIMER] as const;
  expect(take(held, {}, over)).toMatchObject({ state: 'starting', timerAtMs: undefined });
  expect(take([...held, OVER], {}, over)).toMatchObject({ state: 'starting', timerAtMs: 1_500 });
});

test('a shutdown sends no signal before the end of a hold that reaches through it', () => {
  expect(take([...RUNNING, hold(), SHUTDOWN]).effects).toEqual(['terminate']);
  const spared = [...RUNNING, hold(true), SHUTDOWN] as const;
  expect(take(spared)).toMatchObject({ state: 'stopping', effects: [] });
  expect(take([...spared, OVER]).effects).toEqual(['terminate']);
  expect(take([...spared, { type: 'kill_now' }]).effects).toEqual(['kill']);
});

test('a held service comes back from its record; a version without holds tries again when the hold is over', () => {
  const { effects: _, ...machine } = take([...RUNNING, hold(), FAILED, CLEARED]);
  const recorded = writeMachine(machine);
  expect(recorded).toMatchObject({ state: 'backoff', timerAtMs: 60_000 });
  expect(readMachine(JSON.parse(JSON.stringify(recorded)), 0, true)).toMatchObject({
    state: 'waiting',
    hold: hold().hold,
    timerAtMs: undefined,
  });
});

test('reset starts a service that is in back-off or was given up, and no other', () => {
  expect(take([...IN_BACKOFF, RESET])).toMatchObject({ state: 'starting', consecutiveFailures: 0, trouble: '' });
  const givenUp = take([...IN_BACKOFF, RESET], { restart: 'no' });
  expect(givenUp).toMatchObject({ state: 'starting', consecutiveFailures: 0 });
  expect(take([...RUNNING, RESET])).toMatchObject({ state: 'up', effects: [] });
  expect(take([...RUNNING, STOP, FAILED, CLEARED, RESET])).toMatchObject({ state: 'down', effects: [] });
});

test('reset starts the start limit over', () => {
  // biome-ignore lint/suspicious/noThenProperty: the name of the key in the format; nobody awaits it.
  const policy = { startLimit: { attempts: 2, withinMs: 60_000, then: 'fail' } } as const;
  const again = [SPAWNED, FAILED, CLEARED] as const;
  expect(take([...IN_BACKOFF, TIMER, ...again], policy)).toMatchObject({ state: 'failed' });
  expect(take([...IN_BACKOFF, RESET, ...again], policy)).toMatchObject({ state: 'backoff', consecutiveFailures: 1 });
});

test('a service that was held in any state is in the same state under the next controller', () => {
  const acts: readonly (readonly MachineEvent[])[] = [
    [...RUNNING, STOP, FAILED, CLEARED, hold()],
    [hold(), ...RUNNING],
    [...IN_BACKOFF, hold()],
    [...RUNNING, hold(), STOP],
    [...RUNNING, hold(), FAILED],
  ];
  for (const events of acts) {
    const { effects: _, ...machine } = take(events);
    const read = readMachine(JSON.parse(JSON.stringify(writeMachine(machine as Machine))), 0, true);
    expect({ ...read, counters: undefined }).toMatchObject({
      state: machine.state,
      desired: machine.desired,
      hold: machine.hold,
    });
  }
});

test('a shutdown that spared a service goes on with all its signals when the hold ends', () => {
  const signals = [
    { signal: 'SIGINT', waitMs: 100 },
    { signal: 'SIGTERM', waitMs: undefined },
  ] as const;
  const stop = { ...DEFAULTS.stop, signals };
  const shutdown = [...RUNNING, hold(true), { type: 'forbid_starts' }, SHUTDOWN] as const;
  expect(take(shutdown, {}, { stop })).toMatchObject({ state: 'stopping', nextSignalAtMs: undefined, effects: [] });
  expect(take([...shutdown, OVER], {}, { stop })).toMatchObject({
    signalIndex: 0,
    nextSignalAtMs: expect.any(Number),
    effects: ['terminate'],
  });
});

test('a held run may use as much memory as it likes', () => {
  expect(take([...RUNNING, hold(), OVER_MEMORY])).toMatchObject({ state: 'up', effects: [] });
  expect(take([...RUNNING, hold(), OVER_MEMORY, OVER, OVER_MEMORY])).toMatchObject({ state: 'stopping' });
});
