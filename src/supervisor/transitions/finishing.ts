/**
 * A run has ended: its leftovers are cleared up, `finish` runs, and the next run follows or none.
 */

import type { Cause, Desired, ExitKind, ExitStatus } from '../../types/service.js';
import { describeExit, describeShortRun } from '../describe-exit.js';
import {
  type EndedRun,
  type In,
  type Machine,
  type MachineEvent,
  type Next,
  type Now,
  pidOf,
  processOf,
  runOf,
  type Step,
} from '../machine.js';
import { KILL_AGAIN_MS } from '../pacing.js';
import { judge } from '../policy.js';
import { afterFailure, begin, forGood, giveUpStarting, settleDown, wait } from './next-run.js';
import { type Act, enter, keep, type Running, type WithRun } from './rule.js';
import { dueAt, durationOf, earliest, graceMs } from './times.js';
import { CHANGED, desiredBy, isFinal, isHeldBack, mayStart, restartReasonOf, stopped, wantAfterRun } from './wishes.js';

/** The run was asked to end. */
export const endedAsAsked: Act<'exited', 'stopping'> = (machine, event, now) =>
  clearUp({ ...machine, trouble: event.unstartable ?? '' }, event, now, {
    expected: machine.next === 'start',
    next: event.unstartable === undefined ? machine.next : 'failed',
    failed: machine.next !== 'start' || event.unstartable !== undefined,
    trouble: machine.next === 'start' ? '' : machine.trouble,
  });

export const endedByItself: Act<'exited', Running> = (machine, event, now) => {
  const { status, unstartable, atMs = now.nowMs } = event;
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
  const durationMs = pidOf(machine) === 0 ? Number.POSITIVE_INFINITY : durationOf(machine, atMs);
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
  event: Extract<MachineEvent, { type: 'exited' }>,
  now: Now,
  end: {
    readonly expected: boolean;
    readonly next: Next;
    readonly failed?: boolean;
    readonly shutdownCode?: number;
    readonly trouble?: string;
  },
): Step {
  const { status, unstartable, atMs = now.nowMs } = event;
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
        lastExit: {
          run: runNumber,
          status,
          atMs,
          durationMs: durationOf(machine, atMs),
          expected,
          ...(unstartable !== undefined && { unstartable }),
        },
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

/**
 * A run that was stopped may have left the program itself behind, as a shell without exec does: the
 * program gets its time.
 */
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
  const next = (following: EndedRun['stage'], timerAtMs = machine.timerAtMs): Step =>
    keep(machine, { ended: { ...ended, stage: following }, timerAtMs }, { type: 'clear_up' });
  // Leftovers that ended sooner do not lend `finish` their time.
  if (stage.name === 'sweep' && now.definition.finish !== 'absent')
    return next({ name: 'finish', pid: 0 }, earliest(machine.timerAtMs, dueAt(now, now.definition.finishTimeoutMs)));
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
      if (isHeldBack(machine, machine.cause)) return wait(machine, now, machine.cause);
      if (!ended.failed) return begin({ ...machine, consecutiveFailures: 0, failuresAtMs: [] }, now, machine.cause);
      const trouble = ended.trouble || describeShortRun(ended.status, machine.lastExit?.durationMs ?? 0);
      return afterFailure(machine, now, ended.next, trouble);
    }
    case 'failed':
      // The directory was mended while the run was tried.
      if (ended.changed) return begin({ ...machine, restartReason: 'scan' }, now, CHANGED);
      return afterFailure(machine, now, 'failed', machine.trouble);
    case 'gave_up':
      return giveUpStarting(machine, now, ended.trouble || describeExit(ended.status, ' and is not started again'));
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

/**
 * `finish` has its own time limit: an order to stop does not shorten it, the end of the service
 * does.
 */
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

/**
 * Somebody asked for a start while the run was being cleared up: no delay, however the run ended.
 */
function startAtOnce(machine: In<'finishing'>, cause: Cause, desired: Desired): Step {
  if (!mayStart(machine)) return keep(machine);
  const ended = { ...machine.ended, next: 'start' } as const;
  return keep(machine, { desired, cause, releasing: false, consecutiveFailures: 0, ended });
}

export const noteChangeAfterRun: Act<'changed', 'finishing'> = (machine) =>
  keep(machine, { ended: { ...machine.ended, changed: true } });

/** The exit code of `finish` that says: do not start again. */
const FAIL_FOR_GOOD = 125;

const exitKindOf = (status: ExitStatus): ExitKind => {
  if (status.kind === 'exited') return status.code === 0 ? 'success' : 'failure';
  if (status.kind === 'lost') return 'lost';
  if (status.oom !== undefined) return 'oom';
  return status.coreDumped ? 'core' : 'signal';
};
