import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { defaultDefinition } from '../../../src/supervisor/definition/default-definition.js';
import type { Definition } from '../../../src/supervisor/definition/definition.js';
import {
  type Effect,
  initialMachine,
  type Machine,
  type MachineEvent,
  pidOf,
  runOf,
} from '../../../src/supervisor/machine.js';
import { step, TABLE } from '../../../src/supervisor/table.js';
import type { Cause, ServiceCounters, ServiceName, State } from '../../../src/types/service.js';

const FINISH_MS = 5000;
const NAME = 'web' as ServiceName;
const DEFINITION = defaultDefinition(NAME, '/web', { stopMs: 500, finishMs: FINISH_MS, scriptMs: 500 });
const API: Cause = { kind: 'api', actor: 'uid 0' };
const KILLED = { kind: 'signaled', signal: 9, coreDumped: false } as const;

const START = { type: 'start', cause: API } as const;
const ONCE = { type: 'start', cause: API, once: true } as const;
const STOP = { type: 'stop', why: 'asked', cause: API, timeoutMs: 500 } as const;
const RESTART = { type: 'restart', cause: API, timeoutMs: 500 } as const;
const SV: Cause = { kind: 'sv' };
const SV_STOP = {
  type: 'stop',
  why: 'asked',
  cause: SV,
  timeoutMs: Number.POSITIVE_INFINITY,
  insist: true,
} as const;
const TERMINATE = { type: 'end_run', signal: 'TERM', cause: SV } as const;
const KILL = { type: 'end_run', signal: 'KILL', cause: SV } as const;
const RELEASE = { ...SV_STOP, why: 'released' } as const;
const END_REQUESTED = { type: 'end_requested', cause: SV } as const;
const TERM_SENT = { type: 'term_sent' } as const;
const PREPARED = { type: 'prepared' } as const;
const SPAWNED = { type: 'spawned', pid: 77 } as const;
const SPAWN_FAILED = { type: 'spawn_failed', trouble: 'no room' } as const;
const EXITED = { type: 'exited', status: { kind: 'exited', code: 3 } } as const;
const UNSTARTABLE = {
  type: 'exited',
  status: { kind: 'exited', code: 111 },
  unstartable: 'run does not exist',
} as const;
const CLEARED = { type: 'cleared' } as const;
const TIMER = { type: 'timer' } as const;
const CHANGED = { type: 'changed' } as const;
const REMOVED = { type: 'stop', why: 'removed', cause: { kind: 'scan' }, timeoutMs: 500 } as const;
const RESTORED = { type: 'restored' } as const;
const FORBID = { type: 'forbid_starts' } as const;
const SHUTDOWN = { type: 'stop', why: 'shutdown', cause: { kind: 'shutdown' }, timeoutMs: 500 } as const;
const KILL_NOW = { type: 'kill_now' } as const;
const READY = { type: 'ready' } as const;
const UNREADY = { type: 'unready', trouble: 'connection refused' } as const;
const EXTENDED = { type: 'extended', ms: 60_000 } as const;
const MAIN_PID = { type: 'main_pid', pid: 78 } as const;
const SUCCEEDED = { type: 'succeeded' } as const;
const UNMET = [{ on: 'db' as ServiceName, condition: 'ready', reason: 'not-yet' }] as const;
const CONDITIONS_LOST = { type: 'conditions', unmet: UNMET } as const;
const CONDITIONS_MET = { type: 'conditions', unmet: [] } as const;

const DONE = { type: 'exited', status: { kind: 'exited', code: 0 } } as const;
const ONESHOT: Definition = { ...DEFINITION, type: 'oneshot', policy: { ...DEFINITION.policy, restart: 'no' } };

const RUNNING = [START, SPAWNED, TIMER] as const;
/** How to reach each state. */
const PATHS: Readonly<Record<State, readonly MachineEvent[]>> = {
  down: [],
  starting: [START, SPAWNED],
  up: RUNNING,
  stopping: [...RUNNING, STOP],
  finishing: [...RUNNING, EXITED],
  backoff: [...RUNNING, EXITED, CLEARED],
  failed: [START, UNSTARTABLE, CLEARED],
  waiting: [CONDITIONS_LOST, START],
  completed: [START, SPAWNED, DONE, CLEARED],
};

interface Run {
  readonly machine: Machine;
  /** The effects of the last event. */
  readonly effects: readonly string[];
}

/** Applies the events, 300 ms apart, to a service that is down. */
function take(events: readonly MachineEvent[], gapMs = 300, definition = DEFINITION): Run {
  let machine: Machine = initialMachine(true, 0);
  let effects: readonly string[] = [];
  for (const [index, event] of events.entries()) {
    const next = step(machine, event, { nowMs: (index + 1) * gapMs, random: 0.5, definition });
    machine = next.machine;
    effects = next.effects.map(describeEffect);
  }
  return { machine, effects };
}

function describeEffect(effect: Effect): string {
  if (effect.type === 'kill') return effect.group ? 'KILL group' : 'KILL';
  if (effect.type !== 'terminate') return effect.type;
  const { how, wake, after } = effect;
  return [
    ...(how === 'script' ? ['control/t or TERM'] : how === 'signal' ? ['TERM'] : []),
    ...(wake ? ['CONT'] : []),
    ...(after ? [`control/${after}`] : []),
  ].join(' ');
}

