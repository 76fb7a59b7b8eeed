/** What happens to a service: the small named rules that table.ts is made of. */

import type { Cause, Desired, ExitKind, ExitStatus, RestartReason, State } from '../types/service.js';
import type { Definition } from './definition/definition.js';
import { describeExit, describeShortRun } from './describe-exit.js';
import { describeUnmet } from './describe-unmet.js';
import {
  type Effect,
  type EndedRun,
  type EventType,
  type Facts,
  type In,
  type Machine,
  type MachineEvent,
  type Next,
  type Now,
  type Phase,
  pidOf,
  processOf,
  type Run,
  runOf,
  type Step,
  type StopEvent,
  type TerminateEffect,
} from './machine.js';
import { delayMs, KILL_AGAIN_MS, RELEASED_MS, retryMs, SHORT_RUN_MS } from './pacing.js';

/** A rule: what an event makes of a service in one of these states. */
export type Act<T extends EventType, S extends State = State> = (
  machine: In<S>,
  event: Extract<MachineEvent, { type: T }>,
  now: Now,
) => Step;

type Running = 'starting' | 'up';
type WithRun = Running | 'stopping';

// --- starting --------------------------------------------------------------------------------------------------------

export const start: Act<'start'> = (machine, event, now) =>
  mayStart(machine)
    ? begin({ ...machine, desired: desiredBy(event), consecutiveFailures: 0 }, now, event.cause)
    : keep(machine);

export const restart: Act<'restart'> = (machine, event, now) =>
  mayStart(machine)
    ? begin({ ...machine, ...wantRestart(event.cause), consecutiveFailures: 0 }, now, event.cause)
    : keep(machine);

/** The delay is over. */
export const retry: Act<'timer'> = (machine, _event, now) => begin(machine, now, machine.cause);

export const retryChanged: Act<'changed'> = (machine, _event, now) =>
  begin({ ...machine, consecutiveFailures: 0, restartReason: 'scan' }, now, CHANGED);

export const conditionsInWaiting: Act<'conditions', 'waiting'> = (machine, { unmet }, now) =>
  unmet.length === 0
    ? begin({ ...machine, unmet, trouble: '' }, now, machine.cause)
    : keep(machine, { unmet, trouble: describeUnmet(unmet) });

/** The run goes on or begins: only what is wanted after it can change. */
export const wantUp: Act<'start'> = (machine, event) =>
  mayStart(machine) ? keep(machine, { desired: desiredBy(event) }) : keep(machine);

export const prepared: Act<'prepared', 'starting'> = (machine, _event, now) => {
  if (!mayStart(machine)) return settleDown(machine, now);
  const { startedAtMs, changed } = machine.run;
  return keep(machine, { run: { stage: 'spawn', startedAtMs, changed } }, { type: 'spawn' });
};

/** A stop arrived while `control/u` ran: the spawn is called off. */
export const preparedTooLate: Act<'prepared', 'stopping'> = (machine, _event, now) => withoutProcess(machine, now);

export const spawned: Act<'spawned', 'starting'> = (machine, event, now) =>
  keep(countStart(machine), {
    run: runOfProcess(machine.run, event.pid),
    restartReason: undefined,
    timerAtMs: readyByDelay(now.definition)
      ? now.nowMs + now.definition.ready.delayMs
      : dueAt(now, machine.run.startedAtMs + now.definition.startTimeoutMs - now.nowMs),
  });

/** A stop arrived while the process was being spawned: terminate it. `restartReason` stays, for the start after the stop. */
export const spawnedTooLate: Act<'spawned', 'stopping'> = (machine, event) =>
  keep(countStart(machine), { run: runOfProcess(machine.run, event.pid) }, terminateEffect(machine));

export const spawnFailed: Act<'spawn_failed', 'starting'> = (machine, event, now) =>
  backOff({ ...countStartFailure(machine), restartReason: 'start_failure' }, now, event.trouble);

