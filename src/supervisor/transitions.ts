/** What happens to a service: the small named rules that table.ts is made of. */

import type { Cause, Desired, ExitKind, ExitStatus, RestartReason, State } from '../types/service.js';
import { describeExit, describeShortRun } from './describe-exit.js';
import type { Effect, EndedRun, EventType, Machine, MachineEvent, Now, Step } from './machine.js';
import { backOffMs, FORGIVEN_AFTER_MS, KILL_AGAIN_MS, LEFT_MS, retryMs, SETTLE_MS, SHORT_RUN_MS } from './pacing.js';

/** A rule: what an event makes of a service. */
export type Act<T extends EventType> = (machine: Machine, event: Extract<MachineEvent, { type: T }>, now: Now) => Step;

// --- starting --------------------------------------------------------------------------------------------------------

export const start: Act<'start'> = (machine, event, now) =>
  mayStart(machine)
    ? spawn({ ...machine, desired: desiredBy(event), consecutiveFailures: 0 }, now, event.cause)
    : keep(machine);

export const restart: Act<'restart'> = (machine, event, now) =>
  mayStart(machine)
    ? spawn({ ...machine, ...wantRestart(event.cause), consecutiveFailures: 0 }, now, event.cause)
    : keep(machine);

/** The delay is over. */
export const retry: Act<'timer'> = (machine, _event, now) => spawn(machine, now, machine.cause);

export const retryChanged: Act<'changed'> = (machine, _event, now) =>
  spawn({ ...machine, consecutiveFailures: 0, restartReason: 'scan' }, now, CHANGED);

/** It runs or will: only what is wanted after this run can change. */
export const wantUp: Act<'start'> = (machine, event) =>
  mayStart(machine) ? keep(machine, { desired: desiredBy(event) }) : keep(machine);

/** The process exists: it is given a moment to show that it stays. */
export const spawned: Act<'spawned'> = (machine, event, now) =>
  keep(countStart(machine, event.pid), { timerAtMs: now.nowMs + SETTLE_MS, restartReason: undefined });

/** It was told to stop between the order to spawn and the answer; what follows the stop is still to be remembered. */
export const spawnedTooLate: Act<'spawned'> = (machine, event) =>
  keep(countStart(machine, event.pid), {}, terminateEffect(machine));

export const spawnFailed: Act<'spawn_failed'> = (machine, event, now) =>
  backOff({ ...countStartFailure(machine), restartReason: 'start_failure' }, now, event.trouble);

export const spawnFailedStopping: Act<'spawn_failed'> = (machine, _event, now) =>
  withoutProcess(countStartFailure(machine), now);

/** Nothing is started any more, and was not yet. */
export const withheld: Act<'withheld'> = (machine, _event, now) => settleDown(machine, now);

export const withheldStopping: Act<'withheld'> = (machine, _event, now) => withoutProcess(machine, now);

export const settled: Act<'timer'> = (machine, _event, now) =>
  enter(machine, 'up', now, {
    trouble: '',
    timerAtMs: machine.consecutiveFailures > 0 ? now.nowMs + FORGIVEN_AFTER_MS : undefined,
  });

export const forgiven: Act<'timer'> = (machine) => keep(machine, { consecutiveFailures: 0, timerAtMs: undefined });

// --- stopping --------------------------------------------------------------------------------------------------------

export const stopRun: Act<'stop'> = (machine, event, now) => terminate({ ...machine, ...WANT_DOWN }, now, event);

export const restartRun: Act<'restart'> = (machine, event, now) =>
  mayStart(machine) ? terminate({ ...machine, ...wantRestart(event.cause) }, now, event) : keep(machine);

export const haltRun: Act<'halt'> = (machine, event, now) =>
  terminate({ ...machine, ...WANT_DOWN, halted: true }, now, event);

export const removeRun: Act<'removed'> = (machine, { timeoutMs }, now) =>
  terminate({ ...machine, ...WANT_DOWN, removed: true }, now, { cause: GONE, timeoutMs });

/** What is wanted up is started again when it has ended. */
export const terminateRun: Act<'terminate'> = (machine, { cause }, now) =>
  machine.pid === 0 ? keep(machine) : endRun(machine, now, cause, termEffect(machine));