describe('one event in each state', () => {
  const table: readonly (readonly [State, MachineEvent, State, ...string[]])[] = [
    ['down', START, 'starting', 'prepare'],
    ['down', RESTART, 'starting', 'prepare'],
    ['down', STOP, 'down'],
    ['down', TIMER, 'down'],
    ['down', CHANGED, 'down'],
    ['down', EXITED, 'down'],
    ['down', REMOVED, 'down', 'forget'],
    ['down', SHUTDOWN, 'down'],
    ['down', TERMINATE, 'down'],
    ['down', KILL, 'down'],
    ['down', RELEASE, 'down'],

    ['starting', START, 'starting'],
    ['starting', STOP, 'stopping', 'control/t or TERM CONT control/d'],
    ['starting', RESTART, 'stopping', 'control/t or TERM CONT'],
    ['starting', SPAWN_FAILED, 'backoff'],
    ['starting', EXITED, 'finishing', 'clear_up'],
    ['starting', TIMER, 'up'],
    ['starting', REMOVED, 'stopping', 'control/t or TERM CONT control/x'],
    ['starting', FORBID, 'starting'],
    ['starting', SHUTDOWN, 'stopping', 'control/t or TERM CONT control/d'],

    ['starting', TERMINATE, 'stopping', 'TERM'],
    ['starting', KILL, 'stopping', 'KILL'],
    ['starting', RELEASE, 'stopping', 'control/t or TERM CONT control/x'],
    ['starting', PREPARED, 'starting', 'spawn'],
    ['starting', READY, 'up'],
    ['starting', UNREADY, 'starting'],
    ['starting', EXTENDED, 'starting'],
    ['starting', MAIN_PID, 'starting'],
    ['starting', SUCCEEDED, 'starting'],

    ['up', START, 'up'],
    ['up', TERMINATE, 'stopping', 'TERM'],
    ['up', KILL, 'stopping', 'KILL'],
    ['up', RELEASE, 'stopping', 'control/t or TERM CONT control/x'],
    ['up', END_REQUESTED, 'up'],
    ['up', STOP, 'stopping', 'control/t or TERM CONT control/d'],
    ['up', RESTART, 'stopping', 'control/t or TERM CONT'],
    ['up', EXITED, 'finishing', 'clear_up'],
    ['up', CHANGED, 'up'],
    ['up', REMOVED, 'stopping', 'control/t or TERM CONT control/x'],
    ['up', RESTORED, 'up'],
    ['up', FORBID, 'up'],
    ['up', SHUTDOWN, 'stopping', 'control/t or TERM CONT control/d'],
    ['up', KILL_NOW, 'up'],

    ['up', READY, 'up'],
    ['up', UNREADY, 'up'],
    ['up', EXTENDED, 'up'],
    ['up', MAIN_PID, 'up'],
    ['up', SUCCEEDED, 'up'],
    ['up', CONDITIONS_LOST, 'up'],

    ['waiting', START, 'waiting'],
    ['waiting', RESTART, 'waiting'],
    ['waiting', CONDITIONS_LOST, 'waiting'],
    ['waiting', CONDITIONS_MET, 'starting', 'prepare'],
    ['waiting', STOP, 'down'],
    ['waiting', RELEASE, 'down'],
    ['waiting', REMOVED, 'down', 'forget'],
    ['waiting', CHANGED, 'waiting'],
    ['waiting', FORBID, 'down'],
    ['waiting', SHUTDOWN, 'down'],

    ['completed', START, 'starting', 'prepare'],
    ['completed', RESTART, 'starting', 'prepare'],
    ['completed', CONDITIONS_LOST, 'completed'],
    ['completed', CHANGED, 'completed'],
    ['completed', STOP, 'down'],
    ['completed', REMOVED, 'down', 'forget'],
    ['completed', FORBID, 'completed'],
    ['completed', SHUTDOWN, 'down'],

    ['stopping', START, 'stopping'],
    ['stopping', STOP, 'stopping'],
    ['stopping', RESTART, 'stopping'],
    ['stopping', SPAWNED, 'stopping', 'control/t or TERM CONT control/d'],
    ['stopping', SPAWN_FAILED, 'down'],
    ['stopping', EXITED, 'finishing', 'clear_up'],
    ['stopping', TIMER, 'stopping', 'KILL group'],
    ['stopping', KILL_NOW, 'stopping', 'KILL group'],
    ['stopping', SHUTDOWN, 'stopping'],

    ['stopping', SV_STOP, 'stopping', 'control/t or TERM CONT control/d'],
    ['stopping', TERMINATE, 'stopping', 'TERM CONT control/d'],
    ['stopping', KILL, 'stopping', 'KILL'],
    ['stopping', RELEASE, 'stopping', 'control/t or TERM CONT control/x'],
    ['stopping', TERM_SENT, 'stopping'],
    ['stopping', PREPARED, 'down'],

    ['finishing', START, 'finishing'],
    ['finishing', TERMINATE, 'finishing'],
    ['finishing', KILL, 'finishing'],
    ['finishing', RELEASE, 'finishing'],
    ['finishing', STOP, 'finishing'],
    ['finishing', RESTART, 'finishing'],
    ['finishing', EXITED, 'finishing'],
    ['finishing', CLEARED, 'backoff'],
    ['finishing', TIMER, 'finishing', 'kill_finish'],
    ['finishing', KILL_NOW, 'finishing', 'kill_finish'],
    ['finishing', SHUTDOWN, 'finishing'],

    ['backoff', TERMINATE, 'backoff'],
    ['backoff', KILL, 'backoff'],
    ['backoff', RELEASE, 'down'],
    ['backoff', START, 'starting', 'prepare'],
    ['backoff', RESTART, 'starting', 'prepare'],
    ['backoff', STOP, 'down'],
    ['backoff', TIMER, 'starting', 'prepare'],
    ['backoff', CHANGED, 'starting', 'prepare'],
    ['backoff', REMOVED, 'down', 'forget'],
    ['backoff', FORBID, 'down'],
    ['backoff', SHUTDOWN, 'down'],

    ['failed', START, 'starting', 'prepare'],
    ['failed', STOP, 'down'],
    ['failed', TIMER, 'starting', 'prepare'],
    ['failed', CHANGED, 'starting', 'prepare'],
    ['failed', REMOVED, 'down', 'forget'],
    ['failed', FORBID, 'down'],
  ];
  test.each(table.map(([state, event, to, ...effects]) => [state, event.type, to, effects.join(', '), event] as const))(
    '%s + %s → %s (%s)',
    (state, _type, to, effects, event) => {
      const definition = state === 'completed' ? ONESHOT : DEFINITION;
      expect(take(PATHS[state], 300, definition).machine.state).toBe(state);
      const after = take([...PATHS[state], event], 300, definition);
      expect([after.machine.state, after.effects.join(', ')]).toEqual([to, effects]);
    },
  );
});