export const spawnFailedStopping: Act<'spawn_failed', 'stopping'> = (machine, _event, now) =>
  withoutProcess(countStartFailure(machine), now);

// --- readiness -------------------------------------------------------------------------------------------------------

/** The delay makes the service ready, or it was not ready in time. */
export const settled: Act<'timer', 'starting'> = (machine, _event, now) => {
  if (readyByDelay(now.definition)) return becomeUp(machine, now);
  const startedMs = Math.round(now.nowMs - machine.run.startedAtMs);
  const why = machine.trouble === '' ? '' : ` (${machine.trouble})`;
  const trouble = `was not ready ${startedMs} ms after its start${why}`;
  const failed = { ...countStartFailure(machine), restartReason: 'start_failure' as const };
  return terminate(failed, now, { cause: { kind: 'check' }, next: 'backoff', trouble });
};

export const becomesReady: Act<'ready', 'starting'> = (machine, _event, now) =>
  now.definition.type === 'oneshot' ? keep(machine) : becomeUp(machine, now);

export const readyAgain: Act<'ready', 'up'> = (machine) =>
  machine.ready ? keep(machine) : keep(machine, { ready: true, trouble: '' });

/** What keeps it from being ready is worth showing. */
export const notReadyYet: Act<'unready', 'starting'> = (machine, { trouble }) => keep(machine, { trouble });

export const notReady: Act<'unready', 'up'> = (machine, { trouble }) => keep(machine, { ready: false, trouble });

function becomeUp(machine: In<'starting'>, now: Now): Step {
  const run = processOf(machine);
  if (run === undefined) return keep(machine);
  const { resetAfterMs } = now.definition.policy.restartDelay;
  return enter(machine, { state: 'up', run, ready: true }, now, {
    trouble: '',
    timerAtMs: machine.consecutiveFailures > 0 ? now.nowMs + resetAfterMs : undefined,
  });
}

export const forgiven: Act<'timer', 'up'> = (machine) =>
  keep(machine, { consecutiveFailures: 0, timerAtMs: undefined });

const readyByDelay = (definition: Definition): definition is Definition & { ready: { kind: 'delay' } } =>
  definition.type === 'longrun' && definition.ready.kind === 'delay';

/** The run goes on with another process of it. */
export const succeeded: Act<'succeeded', WithRun> = (machine) => {
  const pid = processOf(machine)?.mainPid ?? 0;
  return pid === 0 ? keep(machine) : keep(machine, changeRun(machine, { pid, mainPid: 0 }));
};

export const noteMainPid: Act<'main_pid', WithRun> = (machine, { pid }) =>
  keep(machine, changeRun(machine, { mainPid: pid === pidOf(machine) ? 0 : pid }));

/** A start timeout that there is, is over no sooner than this. */
export const extendStart: Act<'extended', 'starting'> = (machine, { ms }, now) =>
  readyByDelay(now.definition) ? keep(machine) : keep(machine, { timerAtMs: later(machine, now, ms) });

/** KILL comes no sooner than this, except in a shutdown: its deadline is that of the container. */
export const extendStop: Act<'extended', 'stopping'> = (machine, { ms }, now) =>
  machine.startsForbidden || processOf(machine)?.killSent
    ? keep(machine)
    : keep(machine, { timerAtMs: later(machine, now, ms) });

// --- stopping --------------------------------------------------------------------------------------------------------

export const stopRun: Act<'stop', Running> = (machine, event, now) =>
  terminate({ ...machine, ...stopped(machine, event) }, now, event);

export const restartRun: Act<'restart', Running> = (machine, event, now) =>
  mayStart(machine) ? terminate({ ...machine, ...wantRestart(event.cause) }, now, event) : keep(machine);