export const killRun: Act<'kill'> = (machine, { cause }, now) =>
  machine.pid === 0 ? keep(machine) : endRun({ ...machine, killed: true }, now, cause, { type: 'kill', group: false });

export const told: Act<'told'> = (machine, { cause }) => keep(machine, { told: cause });

export const leaveRun: Act<'leave'> = (machine, { cause }, now) =>
  terminate({ ...machine, ...WANT_DOWN, leaving: true }, now, { cause, timeoutMs: Number.POSITIVE_INFINITY });

/** A later order cannot put the KILL off, only bring it forward. */
export const stopSooner: Act<'stop'> = (machine, event, now) => {
  const change = { ...WANT_DOWN, cause: event.cause, timerAtMs: sooner(machine, now, event.timeoutMs) };
  return keep(machine, change, ...(event.insist ? [terminateEffect({ ...machine, ...change })] : []));
};

export const haltSooner: Act<'halt'> = (machine, event, now) =>
  keep(machine, { ...WANT_DOWN, halted: true, cause: event.cause, timerAtMs: sooner(machine, now, event.timeoutMs) });

export const startAfterStop: Act<'start'> = (machine, event) =>
  mayStart(machine) ? keep(machine, { desired: desiredBy(event), cause: event.cause, leaving: false }) : keep(machine);

export const restartAfterStop: Act<'restart'> = (machine, { cause, timeoutMs }, now) =>
  mayStart(machine)
    ? keep(machine, { ...wantRestart(cause), cause, timerAtMs: sooner(machine, now, timeoutMs) })
    : keep(machine);

export const terminateAgain: Act<'terminate'> = (machine) => keep(machine, {}, termEffect(machine));

export const leaveAfterStop: Act<'leave'> = (machine, { cause }) => {
  const change = { ...WANT_DOWN, cause, leaving: true };
  return keep(machine, change, terminateEffect({ ...machine, ...change }));
};

export const termed: Act<'termed'> = (machine) => keep(machine, { termed: true });

/** TERM was not enough. The process too, not its group alone: it may not lead one yet. */
export const kill = (machine: Machine, _event: unknown, now: Now): Step =>
  keep(machine, { ...killed(machine, now), timerAtMs: now.nowMs + KILL_AGAIN_MS }, { type: 'kill', group: true });

/** Somebody does not want to wait any longer: KILL, once, to the process alone. */
export const killStopping: Act<'kill'> = (machine, _event, now) =>
  keep(machine, killed(machine, now), { type: 'kill', group: false });

const killed = (machine: Machine, now: Now) => ({
  killed: true,
  trouble: `had not ended ${Math.round(now.nowMs - machine.stateSinceMs)} ms after TERM and was sent KILL`,
  counters: machine.killed ? machine.counters : { ...machine.counters, kills: machine.counters.kills + 1 },
});

// --- the end of a run ------------------------------------------------------------------------------------------------

/** It was told to end. */
export const endedAsTold: Act<'exited'> = (machine, event, now) =>
  clearUp({ ...machine, trouble: event.unstartable ?? '' }, event, now, {
    expected: true,
    next: event.unstartable === undefined ? 'start' : 'failed',
  });

/** It ended by itself. */
export const endedByItself: Act<'exited'> = (machine, event, now) => {
  const { status, unstartable } = event;
  const cause = machine.told;
  if (cause !== undefined) return endedAsTold({ ...machine, ...wantAfterRun(machine, cause), cause }, event, now);
  const kind = exitKindOf(status);
  // `once` is fulfilled; that it failed is worth a word even though nothing follows.
  const once = machine.desired === 'once';
  const trouble = once && kind !== 'success' ? describeExit(status) : machine.trouble;
  const judged: Machine = {
    ...machine,
    desired: once ? 'down' : machine.desired,
    cause: { kind: 'exit' },
    trouble: unstartable ?? trouble,
    restartReason:
      unstartable !== undefined ? 'start_failure' : kind === 'success' || kind === 'failure' ? 'exit' : 'signal',
  };
  const long = machine.pid === 0 || durationOf(machine, now) >= SHORT_RUN_MS;
  return clearUp(judged, event, now, {
    expected: false,
    next: unstartable !== undefined ? 'failed' : long ? 'start' : 'backoff',
  });
};