describe('after a run', () => {
  test.each<[string, readonly MachineEvent[], State]>([
    ['a short run: a delay', [...RUNNING, EXITED, CLEARED], 'backoff'],
    ['a run that was told to end: nothing', [...RUNNING, STOP, EXITED, CLEARED], 'down'],
    ['a run that was told to end for another: that', [...RUNNING, RESTART, EXITED, CLEARED], 'starting'],
    ['a stop that was taken back: the next run', [...RUNNING, STOP, START, EXITED, CLEARED], 'starting'],
    ['a restart that was overtaken by a stop: nothing', [...RUNNING, RESTART, STOP, EXITED, CLEARED], 'down'],
    ['a start while it is cleared up: no delay', [...RUNNING, EXITED, START, CLEARED], 'starting'],
    ['a stop while it is cleared up: nothing', [...RUNNING, EXITED, STOP, CLEARED], 'down'],
    ['a run that was wanted once: nothing', [ONCE, SPAWNED, TIMER, EXITED, CLEARED], 'down'],
    ['a run that was wanted once, asked for once more', [ONCE, SPAWNED, EXITED, ONCE, CLEARED], 'starting'],
    ['a run that was terminated: the next one', [...RUNNING, TERMINATE, TERM_SENT, EXITED, CLEARED], 'starting'],
    ['a run that was killed: the next one', [...RUNNING, KILL, EXITED, CLEARED], 'starting'],
    [
      'a run that was told to end by a script and did: the next one',
      [...RUNNING, END_REQUESTED, EXITED, CLEARED],
      'starting',
    ],
    ['a run that was wanted once and was terminated: nothing', [ONCE, SPAWNED, TERMINATE, EXITED, CLEARED], 'down'],
    [
      'a run that was wanted once and was told to end: nothing',
      [ONCE, SPAWNED, END_REQUESTED, EXITED, CLEARED],
      'down',
    ],
    ['a run that was terminated and then stopped: nothing', [...RUNNING, TERMINATE, SV_STOP, EXITED, CLEARED], 'down'],
    ['a run whose directory went away: nothing', [...RUNNING, REMOVED, EXITED, CLEARED], 'down'],
    ['a directory that came back: the next run', [...RUNNING, REMOVED, RESTORED, EXITED, CLEARED], 'starting'],
    ['a scan during a stop: nothing', [...RUNNING, STOP, RESTORED, EXITED, CLEARED], 'down'],
    ['a run that cannot be executed: waiting for a change', [START, UNSTARTABLE, CLEARED], 'failed'],
    ['a run that was mended meanwhile: the next run', [START, UNSTARTABLE, CHANGED, CLEARED], 'starting'],
    ['a crash after the shutdown began: nothing', [...RUNNING, FORBID, EXITED, CLEARED], 'down'],
    ['a restart when the shutdown has begun: nothing', [...RUNNING, FORBID, RESTART, EXITED, CLEARED], 'down'],
    ['a failed fork when the shutdown has begun: nothing', [START, FORBID, SPAWN_FAILED], 'down'],
  ])('%s', (_what, events, state) => {
    expect(take(events).machine.state).toBe(state);
  });

  test.each<[string, readonly MachineEvent[], State]>([
    ['has ended successfully: completed', [START, SPAWNED, DONE, CLEARED], 'completed'],
    ['has failed: failed, and not tried again', [START, SPAWNED, EXITED, CLEARED], 'failed'],
    ['has completed and is asked for once more: the next run', [START, SPAWNED, DONE, CLEARED, START], 'starting'],
    ['was stopped: nothing', [START, SPAWNED, STOP, DONE, CLEARED], 'down'],
    ['is ready only at its end', [START, SPAWNED, READY], 'starting'],
  ])('a oneshot that %s', (_what, events, state) => {
    const { machine } = take(events, 300, ONESHOT);
    expect([machine.state, machine.timerAtMs]).toEqual([state, undefined]);
  });

  test('a run whose conditions were lost meanwhile: waiting for them', () => {
    expect(take([...RUNNING, CONDITIONS_LOST, RESTART, EXITED, CLEARED]).machine.state).toBe('waiting');
    expect(take([...RUNNING, CONDITIONS_LOST, EXITED, CLEARED, TIMER]).machine.state).toBe('waiting');
  });

  test('a run that is not ready in time: terminated, counted as a failed start, and a delay', () => {
    const slow: Definition = { ...DEFINITION, ready: { kind: 'notify' }, startTimeoutMs: 300 };
    const late = take([START, SPAWNED, TIMER], 300, slow);
    expect([late.machine.state, late.effects.join()]).toEqual(['stopping', 'control/t or TERM CONT']);
    const after = take([START, SPAWNED, TIMER, EXITED, CLEARED], 300, slow).machine;
    expect(after).toMatchObject({ state: 'backoff', consecutiveFailures: 1, counters: { startFailures: 1 } });
    expect(after.trouble).toBe('was not ready 300 ms after its start');
  });

  test('the time to become ready begins with the process, however long its setup takes', () => {
    const slow: Definition = { ...DEFINITION, ready: { kind: 'notify' }, startTimeoutMs: 20_000 };
    const { machine } = take([START, PREPARED, SPAWNED], 30_000, slow);
    expect(machine).toMatchObject({ state: 'starting', timerAtMs: 90_000 + 20_000 });
  });

  test('a service whose check fails is up and not ready, and says why until it is ready again', () => {
    expect(take([...RUNNING, UNREADY]).machine).toMatchObject({ ready: false, trouble: UNREADY.trouble });
    expect(take([...RUNNING, UNREADY, READY]).machine).toMatchObject({ ready: true, trouble: '' });
  });

  test('a run of a second or more: the next run at once', () => {
    expect(take([...RUNNING, EXITED, CLEARED], 600).machine.state).toBe('starting');
  });

  test('a stop through sv: waiting without a limit', () => {
    const { machine } = take([...RUNNING, SV_STOP]);
    expect(machine).toMatchObject({ state: 'stopping', desired: 'down', timerAtMs: undefined });
    expect(take([...RUNNING, SV_STOP, SHUTDOWN]).machine.timerAtMs).toBeDefined();
  });

  test('exit: down, releasing for two seconds, and started over', () => {
    const left = take([...RUNNING, RELEASE, EXITED, CLEARED]);
    expect(left.machine).toMatchObject({ state: 'down', releasing: true });
    expect((left.machine.timerAtMs ?? 0) - left.machine.stateSinceMs).toBe(2_000);
    const anew = take([...RUNNING, RELEASE, EXITED, CLEARED, TIMER]);
    expect([anew.machine.releasing, anew.effects]).toEqual([true, ['start_over']]);
    expect(take([...RUNNING, RELEASE, EXITED, CLEARED, TIMER, START]).machine.releasing).toBe(false);
    expect(take([...RUNNING, RELEASE, EXITED, CLEARED, STOP]).machine).toMatchObject({
      releasing: false,
      timerAtMs: undefined,
    });
    expect(take([...RUNNING, RELEASE, FORBID, EXITED, CLEARED]).machine.timerAtMs).toBeUndefined();
  });

  test('each failure: a delay twice as long, up to half a minute', () => {
    let machine: Machine = initialMachine(true, 0);
    const delays: number[] = [];
    for (let round = 0; round < 7; round++)
      for (const event of [round === 0 ? START : TIMER, SPAWNED, EXITED, CLEARED]) {
        machine = step(machine, event, { nowMs: 0, random: 0.5, definition: DEFINITION }).machine;
        if (machine.state === 'backoff') delays.push(machine.timerAtMs ?? 0);
      }
    expect(delays).toEqual([1000, 2000, 4000, 8000, 16000, 30000, 30000]);
  });

  test('ten seconds up: earlier failures are forgotten', () => {
    const up = take([...RUNNING, EXITED, CLEARED, TIMER, SPAWNED, TIMER]);
    expect(up.machine).toMatchObject({ state: 'up', consecutiveFailures: 1, trouble: '' });
    expect((up.machine.timerAtMs ?? 0) - up.machine.stateSinceMs).toBe(10_000);
    expect(step(up.machine, TIMER, { nowMs: 99_999, random: 0, definition: DEFINITION }).machine).toMatchObject({
      state: 'up',
      consecutiveFailures: 0,
      timerAtMs: undefined,
    });
  });

  test('a service without failures has no timer while it is up', () => {
    expect(take(RUNNING).machine.timerAtMs).toBeUndefined();
  });
});