/** Ends this run, however long it takes. A service that is wanted up is started again. */
export const endRun: Act<'end_run', Running> = (machine, { signal, cause }, now) => {
  const run = processOf(machine);
  if (run === undefined) return keep(machine);
  const killed = signal === 'KILL';
  return enter(
    machine,
    { state: 'stopping', run: { ...run, killSent: run.killSent || killed }, next: 'start' },
    now,
    { ...wantAfterRun(machine, cause), cause, trouble: '' },
    killed ? { type: 'kill', group: false } : termEffect(machine),
  );
};

/** A service that is wanted down gets what follows a stop, CONT and `control/d`: runsv(8) goes by what is wanted. */
export const endRequested: Act<'end_requested', Running> = (machine, { cause }) => {
  const up = machine.desired === 'up';
  const change = changeRun(machine, { endRequestedBy: cause, ...(!up && { paused: false }) });
  return up ? keep(machine, change) : keep(machine, change, { ...termEffect(machine), how: 'done' });
};

/** A later order cannot put the KILL off, only bring it forward. */
export const stopSooner: Act<'stop', 'stopping'> = (machine, event, now) => {
  const { cause } = event;
  const change = { ...stopped(machine, event), cause, timerAtMs: sooner(machine, now, graceMs(event, now)) };
  return keep(machine, change, ...(event.insist ? [terminateEffect({ ...machine, ...change })] : []));
};

export const startAfterStop: Act<'start', 'stopping'> = (machine, event) =>
  mayStart(machine)
    ? keep(machine, { desired: desiredBy(event), cause: event.cause, releasing: false, next: 'start' })
    : keep(machine);

export const restartAfterStop: Act<'restart', 'stopping'> = (machine, event, now) =>
  mayStart(machine)
    ? keep(machine, {
        ...wantRestart(event.cause),
        cause: event.cause,
        next: 'start',
        timerAtMs: sooner(machine, now, graceMs(event, now)),
      })
    : keep(machine);

/** KILL by order goes to the process alone. */
export const endRunStopping: Act<'end_run', 'stopping'> = (machine, { signal }, now) =>
  signal === 'TERM'
    ? keep(machine, {}, termEffect(machine))
    : keep(machine, killSent(machine, now), { type: 'kill', group: false });

export const termSent: Act<'term_sent', 'stopping'> = (machine) =>
  keep(machine, changeRun(machine, { termSent: true }));

/** TERM was not enough. KILL goes to the process as well as its group: it may not lead one yet. */
export const kill = (machine: In<'stopping'>, _event: unknown, now: Now): Step =>
  keep(machine, { ...killSent(machine, now), timerAtMs: now.nowMs + KILL_AGAIN_MS }, { type: 'kill', group: true });

function killSent(machine: In<'stopping'>, now: Now): Partial<In<'stopping'>> {
  const { counters } = machine;
  const again = processOf(machine)?.killSent === true;
  return {
    ...changeRun(machine, { killSent: true }),
    trouble: `had not ended ${Math.round(now.nowMs - machine.stateSinceMs)} ms after TERM and was sent KILL`,
    counters: again ? counters : { ...counters, kills: counters.kills + 1 },
  };
}

// --- the end of a run ------------------------------------------------------------------------------------------------

/** The run was asked to end. */
export const endedAsAsked: Act<'exited', 'stopping'> = (machine, event, now) =>
  clearUp({ ...machine, trouble: event.unstartable ?? '' }, event, now, {
    expected: machine.next === 'start',
    next: event.unstartable === undefined ? machine.next : 'failed',
    trouble: machine.next === 'start' ? '' : machine.trouble,
  });

export const endedByItself: Act<'exited', Running> = (machine, event, now) => {
  const { status, unstartable } = event;
  const cause = processOf(machine)?.endRequestedBy;
  if (cause !== undefined)
    return clearUp({ ...machine, ...wantAfterRun(machine, cause), cause, trouble: '' }, event, now, {
      expected: true,
      next: 'start',
    });
  const kind = exitKindOf(status);
  // A run that was wanted once is over; its failure is worth a word although nothing follows.
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
  const next = unstartable !== undefined ? 'failed' : nextAfter(machine, kind, now);
  return clearUp(judged, event, now, { expected: false, next });
};

