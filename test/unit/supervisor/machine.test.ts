import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Effect, initialMachine, type Machine, type MachineEvent } from '../../../src/supervisor/machine.js';
import { step, TABLE } from '../../../src/supervisor/table.js';
import type { Cause, ServiceCounters, State } from '../../../src/types/service.js';

const FINISH_MS = 5000;
const API: Cause = { kind: 'api', actor: 'uid 0' };
const KILLED = { kind: 'signaled', signal: 9, coreDumped: false } as const;

const START = { type: 'start', cause: API } as const;
const ONCE = { type: 'start', cause: API, once: true } as const;
const STOP = { type: 'stop', cause: API, timeoutMs: 500 } as const;
const RESTART = { type: 'restart', cause: API, timeoutMs: 500 } as const;
const SV: Cause = { kind: 'sv' };
const SV_STOP = { type: 'stop', cause: SV, timeoutMs: Number.POSITIVE_INFINITY, insist: true } as const;
const TERMINATE = { type: 'terminate', cause: SV } as const;
const KILL = { type: 'kill', cause: SV } as const;
const LEAVE = { type: 'leave', cause: SV } as const;
const TOLD = { type: 'told', cause: SV } as const;
const TERMED = { type: 'termed' } as const;
const WITHHELD = { type: 'withheld' } as const;
const SPAWNED = { type: 'spawned', pid: 77 } as const;
const SPAWN_FAILED = { type: 'spawn_failed', trouble: 'no room' } as const;
const EXITED = { type: 'exited', status: { kind: 'exited', code: 3 } } as const;
const UNSTARTABLE = {
  type: 'exited',
  status: { kind: 'exited', code: 111 },
  unstartable: 'run does not exist',
} as const;
const FINISHED = { type: 'finished' } as const;
const TIMER = { type: 'timer' } as const;
const CHANGED = { type: 'changed' } as const;
const REMOVED = { type: 'removed', timeoutMs: 500 } as const;
const RESTORED = { type: 'restored', autostart: true } as const;
const FORBID = { type: 'forbid_starts' } as const;
const HALT = { type: 'halt', cause: { kind: 'shutdown' }, timeoutMs: 500 } as const;
const HURRY = { type: 'hurry' } as const;

const RUNNING = [START, SPAWNED, TIMER] as const;
/** How each state is come to. */
const PATHS: Readonly<Record<State, readonly MachineEvent[]>> = {
  down: [],
  starting: [START, SPAWNED],
  up: RUNNING,
  stopping: [...RUNNING, STOP],
  finishing: [...RUNNING, EXITED],
  backoff: [...RUNNING, EXITED, FINISHED],
  failed: [START, UNSTARTABLE, FINISHED],
};

interface Run {
  readonly machine: Machine;
  /** What the last event led to. */
  readonly effects: readonly string[];
}

/** Takes the events, 300 ms apart, beginning with a service that is down. */
function take(events: readonly MachineEvent[], gapMs = 300): Run {
  let machine = initialMachine(true, 0);
  let effects: readonly string[] = [];
  for (const [index, event] of events.entries()) {
    const next = step(machine, event, { nowMs: (index + 1) * gapMs, random: 0.5, finishTimeoutMs: FINISH_MS });
    machine = next.machine;
    effects = next.effects.map(describeEffect);
  }
  return { machine, effects };
}

function describeEffect(effect: Effect): string {
  if (effect.type === 'kill') return effect.group ? 'KILL group' : 'KILL';
  if (effect.type !== 'terminate') return effect.type;
  const { script, wake, after } = effect;
  return [
    script ? 'control/t or TERM' : 'TERM',
    ...(wake ? ['CONT'] : []),
    ...(after ? [`control/${after}`] : []),
  ].join(' ');
}