describe('the counters count', () => {
  const restartsAfter = (events: readonly MachineEvent[], gapMs?: number) =>
    Object.entries(take(events, gapMs).machine.counters.restarts).filter(([, count]) => count > 0);

  test('a restart by its reason', () => {
    expect(restartsAfter([...RUNNING, RESTART, EXITED, CLEARED, SPAWNED])).toEqual([['api', 1]]);
    expect(restartsAfter([...RUNNING, EXITED, CLEARED, TIMER, SPAWNED])).toEqual([['exit', 1]]);
    expect(restartsAfter([...RUNNING, { type: 'exited', status: KILLED }, CLEARED, SPAWNED], 600)).toEqual([
      ['signal', 1],
    ]);
    for (const order of [TERMINATE, KILL, END_REQUESTED])
      expect(restartsAfter([...RUNNING, order, EXITED, CLEARED, SPAWNED])).toEqual([['sv', 1]]);
    expect(restartsAfter([...RUNNING, UNSTARTABLE, CLEARED, TIMER, SPAWNED])).toEqual([['start_failure', 1]]);
  });

  test('no restart for the first run, whatever was in its way, nor for a start after a stop', () => {
    expect(restartsAfter([START, SPAWN_FAILED, TIMER, SPAWNED])).toEqual([]);
    expect(restartsAfter([...RUNNING, STOP, EXITED, CLEARED, START, SPAWNED])).toEqual([]);
  });

  test('a stop that needed KILL once, however often it was sent', () => {
    expect(take([...RUNNING, STOP, TIMER, TIMER, KILL_NOW]).machine.counters.kills).toBe(1);
  });

  test('an attempt that came to no process as a failure to start, not as a run', () => {
    const { machine } = take([START, UNSTARTABLE, CLEARED, TIMER, SPAWN_FAILED]);
    expect(machine.counters).toMatchObject({ starts: 0, startFailures: 2 });
    expect(machine).toMatchObject({ runNumber: 2, lastExit: undefined });
  });
});