function clearUp(
  machine: Machine,
  { status, unstartable }: Extract<MachineEvent, { type: 'exited' }>,
  now: Now,
  { expected, next }: { readonly expected: boolean; readonly next: EndedRun['next'] },
): Step {
  const { pid, run, counters } = machine;
  const kind = exitKindOf(status);
  // Where not even `launch` was started there is no run that ended.
  const ran = pid !== 0;
  return enter(
    machine,
    'finishing',
    now,
    {
      pid: 0,
      paused: false,
      ended: { session: pid, status, next },
      ...(ran && { lastExit: { run, status, atMs: now.nowMs, durationMs: durationOf(machine, now), expected } }),
      timerAtMs: dueAt(now, now.finishTimeoutMs),
      counters: {
        ...counters,
        ...(ran && { exits: { ...counters.exits, [kind]: counters.exits[kind] + 1 } }),
        startFailures: counters.startFailures + (unstartable === undefined ? 0 : 1),
      },
    },
    { type: 'clear_up' },
  );
}

/** Nothing is left of the run. */
export const finished: Act<'finished'> = (machine, _event, now) => {
  const { ended, desired, consecutiveFailures } = machine;
  if (desired === 'down' || ended === undefined || !mayStart(machine)) return settleDown(machine, now);
  switch (ended.next) {
    case 'start':
      return spawn(machine, now, machine.cause);
    case 'backoff':
      return backOff(machine, now, describeShortRun(ended.status, machine.lastExit?.durationMs ?? 0));
    case 'failed':
      // Mended while it was being tried.
      if (machine.changed) return spawn({ ...machine, restartReason: 'scan' }, now, CHANGED);
      return enter(machine, 'failed', now, {
        startedAtMs: undefined,
        consecutiveFailures: consecutiveFailures + 1,
        timerAtMs: now.nowMs + retryMs(now.random),
      });
    default:
      return ended.next satisfies never;
  }
};

export const killFinish = (machine: Machine, _event: unknown, now: Now): Step =>
  keep(machine, { timerAtMs: now.nowMs + KILL_AGAIN_MS }, { type: 'kill_finish' });

/** `finish` has its own time limit: an order to stop does not shorten it. */
export const downAfterFinish: Act<'stop'> = (machine, event) =>
  keep(machine, { ...WANT_DOWN, cause: event.cause, trouble: '' });

export const leaveAfterFinish: Act<'leave'> = (machine, event) =>
  keep(machine, { ...WANT_DOWN, cause: event.cause, trouble: '', leaving: true });

export const haltAfterFinish: Act<'halt'> = (machine, event, now) =>
  keep(machine, { ...WANT_DOWN, halted: true, timerAtMs: sooner(machine, now, event.timeoutMs) });

export const startAfterFinish: Act<'start'> = (machine, event) => startAtOnce(machine, event.cause, desiredBy(event));

export const restartAfterFinish: Act<'restart'> = (machine, event) =>
  startAtOnce({ ...machine, restartReason: restartReasonOf(event.cause) }, event.cause, 'up');

/** Somebody asked for it while the run was being cleared up: no delay, whatever the run came to. */
function startAtOnce(machine: Machine, cause: Cause, desired: Desired): Step {
  if (!mayStart(machine) || machine.ended === undefined) return keep(machine);
  const ended = { ...machine.ended, next: 'start' } as const;
  return keep(machine, { desired, cause, leaving: false, consecutiveFailures: 0, ended });
}

// --- without a process -----------------------------------------------------------------------------------------------

export const giveUp: Act<'stop'> = (machine, event, now) => settleDown({ ...machine, trouble: '' }, now, event.cause);

export const giveUpLeaving: Act<'leave'> = (machine, event, now) =>
  settleDown({ ...machine, trouble: '', leaving: true }, now, event.cause);

export const giveUpForGood: Act<'forbid_starts'> = (machine, _event, now) =>
  settleDown({ ...machine, halted: true }, now, { kind: 'shutdown' });