describe('one event in each state', () => {
  const table: readonly (readonly [State, MachineEvent, State, ...string[]])[] = [
    ['down', START, 'starting', 'spawn'],
    ['down', RESTART, 'starting', 'spawn'],
    ['down', STOP, 'down'],
    ['down', TIMER, 'down'],
    ['down', CHANGED, 'down'],
    ['down', EXITED, 'down'],
    ['down', REMOVED, 'down', 'forget'],
    ['down', HALT, 'down'],
    ['down', TERMINATE, 'down'],
    ['down', KILL, 'down'],
    ['down', LEAVE, 'down'],

    ['starting', START, 'starting'],
    ['starting', STOP, 'stopping', 'control/t or TERM CONT control/d'],
    ['starting', RESTART, 'stopping', 'control/t or TERM CONT'],
    ['starting', SPAWN_FAILED, 'backoff'],
    ['starting', EXITED, 'finishing', 'clear_up'],
    ['starting', TIMER, 'up'],
    ['starting', REMOVED, 'stopping', 'control/t or TERM CONT control/x'],
    ['starting', FORBID, 'starting'],
    ['starting', HALT, 'stopping', 'control/t or TERM CONT control/d'],

    ['starting', TERMINATE, 'stopping', 'TERM'],
    ['starting', KILL, 'stopping', 'KILL'],
    ['starting', LEAVE, 'stopping', 'control/t or TERM CONT control/x'],
    ['starting', WITHHELD, 'down'],

    ['up', START, 'up'],
    ['up', TERMINATE, 'stopping', 'TERM'],
    ['up', KILL, 'stopping', 'KILL'],
    ['up', LEAVE, 'stopping', 'control/t or TERM CONT control/x'],
    ['up', TOLD, 'up'],
    ['up', STOP, 'stopping', 'control/t or TERM CONT control/d'],
    ['up', RESTART, 'stopping', 'control/t or TERM CONT'],
    ['up', EXITED, 'finishing', 'clear_up'],
    ['up', CHANGED, 'up'],
    ['up', REMOVED, 'stopping', 'control/t or TERM CONT control/x'],
    ['up', RESTORED, 'up'],
    ['up', FORBID, 'up'],
    ['up', HALT, 'stopping', 'control/t or TERM CONT control/d'],
    ['up', HURRY, 'up'],

    ['stopping', START, 'stopping'],
    ['stopping', STOP, 'stopping'],
    ['stopping', RESTART, 'stopping'],
    ['stopping', SPAWNED, 'stopping', 'control/t or TERM CONT control/d'],
    ['stopping', SPAWN_FAILED, 'down'],
    ['stopping', EXITED, 'finishing', 'clear_up'],
    ['stopping', TIMER, 'stopping', 'KILL group'],
    ['stopping', HURRY, 'stopping', 'KILL group'],
    ['stopping', HALT, 'stopping'],

    ['stopping', SV_STOP, 'stopping', 'control/t or TERM CONT control/d'],
    ['stopping', TERMINATE, 'stopping', 'TERM CONT control/d'],
    ['stopping', KILL, 'stopping', 'KILL'],
    ['stopping', LEAVE, 'stopping', 'control/t or TERM CONT control/x'],
    ['stopping', TERMED, 'stopping'],
    ['stopping', WITHHELD, 'down'],

    ['finishing', START, 'finishing'],
    ['finishing', TERMINATE, 'finishing'],
    ['finishing', KILL, 'finishing'],
    ['finishing', LEAVE, 'finishing'],
    ['finishing', STOP, 'finishing'],
    ['finishing', RESTART, 'finishing'],
    ['finishing', EXITED, 'finishing'],
    ['finishing', FINISHED, 'backoff'],
    ['finishing', TIMER, 'finishing', 'kill_finish'],
    ['finishing', HURRY, 'finishing', 'kill_finish'],
    ['finishing', HALT, 'finishing'],

    ['backoff', TERMINATE, 'backoff'],
    ['backoff', KILL, 'backoff'],
    ['backoff', LEAVE, 'down'],
    ['backoff', START, 'starting', 'spawn'],
    ['backoff', RESTART, 'starting', 'spawn'],
    ['backoff', STOP, 'down'],
    ['backoff', TIMER, 'starting', 'spawn'],
    ['backoff', CHANGED, 'starting', 'spawn'],
    ['backoff', REMOVED, 'down', 'forget'],
    ['backoff', FORBID, 'down'],
    ['backoff', HALT, 'down'],

    ['failed', START, 'starting', 'spawn'],
    ['failed', STOP, 'down'],
    ['failed', TIMER, 'starting', 'spawn'],
    ['failed', CHANGED, 'starting', 'spawn'],
    ['failed', REMOVED, 'down', 'forget'],
    ['failed', FORBID, 'down'],
  ];
  test.each(table.map(([state, event, to, ...effects]) => [state, event.type, to, effects.join(', '), event] as const))(
    '%s + %s → %s (%s)',
    (state, _type, to, effects, event) => {
      expect(take(PATHS[state]).machine.state).toBe(state);
      const after = take([...PATHS[state], event]);
      expect([after.machine.state, after.effects.join(', ')]).toEqual([to, effects]);
    },
  );
});