describe('the policy of a service', () => {
  const underPolicy = (
    policy: Partial<Definition['policy']>,
    events: readonly MachineEvent[],
    gapMs = 300,
    over: Partial<Definition> = {},
  ) => take(events, gapMs, { ...DEFINITION, ...over, policy: { ...DEFINITION.policy, ...policy } });
  const code = (value: number) => ({ type: 'exited', status: { kind: 'exited', code: value } }) as const;
  const killedBy = (signal: number) =>
    ({ type: 'exited', status: { kind: 'signaled', signal, coreDumped: false } }) as const;
  const OOM = {
    type: 'exited',
    status: { kind: 'signaled', signal: 9, coreDumped: false, peakBytes: 480 * 2 ** 20, oom: { limitBytes: 2 ** 29 } },
  } as const;
  const KILL = { kind: 'signal', signal: 'SIGKILL' } as const;
  const OVER_MEMORY = { type: 'over_memory', trouble: 'used 600 MiB' } as const;
  const TERMED = killedBy(15);
  const rule = (action: 'restart' | 'fail' | 'complete' | 'shutdown', value: number, shutdownCode?: number) =>
    ({ match: [{ kind: 'code', code: value }], oom: false, action, code: shutdownCode }) as const;

  test.each<[string, Partial<Definition['policy']>, MachineEvent, State]>([
    ['always: a failure', { restart: 'always' }, code(3), 'backoff'],
    ['always: a success', { restart: 'always' }, code(0), 'backoff'],
    ['on-failure: a failure', { restart: 'on-failure' }, code(3), 'backoff'],
    ['on-failure: a signal', { restart: 'on-failure' }, killedBy(9), 'backoff'],
    ['on-failure: a success', { restart: 'on-failure' }, code(0), 'completed'],
    ['no: a failure', { restart: 'no' }, code(3), 'failed'],
    ['no: a success', { restart: 'no' }, code(0), 'completed'],
    [
      'a code that counts as success',
      { restart: 'on-failure', successExitCodes: [{ kind: 'code', code: 7 }] },
      code(7),
      'completed',
    ],
    [
      'a signal that counts as success',
      { restart: 'on-failure', successExitCodes: [{ kind: 'signal', signal: 'SIGTERM' }] },
      killedBy(15),
      'completed',
    ],
    ['a rule that says fail', { exitRules: [rule('fail', 3)] }, code(3), 'failed'],
    ['a rule that says complete', { exitRules: [rule('complete', 3)] }, code(3), 'completed'],
    ['a rule that says restart', { restart: 'no', exitRules: [rule('restart', 3)] }, code(3), 'backoff'],
    ['the first rule that matches', { exitRules: [rule('complete', 3), rule('fail', 3)] }, code(3), 'completed'],
    ['a rule for another code', { exitRules: [rule('fail', 4)] }, code(3), 'backoff'],
    ['a rule for oom', { exitRules: [{ ...rule('fail', 4), oom: true }] }, OOM, 'failed'],
    ['a rule for oom, and another KILL', { exitRules: [{ ...rule('fail', 4), oom: true }] }, killedBy(9), 'backoff'],
    ['a rule for KILL, and oom', { exitRules: [{ ...rule('fail', 4), match: [KILL] }] }, OOM, 'failed'],
  ])('%s', (_what, policy, exited, state) => {
    const { machine, effects } = underPolicy(policy, [...RUNNING, exited, CLEARED]);
    expect([machine.state, effects]).toEqual([state, []]);
    if (state === 'failed' || state === 'completed') expect(machine.timerAtMs).toBeUndefined();
  });

  test.each<[string, Partial<Definition['policy']>, MachineEvent, number | undefined]>([
    ['essential, and has failed for good', { essential: true, restart: 'no' }, code(3), 3],
    ['essential, and was killed', { essential: true, restart: 'no' }, killedBy(9), 137],
    ['essential, and has completed', { essential: true, restart: 'on-failure' }, code(0), 0],
    ['essential, and is started again', { essential: true }, code(3), undefined],
    ['under a rule that ends the container', { exitRules: [rule('shutdown', 3)] }, code(3), 3],
    ['under a rule that ends the container with a code', { exitRules: [rule('shutdown', 3, 42)] }, code(3), 42],
  ])('a service that is %s', (_what, policy, exited, wanted) => {
    const { machine, effects } = underPolicy(policy, [...RUNNING, exited, CLEARED]);
    expect([machine.shutdownCode, effects]).toEqual([wanted, wanted === undefined ? [] : ['shutdown']]);
  });

  test.each<[string, number, MachineEvent, number, State]>([
    ['a setup that takes long is no part of it', 20_000, EXITED, 20_300, 'backoff'],
    ['an end that is heard of late', 0, { ...EXITED, atMs: 300 }, 20_000, 'backoff'],
    ['a run that lasts', 0, EXITED, 20_000, 'starting'],
  ])('the duration of a run decides: %s', (_what, spawnedMs, exited, exitedMs, state) => {
    const times: readonly [MachineEvent, number][] = [
      [START, 0],
      [PREPARED, spawnedMs],
      [SPAWNED, spawnedMs],
      [exited, exitedMs],
      [CLEARED, exitedMs],
    ];
    let machine: Machine = initialMachine(true, 0);
    for (const [event, nowMs] of times)
      machine = step(machine, event, { nowMs, random: 0.5, definition: DEFINITION }).machine;
    const durationMs = state === 'starting' ? 20_000 : 300;
    expect(machine).toMatchObject({ state, lastExit: { durationMs, atMs: spawnedMs + durationMs } });
  });

  test('a kill by the kernel is counted as such, with its trouble', () => {
    const { machine } = underPolicy({}, [...RUNNING, OOM, CLEARED]);
    expect(machine.counters.exits).toMatchObject({ oom: 1, signal: 0 });
    expect(machine.trouble).toMatch(
      /^killed by the kernel after \d+ ms: the container's memory limit of 512 MiB was reached; it used 480 MiB$/,
    );
    expect(machine.lastExit).toMatchObject({ expected: false, status: OOM.status });
  });

  test.each<[string, Partial<Definition['policy']>, number, State]>([
    ['soon after its start', {}, 300, 'backoff'],
    ['after it has lasted', {}, 20_000, 'starting'],
    ['with restart: no', { restart: 'no' }, 300, 'failed'],
    ['with restart: on-failure', { restart: 'on-failure' }, 300, 'backoff'],
  ])('a run that uses too much memory %s', (_what, policy, gapMs, state) => {
    const { machine, effects } = underPolicy(policy, [...RUNNING, OVER_MEMORY], gapMs);
    expect([machine.state, machine.cause.kind, effects]).toEqual(['stopping', 'memory', ['control/t or TERM CONT']]);
    const after = underPolicy(policy, [...RUNNING, OVER_MEMORY, TERMED, CLEARED], gapMs).machine;
    expect([after.state, after.restartReason]).toEqual([state, state === 'failed' ? after.restartReason : 'memory']);
    if (state !== 'starting') expect(after.trouble).toBe('used 600 MiB');
  });

  test('a run that was wanted once and uses too much memory is not started again', () => {
    const once = { ...START, once: true } as const;
    expect(underPolicy({}, [once, SPAWNED, TIMER, OVER_MEMORY, TERMED, CLEARED]).machine.state).toBe('failed');
  });

  test('an essential service that somebody stops does not end the container', () => {
    expect(underPolicy({ essential: true }, [...RUNNING, STOP, EXITED, CLEARED]).effects).toEqual([]);
  });

  test('too many failed starts within the time: given up, and started over by an order', () => {
    const limitOf = (action: 'fail' | 'shutdown', withinMs = 60_000) =>
      Object.fromEntries([
        ['attempts', 3],
        ['withinMs', withinMs],
        ['then', action],
      ]) as never;
    const startLimit = limitOf('fail');
    const attempt = [SPAWNED, EXITED, CLEARED];
    const twice = [START, ...attempt, TIMER, ...attempt];
    const thrice = [...twice, TIMER, ...attempt];
    expect(underPolicy({ startLimit }, twice).machine.state).toBe('backoff');
    const limit = underPolicy({ startLimit }, thrice);
    expect(limit.machine).toMatchObject({ state: 'failed', timerAtMs: undefined, failuresAtMs: [] });
    expect(limit.machine.trouble).toMatch(/^gave up after 3 failed starts: exited with code 3 after \d+ ms$/);
    expect(limit.effects).toEqual([]);
    expect(underPolicy({ startLimit }, [...thrice, START]).machine.state).toBe('starting');
    const shutdown = limitOf('shutdown');
    expect(underPolicy({ startLimit: shutdown }, thrice)).toMatchObject({
      machine: { shutdownCode: 3 },
      effects: ['shutdown'],
    });
    // These starts are further apart than the time of the limit.
    expect(underPolicy({ startLimit: limitOf('fail', 2_000) }, thrice).machine.state).toBe('backoff');
  });

  test('a finish that exits with 125 prevents another run, unless somebody asked for one', () => {
    const finished = { type: 'cleared', finish: { kind: 'exited', code: 125 } } as const;
    const end = [CLEARED, { type: 'finish_spawned', pid: 88 }, finished, CLEARED] as const;
    const over = { finish: 'usable' } as const;
    const permanent = underPolicy({}, [...RUNNING, EXITED, ...end], 300, over).machine;
    expect(permanent).toMatchObject({ state: 'failed', timerAtMs: undefined });
    expect(underPolicy({}, [...RUNNING, RESTART, EXITED, ...end], 300, over).machine.state).toBe('starting');
  });

  test('runs of some seconds: the first is followed at once, further ones are a crash loop', () => {
    const again = [SPAWNED, TIMER, EXITED, CLEARED];
    const first = underPolicy({}, [START, ...again], 1_000).machine;
    expect([first.state, first.consecutiveFailures]).toEqual(['starting', 1]);
    const second = underPolicy({}, [START, ...again, ...again], 1_000).machine;
    expect([second.state, second.consecutiveFailures]).toEqual(['backoff', 2]);
    // From now on a service is ready once it has lasted.
    const third = underPolicy({}, [START, ...again, ...again, TIMER, SPAWNED], 1_000).machine;
    expect((third.timerAtMs ?? 0) - third.stateSinceMs).toBe(11_000);
    const lasted = underPolicy({}, [START, ...again, ...again, TIMER, SPAWNED, TIMER], 10_000).machine;
    expect(lasted).toMatchObject({ state: 'up', consecutiveFailures: 0, trouble: '' });
  });

  test('a crash loop is reported, although the service itself says that it is ready', () => {
    const again = [SPAWNED, READY, EXITED, CLEARED];
    const { machine } = underPolicy({}, [START, ...again, ...again, TIMER, SPAWNED, READY], 1_000, {
      ready: { kind: 'notify' },
    });
    expect(machine).toMatchObject({ state: 'up', ready: true, consecutiveFailures: 2 });
    expect(machine.trouble).toBe(
      'crash loop: 2 runs in a row ended too soon, the last one exited with code 3 after 2.0 s',
    );
  });

  test('stop signals come in their order, then KILL', () => {
    const signals = [
      { signal: 'SIGQUIT', waitMs: 600 },
      { signal: 'SIGINT', waitMs: 600 },
      { signal: 'SIGTERM', waitMs: undefined },
    ] as const;
    const definition = { ...DEFINITION, stop: { signals, graceMs: 2_000, command: undefined } };
    const sent: string[] = [];
    let { machine } = take(RUNNING, 0);
    let event: MachineEvent = { type: 'stop', why: 'asked', cause: API };
    for (let nowMs = 0; nowMs <= 2_000; nowMs = machine.timerAtMs ?? 9_999, event = TIMER) {
      const next = step(machine, event, { nowMs, random: 0, definition });
      machine = next.machine;
      for (const effect of next.effects)
        sent.push(`${nowMs} ${effect.type === 'terminate' ? effect.signal : effect.type}`);
    }
    expect(sent).toEqual(['0 SIGQUIT', '600 SIGINT', '1200 SIGTERM', '2000 kill']);
  });
});