/** What the policy of the service says about a run that ended by itself. */
function nextAfter(machine: In<Running>, kind: ExitKind, now: Now): Next {
  const { type, policy } = now.definition;
  if (kind === 'success' && (type === 'oneshot' || policy.restart !== 'always')) return 'completed';
  if (kind !== 'success' && policy.restart === 'no') return 'gave_up';
  return pidOf(machine) === 0 || durationOf(machine, now) >= SHORT_RUN_MS ? 'start' : 'backoff';
}

function clearUp(
  machine: In<WithRun> | Machine,
  { status, unstartable }: Extract<MachineEvent, { type: 'exited' }>,
  now: Now,
  { expected, next, trouble = '' }: { readonly expected: boolean; readonly next: Next; readonly trouble?: string },
): Step {
  const { counters, runNumber } = machine;
  const pid = pidOf(machine);
  const kind = exitKindOf(status);
  // Where not even `launch` was started there is no run that ended.
  const ran = pid !== 0;
  const changed = runOf(machine)?.changed ?? false;
  const session = processOf(machine)?.session ?? 0;
  const ended: EndedRun = { session, status, next, trouble, changed, stage: { name: 'sweep' } };
  return enter(
    machine,
    { state: 'finishing', ended },
    now,
    {
      ...(ran && {
        lastExit: { run: runNumber, status, atMs: now.nowMs, durationMs: durationOf(machine, now), expected },
      }),
      timerAtMs: dueAt(now, now.definition.finishTimeoutMs),
      counters: {
        ...counters,
        ...(ran && { exits: { ...counters.exits, [kind]: counters.exits[kind] + 1 } }),
        startFailures: counters.startFailures + (unstartable === undefined ? 0 : 1),
      },
    },
    { type: 'clear_up' },
  );
}

export const finishSpawned: Act<'finish_spawned', 'finishing'> = (machine, { pid }) =>
  keep(machine, { ended: { ...machine.ended, stage: { name: 'finish', pid } } });

/** The next stage of clearing up, or what follows the run. */
export const cleared: Act<'cleared', 'finishing'> = (machine, _event, now) => {
  const { ended } = machine;
  const { stage } = ended;
  const next = (following: EndedRun['stage']): Step =>
    keep(machine, { ended: { ...ended, stage: following } }, { type: 'clear_up' });
  if (stage.name === 'sweep' && now.definition.finish !== 'absent') return next({ name: 'finish', pid: 0 });
  if (stage.name === 'finish' && stage.pid !== 0) return next({ name: 'sweep_finish', session: stage.pid });
  return follow(machine, now);
};

function follow(machine: In<'finishing'>, now: Now): Step {
  const { ended, desired, consecutiveFailures } = machine;
  if (desired === 'down' || !mayStart(machine)) return settleDown(machine, now);
  switch (ended.next) {
    case 'start':
      return begin(machine, now, machine.cause);
    case 'backoff':
      return backOff(machine, now, ended.trouble || describeShortRun(ended.status, machine.lastExit?.durationMs ?? 0));
    case 'failed':
      // The directory was mended while the run was tried.
      if (ended.changed) return begin({ ...machine, restartReason: 'scan' }, now, CHANGED);
      return enter(machine, { state: 'failed' }, now, {
        consecutiveFailures: consecutiveFailures + 1,
        timerAtMs: now.nowMs + retryMs(now),
      });
    case 'gave_up':
      return enter(machine, { state: 'failed' }, now, {
        consecutiveFailures: consecutiveFailures + 1,
        trouble: ended.trouble || `${describeExit(ended.status)} and is not to be started again`,
      });
    case 'completed':
      return enter(machine, { state: 'completed' }, now, {
        consecutiveFailures: 0,
        trouble: '',
        restartReason: undefined,
      });
    default:
      return ended.next satisfies never;
  }
}