describe('what follows a run', () => {
  test.each<[string, readonly MachineEvent[], State]>([
    ['a short run: a delay', [...RUNNING, EXITED, FINISHED], 'backoff'],
    ['a run that was told to end: nothing', [...RUNNING, STOP, EXITED, FINISHED], 'down'],
    ['a run that was told to end for another: that', [...RUNNING, RESTART, EXITED, FINISHED], 'starting'],
    ['a stop that was taken back: the next run', [...RUNNING, STOP, START, EXITED, FINISHED], 'starting'],
    ['a restart that was overtaken by a stop: nothing', [...RUNNING, RESTART, STOP, EXITED, FINISHED], 'down'],
    ['a start while it is cleared up: no delay', [...RUNNING, EXITED, START, FINISHED], 'starting'],
    ['a stop while it is cleared up: nothing', [...RUNNING, EXITED, STOP, FINISHED], 'down'],
    ['a run that was wanted once: nothing', [ONCE, SPAWNED, TIMER, EXITED, FINISHED], 'down'],
    ['a run that was wanted once, asked for once more', [ONCE, SPAWNED, EXITED, ONCE, FINISHED], 'starting'],
    ['a run that was terminated: the next one', [...RUNNING, TERMINATE, TERMED, EXITED, FINISHED], 'starting'],
    ['a run that was killed: the next one', [...RUNNING, KILL, EXITED, FINISHED], 'starting'],
    ['a run that was told to end by a script and did: the next one', [...RUNNING, TOLD, EXITED, FINISHED], 'starting'],
    ['a run that was wanted once and was terminated: nothing', [ONCE, SPAWNED, TERMINATE, EXITED, FINISHED], 'down'],
    ['a run that was wanted once and was told to end: nothing', [ONCE, SPAWNED, TOLD, EXITED, FINISHED], 'down'],
    ['a run that was terminated and then stopped: nothing', [...RUNNING, TERMINATE, SV_STOP, EXITED, FINISHED], 'down'],
    ['a run whose directory went away: nothing', [...RUNNING, REMOVED, EXITED, FINISHED], 'down'],
    ['a directory that came back: the next run', [...RUNNING, REMOVED, RESTORED, EXITED, FINISHED], 'starting'],
    ['a scan during a stop: nothing', [...RUNNING, STOP, RESTORED, EXITED, FINISHED], 'down'],
    ['a run that cannot be executed: waiting for a change', [START, UNSTARTABLE, FINISHED], 'failed'],
    ['one that was mended meanwhile: the next run', [START, UNSTARTABLE, CHANGED, FINISHED], 'starting'],
    ['a crash after the shutdown began: nothing', [...RUNNING, FORBID, EXITED, FINISHED], 'down'],
    ['a restart when the shutdown has begun: nothing', [...RUNNING, FORBID, RESTART, EXITED, FINISHED], 'down'],
    ['a failed fork when the shutdown has begun: nothing', [START, FORBID, SPAWN_FAILED], 'down'],
  ])('%s', (_what, events, state) => {
    expect(take(events).machine.state).toBe(state);
  });

  test('a run of a second or more: the next run at once', () => {
    expect(take([...RUNNING, EXITED, FINISHED], 600).machine.state).toBe('starting');
  });

  test('a stop through sv waits for as long as it takes', () => {
    const { machine } = take([...RUNNING, SV_STOP]);
    expect(machine).toMatchObject({ state: 'stopping', desired: 'down', timerAtMs: undefined });
    expect(take([...RUNNING, SV_STOP, HALT]).machine.timerAtMs).toBeDefined();
  });

  test('exit: down, let go of for two seconds, and begun anew', () => {
    const left = take([...RUNNING, LEAVE, EXITED, FINISHED]);
    expect(left.machine).toMatchObject({ state: 'down', leaving: true });
    expect((left.machine.timerAtMs ?? 0) - left.machine.stateSinceMs).toBe(2_000);
    const anew = take([...RUNNING, LEAVE, EXITED, FINISHED, TIMER]);
    expect([anew.machine.leaving, anew.effects]).toEqual([false, ['begin_anew']]);
    expect(take([...RUNNING, LEAVE, EXITED, FINISHED, STOP]).machine).toMatchObject({
      leaving: false,
      timerAtMs: undefined,
    });
    expect(take([...RUNNING, LEAVE, FORBID, EXITED, FINISHED]).machine.timerAtMs).toBeUndefined();
  });

  test('each failure doubles the delay, up to half a minute', () => {
    let machine = initialMachine(true, 0);
    const delays: number[] = [];
    for (let round = 0; round < 7; round++)
      for (const event of [round === 0 ? START : TIMER, SPAWNED, EXITED, FINISHED]) {
        machine = step(machine, event, { nowMs: 0, random: 0.5, finishTimeoutMs: FINISH_MS }).machine;
        if (machine.state === 'backoff') delays.push(machine.timerAtMs ?? 0);
      }
    expect(delays).toEqual([1000, 2000, 4000, 8000, 16000, 30000, 30000]);
  });

  test('ten seconds up, and earlier failures are forgiven', () => {
    const up = take([...RUNNING, EXITED, FINISHED, TIMER, SPAWNED, TIMER]);
    expect(up.machine).toMatchObject({ state: 'up', consecutiveFailures: 1, trouble: '' });
    expect((up.machine.timerAtMs ?? 0) - up.machine.stateSinceMs).toBe(10_000);
    expect(step(up.machine, TIMER, { nowMs: 99_999, random: 0, finishTimeoutMs: FINISH_MS }).machine).toMatchObject({
      state: 'up',
      consecutiveFailures: 0,
      timerAtMs: undefined,
    });
  });

  test('a service without failures has no timer while it is up', () => {
    expect(take(RUNNING).machine.timerAtMs).toBeUndefined();
  });
});