test('a run is cleared up in stages, each on record: leftovers, finish, leftovers of finish', () => {
  const withFinish: Definition = { ...DEFINITION, finish: 'usable' };
  const spawnedFinish = { type: 'finish_spawned', pid: 88 } as const;
  const stages = [[], [CLEARED], [CLEARED, spawnedFinish], [CLEARED, spawnedFinish, CLEARED]].map((events) => {
    const { machine, effects } = take([...RUNNING, EXITED, ...events], 300, withFinish);
    return [machine.state === 'finishing' && machine.ended.stage, ...effects];
  });
  expect(stages).toEqual([
    [{ name: 'sweep' }, 'clear_up'],
    [{ name: 'finish', pid: 0 }, 'clear_up'],
    [{ name: 'finish', pid: 88 }],
    [{ name: 'sweep_finish', session: 88 }, 'clear_up'],
  ]);
  const over = take([...RUNNING, EXITED, CLEARED, spawnedFinish, CLEARED, CLEARED], 300, withFinish);
  expect(over.machine.state).toBe('backoff');
});

test('finish has its own time after a stop, whatever time the leftovers have used', () => {
  const withFinish: Definition = { ...DEFINITION, finish: 'usable' };
  const slowStop = { ...STOP, timeoutMs: 60_000 } as const;
  const untilKilled = (...events: readonly MachineEvent[]): number => {
    const all = [...RUNNING, ...events];
    const { timerAtMs = Number.POSITIVE_INFINITY } = take(all, 300, withFinish).machine;
    return timerAtMs - 300 * all.length;
  };
  expect(untilKilled(slowStop, DONE)).toBe(60_000 - 300 + FINISH_MS);
  expect(untilKilled(slowStop, DONE, CLEARED)).toBe(FINISH_MS);
  expect(untilKilled(SHUTDOWN, DONE, SHUTDOWN, CLEARED)).toBeLessThanOrEqual(FINISH_MS);
});