export const killFinish = (machine: In<'finishing'>, _event: unknown, now: Now): Step =>
  keep(machine, { timerAtMs: now.nowMs + KILL_AGAIN_MS }, { type: 'kill_finish' });

/** `finish` has its own time limit: an order to stop does not shorten it, the end of the service does. */
export const stopAfterFinish: Act<'stop', 'finishing'> = (machine, event, now) =>
  keep(machine, {
    ...stopped(machine, event),
    cause: event.cause,
    trouble: '',
    ...(isFinal(event) && { timerAtMs: sooner(machine, now, graceMs(event, now)) }),
  });

export const startAfterFinish: Act<'start', 'finishing'> = (machine, event) =>
  startAtOnce(machine, event.cause, desiredBy(event));

export const restartAfterFinish: Act<'restart', 'finishing'> = (machine, event) =>
  startAtOnce({ ...machine, restartReason: restartReasonOf(event.cause) }, event.cause, 'up');

/** Somebody asked for a start while the run was being cleared up: no delay, however the run ended. */
function startAtOnce(machine: In<'finishing'>, cause: Cause, desired: Desired): Step {
  if (!mayStart(machine)) return keep(machine);
  const ended = { ...machine.ended, next: 'start' } as const;
  return keep(machine, { desired, cause, releasing: false, consecutiveFailures: 0, ended });
}

// --- without a process -----------------------------------------------------------------------------------------------

/** Waits, has failed or has completed. */
export const giveUp: Act<'stop'> = (machine, event, now) => {
  const trouble = isFinal(event) ? machine.trouble : '';
  return settleDown({ ...machine, ...stopped(machine, event), trouble }, now, event.cause);
};

export const giveUpForGood: Act<'forbid_starts'> = (machine, _event, now) =>
  settleDown({ ...machine, startsForbidden: true }, now, { kind: 'shutdown' });

export const stayDown: Act<'stop', 'down'> = (machine, event, now) =>
  event.why === 'released' || event.why === 'removed'
    ? giveUp(machine, event, now)
    : keep(machine, {
        ...stopped(machine, event),
        trouble: event.why === 'asked' ? '' : machine.trouble,
        timerAtMs: undefined,
      });

/** The supervise files were released for long enough. */
export const startOver: Act<'timer', 'down'> = (machine) =>
  machine.releasing ? keep(machine, { releasing: false, timerAtMs: undefined }, { type: 'start_over' }) : keep(machine);

// --- in any state ----------------------------------------------------------------------------------------------------

/** The directory is there again before its service was forgotten: as if the service were new. */
export const restored: Act<'restored', 'stopping' | 'finishing'> = (machine, _event, now) =>
  machine.removed && !machine.startsForbidden
    ? keep(machine, {
        removed: false,
        desired: now.definition.enabled ? 'up' : 'down',
        cause: { kind: 'scan', message: 'its directory is there again' },
        restartReason: 'scan',
      })
    : keep(machine);

export const forbidStarts: Act<'forbid_starts'> = (machine) => keep(machine, { startsForbidden: true });

export const noteConditions: Act<'conditions'> = (machine, { unmet }) => keep(machine, { unmet });

export const noteChange: Act<'changed', 'starting'> = (machine) =>
  keep(machine, { run: { ...machine.run, changed: true } });

export const noteChangeAfterRun: Act<'changed', 'finishing'> = (machine) =>
  keep(machine, { ended: { ...machine.ended, changed: true } });

export const pause: Act<'paused', WithRun> = (machine, { paused }) => keep(machine, changeRun(machine, { paused }));

/** Nothing to do. */
export const ignore = (machine: Machine): Step => keep(machine);

// --- what the rules have in common -----------------------------------------------------------------------------------

/** As a stop ends a run: what `sv down` and `sv exit` mean for runsv(8). */
export const terminateEffect = ({ desired, releasing, removed }: Facts): TerminateEffect => ({
  type: 'terminate',
  how: 'script',
  wake: true,
  after: releasing || removed ? 'x' : desired === 'down' ? 'd' : undefined,
});