describe('what is counted', () => {
  const restartsAfter = (events: readonly MachineEvent[], gapMs?: number) =>
    Object.entries(take(events, gapMs).machine.counters.restarts).filter(([, count]) => count > 0);

  test('a restart by its reason', () => {
    expect(restartsAfter([...RUNNING, RESTART, EXITED, FINISHED, SPAWNED])).toEqual([['api', 1]]);
    expect(restartsAfter([...RUNNING, EXITED, FINISHED, TIMER, SPAWNED])).toEqual([['exit', 1]]);
    expect(restartsAfter([...RUNNING, { type: 'exited', status: KILLED }, FINISHED, SPAWNED], 600)).toEqual([
      ['signal', 1],
    ]);
    for (const order of [TERMINATE, KILL, TOLD])
      expect(restartsAfter([...RUNNING, order, EXITED, FINISHED, SPAWNED])).toEqual([['sv', 1]]);
    expect(restartsAfter([...RUNNING, UNSTARTABLE, FINISHED, TIMER, SPAWNED])).toEqual([['start_failure', 1]]);
  });

  test('no restart for the first run, whatever was in its way, nor for a start after a stop', () => {
    expect(restartsAfter([START, SPAWN_FAILED, TIMER, SPAWNED])).toEqual([]);
    expect(restartsAfter([...RUNNING, STOP, EXITED, FINISHED, START, SPAWNED])).toEqual([]);
  });

  test('a stop that needed KILL once, however often it was sent', () => {
    expect(take([...RUNNING, STOP, TIMER, TIMER, HURRY]).machine.counters.kills).toBe(1);
  });

  test('an attempt that came to no process as a failure to start, not as a run', () => {
    const { machine } = take([START, UNSTARTABLE, FINISHED, TIMER, SPAWN_FAILED]);
    expect(machine.counters).toMatchObject({ starts: 0, startFailures: 2 });
    expect(machine).toMatchObject({ run: 2, lastExit: undefined });
  });
});