test('a run goes on with the process that it has named, in the session of the first process', () => {
  const { machine } = take([...RUNNING, MAIN_PID, SUCCEEDED]);
  expect(runOf(machine)).toMatchObject({ pid: 78, session: 77, mainPid: 0 });
  const ended = take([...RUNNING, MAIN_PID, SUCCEEDED, EXITED]).machine;
  expect(ended.state === 'finishing' && ended.ended.session).toBe(77);
});

test('a start timeout and a stop are extended, but not beyond a shutdown', () => {
  const slow: Definition = { ...DEFINITION, ready: { kind: 'notify' }, startTimeoutMs: 1_000 };
  expect(take([START, SPAWNED, EXTENDED], 300, slow).machine.timerAtMs).toBe(60_900);
  expect(take([START, SPAWNED, EXTENDED]).machine.timerAtMs).toBe(take([START, SPAWNED]).machine.timerAtMs);
  expect(take([...RUNNING, STOP, EXTENDED]).machine.timerAtMs).toBe(61_500);
  const shutdown = [...RUNNING, SHUTDOWN];
  expect(take([...shutdown, EXTENDED]).machine.timerAtMs).toBe(take(shutdown).machine.timerAtMs);
});

test('nothing is published where nothing changes', () => {
  const { machine } = take([STOP]);
  expect(step(machine, STOP, { nowMs: 9000, random: 0, definition: DEFINITION }).machine).toBe(machine);
});