export const giveUpHalted: Act<'halt'> = (machine, event, now) =>
  settleDown({ ...machine, halted: true }, now, event.cause);

export const giveUpRemoved: Act<'removed'> = (machine, _event, now) =>
  settleDown({ ...machine, removed: true }, now, GONE);

export const stayDown: Act<'stop'> = (machine) =>
  keep(machine, { desired: 'down', trouble: '', leaving: false, timerAtMs: undefined });

export const leaveDown: Act<'leave'> = (machine, event, now) =>
  settleDown({ ...machine, trouble: '', leaving: true }, now, event.cause);

/** It was let go of long enough. */
export const beginAnew: Act<'timer'> = (machine) =>
  machine.leaving ? keep(machine, { leaving: false, timerAtMs: undefined }, { type: 'begin_anew' }) : keep(machine);

export const stayDownHalted: Act<'halt'> = (machine) => keep(machine, { desired: 'down', halted: true });

// --- in any state ----------------------------------------------------------------------------------------------------

export const removedAfter: Act<'removed'> = (machine, { timeoutMs }, now) =>
  keep(machine, { ...WANT_DOWN, cause: GONE, removed: true, timerAtMs: sooner(machine, now, timeoutMs) });

/** The directory is there again before its service was forgotten: as if it were new. */
export const restored: Act<'restored'> = (machine, event) =>
  machine.removed && !machine.halted
    ? keep(machine, {
        removed: false,
        desired: event.autostart ? 'up' : 'down',
        cause: { kind: 'scan', message: 'its directory is there again' },
        restartReason: 'scan',
      })
    : keep(machine);

export const forbidStarts: Act<'forbid_starts'> = (machine) => keep(machine, { halted: true });

export const noteChange: Act<'changed'> = (machine) => keep(machine, { changed: true });

export const pause: Act<'paused'> = (machine, event) => keep(machine, { paused: event.paused });

/** Nothing to do, on purpose. */
export const ignore = (machine: Machine): Step => keep(machine);

// --- what the rules have in common -----------------------------------------------------------------------------------

export type TerminateEffect = Extract<Effect, { type: 'terminate' }>;

/** `control/t` has had its say. What is wanted down is ended as by a stop: runsv(8) goes by what is wanted, not by who asked. */
const termEffect = (machine: Machine): TerminateEffect =>
  machine.desired === 'up'
    ? { type: 'terminate', script: false, wake: false, after: undefined }
    : { ...terminateEffect({ ...machine, desired: 'down' }), script: false };

const WANT_DOWN = { desired: 'down', restartReason: undefined, leaving: false } as const;
const GONE: Cause = { kind: 'scan', message: 'its directory is gone' };
const CHANGED: Cause = { kind: 'scan', message: 'its directory changed' };

/** Stays in its state. The same object where nothing is new: then there is nothing to publish. */
function keep(machine: Machine, change: Partial<Machine> = {}, ...effects: readonly Effect[]): Step {
  const same = (Object.keys(change) as (keyof Machine)[]).every((key) => change[key] === machine[key]);
  return { machine: same ? machine : { ...machine, ...change }, effects };
}

/** Comes into a state. A timer belongs to the state that set it. */
const enter = (
  machine: Machine,
  state: State,
  now: Now,
  change: Partial<Machine>,
  ...effects: readonly Effect[]
): Step => ({
  machine: { ...machine, timerAtMs: undefined, ended: undefined, ...change, state, stateSinceMs: now.nowMs },
  effects,
});

/** Starts a run, unless nothing is started any more. */
function spawn(machine: Machine, now: Now, cause: Cause): Step {
  if (!mayStart(machine)) return settleDown(machine, now);
  return enter(
    machine,
    'starting',
    now,
    {
      cause,
      run: machine.run + 1,
      startedAtMs: now.nowMs,
      told: undefined,
      termed: false,
      killed: false,
      changed: false,
      leaving: false,
    },
    { type: 'spawn' },
  );
}