/** TERM after `control/t` had its say, or without it. A service that is wanted down is ended as by a stop. */
const termEffect = (machine: Facts): TerminateEffect =>
  machine.desired === 'up'
    ? { type: 'terminate', how: 'signal', wake: false, after: undefined }
    : { ...terminateEffect({ ...machine, desired: 'down' }), how: 'signal' };

const WANT_DOWN = { desired: 'down', restartReason: undefined, releasing: false } as const;
const CHANGED: Cause = { kind: 'scan', message: 'its directory changed' };

/** What a stop says of the time after the run. */
const stopped = (machine: Facts, { why }: StopEvent) => ({
  ...WANT_DOWN,
  releasing: why === 'released',
  removed: machine.removed || why === 'removed',
  startsForbidden: machine.startsForbidden || why === 'shutdown',
});

/** Nothing comes after: the service or the container ends. */
const isFinal = ({ why }: StopEvent): boolean => why === 'removed' || why === 'shutdown';

const graceMs = ({ timeoutMs }: { readonly timeoutMs?: number }, { definition }: Now): number =>
  timeoutMs ?? definition.stop.graceMs;

/** Stays in its state. The same object where nothing is new: then there is nothing to publish. */
function keep<M extends Machine>(machine: M, change: Partial<M> = {}, ...effects: readonly Effect[]): Step {
  const same = (Object.keys(change) as (keyof M)[]).every((key) => change[key] === machine[key]);
  return { machine: same ? machine : { ...machine, ...change }, effects };
}

/** Comes into a state. */
function enter(machine: Machine, phase: Phase, now: Now, change: Partial<Facts>, ...effects: readonly Effect[]): Step {
  const facts = { ...factsOf(machine), timerAtMs: undefined, ...change, stateSinceMs: now.nowMs };
  return { machine: { ...facts, ...phase }, effects };
}

function factsOf(machine: Machine): Facts {
  const { run, ready, next, ended, ...facts } = machine as Facts &
    Partial<Record<'run' | 'ready' | 'next' | 'ended', unknown>>;
  return facts;
}

const changeRun = <S extends WithRun>(
  machine: In<S>,
  change: Partial<Extract<Run, { stage: 'process' }>>,
): Partial<In<S>> =>
  (machine.run.stage === 'process' && hasNews(machine.run, change)
    ? { run: { ...machine.run, ...change } }
    : {}) as Partial<In<S>>;

const hasNews = <T extends object>(known: T, change: Partial<T>): boolean =>
  (Object.keys(change) as (keyof T)[]).some((key) => known[key] !== change[key]);

/** Begins a run, or waits for its conditions; goes down where nothing may be started any more. */
function begin(machine: Machine, now: Now, cause: Cause): Step {
  if (!mayStart(machine)) return settleDown(machine, now);
  if (machine.unmet.length > 0)
    return machine.state === 'waiting'
      ? { machine: { ...machine, cause }, effects: [] }
      : enter(machine, { state: 'waiting' }, now, { cause, releasing: false, trouble: describeUnmet(machine.unmet) });
  const run = { stage: 'prepare', startedAtMs: now.nowMs, changed: false } as const;
  // The advice that a failed service gave may just have been followed.
  const trouble = machine.state === 'failed' ? '' : machine.trouble;
  const change = { cause, runNumber: machine.runNumber + 1, releasing: false, trouble };
  return enter(machine, { state: 'starting', run }, now, change, { type: 'prepare' });
}

function terminate(
  machine: In<Running>,
  now: Now,
  order: {
    readonly cause: Cause;
    readonly timeoutMs?: number;
    readonly next?: Next;
    readonly trouble?: string;
  },
): Step {
  const { cause, next = 'start', trouble = '' } = order;
  const run = machine.run.stage === 'process' ? { ...machine.run, paused: false } : machine.run;
  const change = { cause, trouble, timerAtMs: dueAt(now, graceMs(order, now)) };
  return enter(machine, { state: 'stopping', run, next }, now, change, terminateEffect(machine));
}

