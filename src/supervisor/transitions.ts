/** What happens to a service: the small named rules that table.ts is made of. */

import type { Cause, Desired, ExitKind, ExitStatus, RestartReason, State } from '../types/service.js';
import type { Definition } from './definition/definition.js';
import { describeCrashLoop, describeExit, describeShortRun } from './describe-exit.js';
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
  type StopPlan,
  type TerminateEffect,
} from './machine.js';
import { delayMs, KILL_AGAIN_MS, RELEASED_MS, retryMs } from './pacing.js';
import { exitCodeOf, isOverLimit, judge, recentFailures } from './policy.js';

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
      ? now.nowMs + settleMs(machine, now.definition)
      : dueAt(now, machine.run.startedAtMs + now.definition.startTimeoutMs - now.nowMs),
  });

/** A stop arrived while the process was being spawned: terminate it. `restartReason` stays, for the start after the stop. */
export const spawnedTooLate: Act<'spawned', 'stopping'> = (machine, event, now) =>
  keep(countStart(machine), { run: runOfProcess(machine.run, event.pid) }, terminateEffect(machine, now));

export const spawnFailed: Act<'spawn_failed', 'starting'> = (machine, event, now) =>
  afterFailure({ ...countStartFailure(machine), restartReason: 'start_failure' }, now, 'backoff', event.trouble);

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
  const next = now.definition.policy.restart === 'no' ? 'gave_up' : 'backoff';
  return terminate(failed, now, { cause: { kind: 'check' }, next, trouble });
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
  const { lastExit } = machine;
  const hasLasted = durationOf(machine, now) >= resetAfterMs;
  const consecutiveFailures = hasLasted ? 0 : machine.consecutiveFailures;
  return enter(machine, { state: 'up', run, ready: true }, now, {
    consecutiveFailures,
    trouble: isCrashLoop(consecutiveFailures) && lastExit ? describeCrashLoop(consecutiveFailures, lastExit) : '',
    timerAtMs: consecutiveFailures > 0 ? now.nowMs + resetAfterMs : undefined,
  });
}

export const forgiven: Act<'timer', 'up'> = (machine) =>
  keep(machine, {
    consecutiveFailures: 0,
    timerAtMs: undefined,
    trouble: machine.ready ? '' : machine.trouble,
  });

/** A service in a crash loop has to last before anybody relies on it. */
const settleMs = (
  { consecutiveFailures }: Facts,
  { ready, policy }: Definition & { ready: { kind: 'delay' } },
): number =>
  isCrashLoop(consecutiveFailures) ? Math.max(ready.delayMs, policy.restartDelay.resetAfterMs) : ready.delayMs;

/** One failure may happen to anybody. */
const isCrashLoop = (failures: number): boolean => failures > 1;

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
  readyByDelay(now.definition) ? keep(machine) : keep(machine, { timerAtMs: later(machine.timerAtMs, now, ms) });

/** KILL comes no sooner than this, except in a shutdown: its deadline is that of the container. */
export const extendStop: Act<'extended', 'stopping'> = (machine, { ms }, now) =>
  machine.startsForbidden || processOf(machine)?.killSent
    ? keep(machine)
    : keep(machine, killAt(machine, later(machine.killAtMs, now, ms)));

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
    { state: 'stopping', run: { ...run, killSent: run.killSent || killed }, next: 'start', ...NO_PLAN },
    now,
    { ...wantAfterRun(machine, cause), cause, trouble: '' },
    killed ? { type: 'kill', group: false } : termEffect(machine, now),
  );
};

/** A service that is wanted down gets what follows a stop, CONT and `control/d`: runsv(8) goes by what is wanted. */
export const endRequested: Act<'end_requested', Running> = (machine, { cause }, now) => {
  const up = machine.desired === 'up';
  const change = changeRun(machine, { endRequestedBy: cause, ...(!up && { paused: false }) });
  return up ? keep(machine, change) : keep(machine, change, { ...termEffect(machine, now), how: 'done' });
};

/** A later order cannot put the KILL off, only bring it forward. */
export const stopSooner: Act<'stop', 'stopping'> = (machine, event, now) => {
  const { cause } = event;
  const change = { ...stopped(machine, event), cause, ...killSooner(machine, now, graceMs(event, now)) };
  return keep(machine, change, ...(event.insist ? [terminateEffect({ ...machine, ...change }, now)] : []));
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
        ...killSooner(machine, now, graceMs(event, now)),
      })
    : keep(machine);