test('the advice of a failed service is gone with the next attempt: somebody may just have followed it', () => {
  const failed = [START, UNSTARTABLE, CLEARED].reduce(
    (machine: Machine, event: MachineEvent) =>
      step(machine, event, { nowMs: 0, random: 0, definition: DEFINITION }).machine,
    initialMachine(true, 0),
  );
  expect(failed).toMatchObject({ state: 'failed', trouble: 'run does not exist' });
  const { machine } = step(failed, CHANGED, { nowMs: 1, random: 0, definition: DEFINITION });
  expect(machine).toMatchObject({ state: 'starting', trouble: '' });
});

describe('whatever happens', () => {
  const events: fc.Arbitrary<MachineEvent> = fc.oneof(
    fc.constantFrom<MachineEvent>(START, ONCE, STOP, RESTART, SPAWNED, SPAWN_FAILED, EXITED, UNSTARTABLE, CLEARED),
    fc.constantFrom<MachineEvent>(TIMER, TIMER, CHANGED, REMOVED, RESTORED, KILL_NOW, SPAWNED, EXITED, CLEARED),
    fc.constantFrom<MachineEvent>(EXTENDED, MAIN_PID, SUCCEEDED),
    fc.constantFrom<MachineEvent>(SV_STOP, TERMINATE, KILL, RELEASE, END_REQUESTED, TERM_SENT, PREPARED),
    fc.constantFrom<MachineEvent>(
      { type: 'paused', paused: true },
      { type: 'paused', paused: false },
      FORBID,
      SHUTDOWN,
    ),
    fc.constantFrom<MachineEvent>(READY, UNREADY, CONDITIONS_LOST, CONDITIONS_MET),
  );
  const histories = fc.array(fc.tuple(events, fc.integer({ min: 0, max: 20_000 })), { maxLength: 60 });

  test('each state leads only where its cell says, and nothing is spawned when spawning is forbidden', () => {
    fc.assert(
      fc.property(histories, (history) => {
        let machine: Machine = initialMachine(true, 0);
        let nowMs = 0;
        for (const [event, gapMs] of history) {
          nowMs += gapMs;
          const before = machine;
          // The host answers each order to spawn once.
          if (['spawned', 'spawn_failed', 'prepared'].includes(event.type) && pidOf(before) !== 0) continue;
          const { machine: after, effects } = step(before, event, { nowMs, random: 0.5, definition: DEFINITION });
          const { starts, restarts } = after.counters;
          const spawns = effects.filter(({ type }) => type === 'prepare').length;
          const laws: Readonly<Record<string, boolean>> = {
            'leads where its cell says':
              after.state === before.state || TABLE[before.state][event.type].to.includes(after.state),
            'a start is a new run': spawns === after.runNumber - before.runNumber,
            'no spawn when nothing may be started':
              spawns === 0 || (after.state === 'starting' && !after.startsForbidden && !after.removed),
            'counters never fall': hasGrown(before.counters, after.counters),
            'the first start is no restart': sum(restarts) <= Math.max(0, starts - 1),
            'what ended is known while it is cleared up': 'ended' in after === (after.state === 'finishing'),
            'no process where none can be': 'run' in after === ['starting', 'up', 'stopping'].includes(after.state),
            'nothing waits for what never comes': !(
              after.startsForbidden && ['waiting', 'backoff', 'failed'].includes(after.state)
            ),
            'nothing starts while a condition is not met': spawns === 0 || after.unmet.length === 0,
            'a state that has to end has a timer':
              after.timerAtMs !== undefined || !['finishing', 'backoff', 'failed'].includes(after.state),
            'a stop with a time limit has a timer':
              after.timerAtMs !== undefined ||
              after.state !== 'stopping' ||
              !('timeoutMs' in event && (event.timeoutMs ?? 0) < Number.POSITIVE_INFINITY) ||
              (event.type === 'restart' && (after.startsForbidden || after.removed)),
            'what is left comes back': !(after.state === 'down' && after.releasing) || after.timerAtMs !== undefined,
          };
          for (const [law, holds] of Object.entries(laws))
            if (!holds) throw new Error(`${before.state} + ${event.type} → ${after.state} breaks: ${law}`);
          machine = after;
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

const sum = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((total, count) => total + count);

function hasGrown(before: ServiceCounters, after: ServiceCounters): boolean {
  const flat = ({ starts, startFailures, kills, restarts, exits }: ServiceCounters) => [
    ...[starts, startFailures, kills],
    ...Object.values(restarts),
    ...Object.values(exits),
  ];
  const later = flat(after);
  return flat(before).every((count, index) => count <= (later[index] ?? -1));
}