test('nothing is published where nothing changes', () => {
  const { machine } = take([STOP]);
  expect(step(machine, STOP, { nowMs: 9000, random: 0, finishTimeoutMs: FINISH_MS }).machine).toBe(machine);
});

describe('whatever happens', () => {
  const events: fc.Arbitrary<MachineEvent> = fc.oneof(
    fc.constantFrom<MachineEvent>(START, ONCE, STOP, RESTART, SPAWNED, SPAWN_FAILED, EXITED, UNSTARTABLE, FINISHED),
    fc.constantFrom<MachineEvent>(TIMER, TIMER, CHANGED, REMOVED, RESTORED, HURRY, SPAWNED, EXITED, FINISHED),
    fc.constantFrom<MachineEvent>(SV_STOP, TERMINATE, KILL, LEAVE, TOLD, TERMED, WITHHELD),
    fc.constantFrom<MachineEvent>({ type: 'paused', paused: true }, { type: 'paused', paused: false }, FORBID, HALT),
  );
  const histories = fc.array(fc.tuple(events, fc.integer({ min: 0, max: 20_000 })), { maxLength: 60 });

  test('each state leads only to where its cell says, and nothing is spawned when nothing may be', () => {
    fc.assert(
      fc.property(histories, (history) => {
        let machine = initialMachine(true, 0);
        let nowMs = 0;
        for (const [event, gapMs] of history) {
          nowMs += gapMs;
          const before = machine;
          // The host says one thing of each order to spawn.
          if (['spawned', 'spawn_failed', 'withheld'].includes(event.type) && before.pid !== 0) continue;
          const { machine: after, effects } = step(before, event, { nowMs, random: 0.5, finishTimeoutMs: FINISH_MS });
          const { starts, restarts } = after.counters;
          const spawns = effects.filter(({ type }) => type === 'spawn').length;
          const laws: Readonly<Record<string, boolean>> = {
            'leads where its cell says':
              after.state === before.state || TABLE[before.state][event.type].to.includes(after.state),
            'a spawn is a new run': spawns === after.run - before.run,
            'no spawn when nothing may be started':
              spawns === 0 || (after.state === 'starting' && !after.halted && !after.removed),
            'counters never fall': hasGrown(before.counters, after.counters),
            'the first start is no restart': sum(restarts) <= Math.max(0, starts - 1),
            'what ended is known while it is cleared up': (after.ended !== undefined) === (after.state === 'finishing'),
            'no process where none can be': after.pid === 0 || ['starting', 'up', 'stopping'].includes(after.state),
            'nothing waits for what never comes': !(after.halted && ['backoff', 'failed'].includes(after.state)),
            'a state that has to end has a timer':
              after.timerAtMs !== undefined || ['down', 'up', 'starting', 'stopping'].includes(after.state),
            'a stop with a time limit has a timer':
              after.timerAtMs !== undefined ||
              after.state !== 'stopping' ||
              !('timeoutMs' in event && event.timeoutMs < Number.POSITIVE_INFINITY) ||
              (event.type === 'restart' && (after.halted || after.removed)),
            'what is left comes back': !(after.state === 'down' && after.leaving) || after.timerAtMs !== undefined,
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