/** KILL by order goes to the process alone. */
export const endRunStopping: Act<'end_run', 'stopping'> = (machine, { signal }, now) =>
  signal === 'TERM'
    ? keep(machine, {}, termEffect(machine, now))
    : keep(machine, killSent(machine, now), { type: 'kill', group: false });

export const termSent: Act<'term_sent', 'stopping'> = (machine) =>
  keep(machine, changeRun(machine, { termSent: true }));

/** The next stop signal, or KILL. */
export const insist = (machine: In<'stopping'>, event: unknown, now: Now): Step => {
  const { nextSignalAtMs, killAtMs } = machine;
  if (nextSignalAtMs === undefined || now.nowMs < nextSignalAtMs || (killAtMs !== undefined && now.nowMs >= killAtMs))
    return kill(machine, event, now);
  const signalIndex = machine.signalIndex + 1;
  const plan = { signalIndex, nextSignalAtMs: nextSignalAt(now, signalIndex), killAtMs };
  const change = { ...plan, timerAtMs: earliest(plan.nextSignalAtMs, killAtMs) };
  return keep(machine, change, { ...terminateEffect({ ...machine, ...change }, now), how: 'signal', after: undefined });
};

/** TERM was not enough. KILL goes to the process as well as its group: it may not lead one yet. */
export const kill = (machine: In<'stopping'>, _event: unknown, now: Now): Step =>
  keep(
    machine,
    {
      ...killSent(machine, now),
      nextSignalAtMs: undefined,
      killAtMs: now.nowMs + KILL_AGAIN_MS,
      timerAtMs: now.nowMs + KILL_AGAIN_MS,
    },
    { type: 'kill', group: true },
  );

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
    failed: machine.next !== 'start' || event.unstartable !== undefined,
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
  const durationMs = pidOf(machine) === 0 ? Number.POSITIVE_INFINITY : durationOf(machine, now);
  const verdict = judge(now.definition, { status, durationMs, failures: machine.consecutiveFailures });
  return clearUp(judged, event, now, {
    expected: false,
    next: unstartable === undefined ? verdict.next : 'failed',
    failed: unstartable !== undefined || verdict.tooShort,
    ...(unstartable === undefined && verdict.shutdown && { shutdownCode: verdict.shutdown.code }),
  });
};

function clearUp(
  machine: In<WithRun> | Machine,
  { status, unstartable }: Extract<MachineEvent, { type: 'exited' }>,
  now: Now,
  end: {
    readonly expected: boolean;
    readonly next: Next;
    readonly failed?: boolean;
    readonly shutdownCode?: number;
    readonly trouble?: string;
  },
): Step {
  const { expected, next, failed = false, shutdownCode, trouble = '' } = end;
  const { counters, runNumber } = machine;
  const pid = pidOf(machine);
  const kind = exitKindOf(status);
  // Where not even `launch` was started there is no run that ended.
  const ran = pid !== 0;
  const changed = runOf(machine)?.changed ?? false;
  const session = processOf(machine)?.session ?? 0;
  const untilMs = patienceUntil(machine, now);
  const ended: EndedRun = {
    session,
    status,
    next,
    failed,
    shutdownCode,
    trouble,
    changed,
    stage: { name: 'sweep', untilMs },
  };
  return enter(
    machine,
    { state: 'finishing', ended },
    now,
    {
      ...(ran && {
        lastExit: { run: runNumber, status, atMs: now.nowMs, durationMs: durationOf(machine, now), expected },
      }),
      timerAtMs: dueAt({ nowMs: untilMs ?? now.nowMs }, now.definition.finishTimeoutMs),
      counters: {
        ...counters,
        ...(ran && { exits: { ...counters.exits, [kind]: counters.exits[kind] + 1 } }),
        startFailures: counters.startFailures + (unstartable === undefined ? 0 : 1),
      },
    },
    { type: 'clear_up' },
  );
}

/** A run that was stopped may have left the program itself behind, as a shell without exec does: the program gets its time. */
function patienceUntil(machine: Machine, now: Now): number | undefined {
  if (machine.state !== 'stopping' || processOf(machine)?.killSent !== false) return undefined;
  return machine.killAtMs ?? dueAt(now, now.definition.stop.graceMs);
}

export const finishSpawned: Act<'finish_spawned', 'finishing'> = (machine, { pid }) =>
  keep(machine, { ended: { ...machine.ended, stage: { name: 'finish', pid } } });