/** When nobody has said what follows this run: a service that is wanted up is restarted, `once` is done. */
const wantAfterRun = ({ desired }: Facts, cause: Cause) => (desired === 'up' ? wantRestart(cause) : WANT_DOWN);

function withoutProcess(machine: Machine, now: Now): Step {
  return machine.desired === 'down' ? settleDown(machine, now) : begin(machine, now, machine.cause);
}

function settleDown(machine: Machine, now: Now, cause = machine.cause): Step {
  const releasing = machine.releasing && mayStart(machine);
  const change = {
    ...WANT_DOWN,
    cause,
    releasing,
    consecutiveFailures: 0,
    timerAtMs: releasing ? now.nowMs + RELEASED_MS : undefined,
  };
  return enter(machine, { state: 'down' }, now, change, ...(machine.removed ? [{ type: 'forget' } as const] : []));
}

function backOff(machine: Machine, now: Now, trouble: string): Step {
  if (!mayStart(machine)) return settleDown(machine, now);
  const consecutiveFailures = machine.consecutiveFailures + 1;
  const timerAtMs = now.nowMs + delayMs(consecutiveFailures, now);
  return enter(machine, { state: 'backoff' }, now, { consecutiveFailures, trouble, timerAtMs });
}

const mayStart = (machine: Facts): boolean => !machine.startsForbidden && !machine.removed;

const desiredBy = (event: { readonly once?: boolean }): Desired => (event.once ? 'once' : 'up');

const wantRestart = (cause: Cause) =>
  ({ desired: 'up', restartReason: restartReasonOf(cause), releasing: false }) as const;

const restartReasonOf = ({ kind }: Cause): RestartReason =>
  kind === 'sv' || kind === 'scan' || kind === 'check' || kind === 'dependency' ? kind : 'api';

const runOfProcess = ({ startedAtMs, changed }: Run, pid: number): Run => ({
  stage: 'process',
  startedAtMs,
  changed,
  pid,
  session: pid,
  mainPid: 0,
  paused: false,
  endRequestedBy: undefined,
  termSent: false,
  killSent: false,
});

/** The first start of all is no restart, whatever led to it. */
function countStart<M extends Machine>(machine: M): M {
  const { restartReason, counters } = machine;
  const { starts, restarts } = counters;
  const counted =
    restartReason === undefined || starts === 0
      ? restarts
      : { ...restarts, [restartReason]: restarts[restartReason] + 1 };
  return { ...machine, counters: { ...counters, starts: starts + 1, restarts: counted } };
}

const countStartFailure = <M extends Machine>(machine: M): M => ({
  ...machine,
  counters: { ...machine.counters, startFailures: machine.counters.startFailures + 1 },
});

/** undefined: never. */
const dueAt = ({ nowMs }: Now, timeoutMs: number): number | undefined =>
  timeoutMs === Number.POSITIVE_INFINITY ? undefined : nowMs + timeoutMs;

function sooner({ timerAtMs }: Facts, now: Now, timeoutMs: number): number | undefined {
  const dueAtMs = dueAt(now, timeoutMs);
  return timerAtMs === undefined || dueAtMs === undefined ? (timerAtMs ?? dueAtMs) : Math.min(timerAtMs, dueAtMs);
}

const later = ({ timerAtMs }: Facts, { nowMs }: Now, ms: number): number | undefined =>
  timerAtMs === undefined ? undefined : Math.max(timerAtMs, nowMs + ms);

const durationOf = (machine: Machine, { nowMs }: Now): number => nowMs - (runOf(machine)?.startedAtMs ?? nowMs);

const exitKindOf = (status: ExitStatus): ExitKind => {
  if (status.kind === 'exited') return status.code === 0 ? 'success' : 'failure';
  if (status.kind === 'lost') return 'lost';
  return status.coreDumped ? 'core' : 'signal';
};