function terminate(
  machine: Machine,
  now: Now,
  { cause, timeoutMs }: { readonly cause: Cause; readonly timeoutMs: number },
): Step {
  const change = { cause, trouble: '', paused: false, timerAtMs: dueAt(now, timeoutMs) };
  return enter(machine, 'stopping', now, change, terminateEffect(machine));
}

/** Ends this run, however long it takes. */
const endRun = (machine: Machine, now: Now, cause: Cause, effect: Effect): Step =>
  enter(machine, 'stopping', now, { ...wantAfterRun(machine, cause), cause, trouble: '' }, effect);

/** When nobody has said what is to come after this run: what was wanted; `once` has had its run. */
const wantAfterRun = ({ desired }: Machine, cause: Cause) => (desired === 'up' ? wantRestart(cause) : WANT_DOWN);

/** As a stop ends a run: what `sv down` and `sv exit` mean for runsv(8). */
export const terminateEffect = ({ desired, leaving, removed }: Machine): TerminateEffect => ({
  type: 'terminate',
  script: true,
  wake: true,
  after: leaving || removed ? 'x' : desired === 'down' ? 'd' : undefined,
});

function withoutProcess(machine: Machine, now: Now): Step {
  return machine.desired === 'down' ? settleDown(machine, now) : spawn(machine, now, machine.cause);
}

function settleDown(machine: Machine, now: Now, cause = machine.cause): Step {
  const leaving = machine.leaving && mayStart(machine);
  const change = {
    ...WANT_DOWN,
    cause,
    leaving,
    startedAtMs: undefined,
    consecutiveFailures: 0,
    timerAtMs: leaving ? now.nowMs + LEFT_MS : undefined,
  };
  return enter(machine, 'down', now, change, ...(machine.removed ? [{ type: 'forget' } as const] : []));
}

function backOff(machine: Machine, now: Now, trouble: string): Step {
  if (!mayStart(machine)) return settleDown(machine, now);
  const consecutiveFailures = machine.consecutiveFailures + 1;
  return enter(machine, 'backoff', now, {
    startedAtMs: undefined,
    consecutiveFailures,
    trouble,
    timerAtMs: now.nowMs + backOffMs(consecutiveFailures, now.random),
  });
}

const mayStart = (machine: Machine): boolean => !machine.halted && !machine.removed;

const desiredBy = (event: { readonly once?: boolean }): Desired => (event.once ? 'once' : 'up');

const wantRestart = (cause: Cause) =>
  ({ desired: 'up', restartReason: restartReasonOf(cause), leaving: false }) as const;

const restartReasonOf = ({ kind }: Cause): RestartReason => (kind === 'sv' || kind === 'scan' ? kind : 'api');

/** The first start of all is no restart, whatever led to it. */
function countStart(machine: Machine, pid: number): Machine {
  const { restartReason, counters } = machine;
  const { starts, restarts } = counters;
  const counted =
    restartReason === undefined || starts === 0
      ? restarts
      : { ...restarts, [restartReason]: restarts[restartReason] + 1 };
  return { ...machine, pid, counters: { ...counters, starts: starts + 1, restarts: counted } };
}

const countStartFailure = (machine: Machine): Machine => ({
  ...machine,
  counters: { ...machine.counters, startFailures: machine.counters.startFailures + 1 },
});

/** undefined: never. */
const dueAt = ({ nowMs }: Now, timeoutMs: number): number | undefined =>
  timeoutMs === Number.POSITIVE_INFINITY ? undefined : nowMs + timeoutMs;

function sooner({ timerAtMs }: Machine, now: Now, timeoutMs: number): number | undefined {
  const dueAtMs = dueAt(now, timeoutMs);
  return timerAtMs === undefined || dueAtMs === undefined ? (timerAtMs ?? dueAtMs) : Math.min(timerAtMs, dueAtMs);
}

const durationOf = (machine: Machine, now: Now): number => now.nowMs - (machine.startedAtMs ?? now.nowMs);

const exitKindOf = (status: ExitStatus): ExitKind => {
  if (status.kind === 'exited') return status.code === 0 ? 'success' : 'failure';
  if (status.kind === 'lost') return 'lost';
  return status.coreDumped ? 'core' : 'signal';
};