/** The next stage of clearing up, or what follows the run. */
export const cleared: Act<'cleared', 'finishing'> = (before, { finish }, now) => {
  const machine = finish === undefined ? before : heedFinish(before, finish);
  const { ended } = machine;
  const { stage } = ended;
  const next = (following: EndedRun['stage']): Step =>
    keep(machine, { ended: { ...ended, stage: following } }, { type: 'clear_up' });
  if (stage.name === 'sweep' && now.definition.finish !== 'absent') return next({ name: 'finish', pid: 0 });
  if (stage.name === 'finish' && stage.pid !== 0) return next({ name: 'sweep_finish', session: stage.pid });
  return follow(machine, now);
};

/** A `finish` that exits with 125 does not want its service to be started again, as with s6. */
function heedFinish(machine: In<'finishing'>, status: ExitStatus): In<'finishing'> {
  const isPermanent = status.kind === 'exited' && status.code === FAIL_FOR_GOOD;
  if (!isPermanent || machine.lastExit?.expected === true) return machine;
  const trouble = `${describeExit(machine.ended.status)}, and its finish exited with ${FAIL_FOR_GOOD}: not started again`;
  return { ...machine, ended: { ...machine.ended, next: 'gave_up', trouble } };
}

function follow(machine: In<'finishing'>, now: Now): Step {
  const { ended, desired } = machine;
  if (desired === 'down' || !mayStart(machine)) return settleDown(machine, now);
  switch (ended.next) {
    case 'start':
    case 'backoff': {
      if (!ended.failed) return begin({ ...machine, consecutiveFailures: 0, failuresAtMs: [] }, now, machine.cause);
      const trouble = ended.trouble || describeShortRun(ended.status, machine.lastExit?.durationMs ?? 0);
      return afterFailure(machine, now, ended.next, trouble);
    }
    case 'failed':
      // The directory was mended while the run was tried.
      if (ended.changed) return begin({ ...machine, restartReason: 'scan' }, now, CHANGED);
      return afterFailure(machine, now, 'failed', machine.trouble);
    case 'gave_up':
      return giveUpStarting(machine, now, ended.trouble || `${describeExit(ended.status)} and is not started again`);
    case 'completed': {
      const change = { consecutiveFailures: 0, failuresAtMs: [], trouble: '', restartReason: undefined };
      return enter(machine, { state: 'completed' }, now, ...forGood(machine, now, change));
    }
    default:
      return ended.next satisfies never;
  }
}

export const killFinish = (machine: In<'finishing'>, _event: unknown, now: Now): Step =>
  keep(
    machine,
    { ...leftoversSooner(machine, now.nowMs), timerAtMs: now.nowMs + KILL_AGAIN_MS },
    { type: 'kill_finish' },
  );

function leftoversSooner({ ended }: In<'finishing'>, atMs: number | undefined): Partial<In<'finishing'>> {
  const { stage } = ended;
  if (stage.name !== 'sweep' || stage.untilMs === undefined || atMs === undefined || atMs >= stage.untilMs) return {};
  return { ended: { ...ended, stage: { name: 'sweep', untilMs: atMs } } };
}

/** `finish` has its own time limit: an order to stop does not shorten it, the end of the service does. */
export const stopAfterFinish: Act<'stop', 'finishing'> = (machine, event, now) =>
  keep(machine, {
    ...stopped(machine, event),
    cause: event.cause,
    trouble: '',
    ...leftoversSooner(machine, dueAt(now, graceMs(event, now))),
    ...(isFinal(event) && { timerAtMs: earliest(machine.timerAtMs, dueAt(now, graceMs(event, now))) }),
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
export const terminateEffect = (
  machine: Facts & Partial<StopPlan>,
  { definition }: Pick<Now, 'definition'>,
): TerminateEffect => ({
  type: 'terminate',
  signal: definition.stop.signals[machine.signalIndex ?? 0]?.signal ?? 'SIGTERM',
  how: 'script',
  wake: true,
  after: machine.releasing || machine.removed ? 'x' : machine.desired === 'down' ? 'd' : undefined,
});

/** TERM after `control/t` had its say, or without it. A service that is wanted down is ended as by a stop. */
const termEffect = (machine: Facts, now: Now): TerminateEffect =>
  machine.desired === 'up'
    ? { type: 'terminate', signal: 'SIGTERM', how: 'signal', wake: false, after: undefined }
    : { ...terminateEffect({ ...machine, desired: 'down' }, now), signal: 'SIGTERM', how: 'signal' };

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
  const { run, ready, next, ended, signalIndex, nextSignalAtMs, killAtMs, ...facts } = machine as Facts &
    Partial<Record<'run' | 'ready' | 'next' | 'ended' | keyof StopPlan, unknown>>;
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
  const change = { cause, runNumber: machine.runNumber + 1, releasing: false, trouble, shutdownCode: undefined };
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
  const killAtMs = dueAt(now, graceMs(order, now));
  const plan = { signalIndex: 0, nextSignalAtMs: nextSignalAt(now, 0), killAtMs };
  const change = { cause, trouble, timerAtMs: earliest(plan.nextSignalAtMs, killAtMs) };
  return enter(machine, { state: 'stopping', run, next, ...plan }, now, change, terminateEffect(machine, now));
}

/** No time limit, and no other signal. */
const NO_PLAN: StopPlan = { signalIndex: 0, nextSignalAtMs: undefined, killAtMs: undefined };

function nextSignalAt({ nowMs, definition }: Now, index: number): number | undefined {
  const { signals } = definition.stop;
  const waitMs = signals[index]?.waitMs;
  return waitMs === undefined || index + 1 >= signals.length ? undefined : nowMs + waitMs;
}

const killSooner = (plan: StopPlan, now: Now, timeoutMs: number) =>
  killAt(plan, earliest(plan.killAtMs, dueAt(now, timeoutMs)));

const killAt = ({ nextSignalAtMs }: StopPlan, killAtMs: number | undefined) => ({
  killAtMs,
  timerAtMs: earliest(nextSignalAtMs, killAtMs),
});

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

/** One more failure in a row: the next attempt, sooner or later, or none. */
function afterFailure(machine: Machine, now: Now, next: 'start' | 'backoff' | 'failed', trouble: string): Step {
  if (!mayStart(machine)) return settleDown(machine, now);
  const { policy } = now.definition;
  const consecutiveFailures = machine.consecutiveFailures + 1;
  const failuresAtMs = recentFailures(policy, machine.failuresAtMs, now.nowMs);
  const counted: Machine = { ...machine, consecutiveFailures, failuresAtMs };
  if (isOverLimit(policy, failuresAtMs)) {
    const code = machine.state === 'finishing' ? exitCodeOf(machine.ended.status) : 1;
    const limit = `gave up after ${failuresAtMs.length} failed starts: ${trouble}`;
    return giveUpStarting(machine, now, limit, policy.startLimit?.then === 'shutdown' ? code : undefined);
  }
  switch (next) {
    case 'start':
      return begin(counted, now, machine.cause);
    case 'backoff':
      return enter(counted, { state: 'backoff' }, now, {
        trouble,
        timerAtMs: now.nowMs + delayMs(consecutiveFailures, now),
      });
    case 'failed':
      return enter(counted, { state: 'failed' }, now, { trouble, timerAtMs: now.nowMs + retryMs(now) });
    default:
      return next satisfies never;
  }
}

/** `failed`, and not tried again by itself. */
function giveUpStarting(machine: Machine, now: Now, trouble: string, shutdownCode?: number): Step {
  const change = { consecutiveFailures: machine.consecutiveFailures + 1, failuresAtMs: [], trouble };
  return enter(machine, { state: 'failed' }, now, ...forGood(machine, now, change, shutdownCode));
}

/** A service that has ended for good may take the container with it. */
function forGood(
  machine: Machine,
  now: Now,
  change: Partial<Facts>,
  asked?: number,
): readonly [Partial<Facts>, ...Effect[]] {
  const ended = machine.state === 'finishing' ? machine.ended : undefined;
  const ownCode = ended === undefined ? 1 : exitCodeOf(ended.status);
  const code = asked ?? ended?.shutdownCode ?? (now.definition.policy.essential ? ownCode : undefined);
  return code === undefined
    ? [change]
    : [
        { ...change, shutdownCode: code },
        { type: 'shutdown', code },
      ];
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

/** The exit code of `finish` that says: do not start again. */
const FAIL_FOR_GOOD = 125;

const earliest = (one: number | undefined, other: number | undefined): number | undefined =>
  one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);

/** undefined: never. */
const dueAt = ({ nowMs }: Pick<Now, 'nowMs'>, timeoutMs: number): number | undefined =>
  timeoutMs === Number.POSITIVE_INFINITY ? undefined : nowMs + timeoutMs;

const later = (atMs: number | undefined, { nowMs }: Now, ms: number): number | undefined =>
  atMs === undefined ? undefined : Math.max(atMs, nowMs + ms);

const durationOf = (machine: Machine, { nowMs }: Now): number => nowMs - (runOf(machine)?.startedAtMs ?? nowMs);

const exitKindOf = (status: ExitStatus): ExitKind => {
  if (status.kind === 'exited') return status.code === 0 ? 'success' : 'failure';
  if (status.kind === 'lost') return 'lost';
  return status.coreDumped ? 'core' : 'signal';
};
