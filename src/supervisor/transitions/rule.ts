/** The form of a rule: a step of the machine that answers an event. */

import type { State } from '../../types/service.js';
import type {
  Effect,
  EventType,
  Facts,
  In,
  Machine,
  MachineEvent,
  Now,
  Phase,
  Run,
  Step,
  StopPlan,
} from '../machine.js';

/** A rule: the answer to an event in one of these states. */
export type Act<T extends EventType, S extends State = State> = (
  machine: In<S>,
  event: Extract<MachineEvent, { type: T }>,
  now: Now,
) => Step;

export type Running = 'starting' | 'up';

export type WithRun = Running | 'stopping';

/** Nothing to do. */
export const ignore = (machine: Machine): Step => keep(machine);

/** Stays in its state. The same object where nothing is new: then there is nothing to publish. */
export function keep<M extends Machine>(machine: M, change: Partial<M> = {}, ...effects: readonly Effect[]): Step {
  const same = (Object.keys(change) as (keyof M)[]).every((key) => change[key] === machine[key]);
  return { machine: same ? machine : { ...machine, ...change }, effects };
}

/** Comes into a state. */
export function enter(
  machine: Machine,
  phase: Phase,
  now: Now,
  change: Partial<Facts>,
  ...effects: readonly Effect[]
): Step {
  const facts = { ...factsOf(machine), timerAtMs: undefined, ...change, stateSinceMs: now.nowMs };
  return { machine: { ...facts, ...phase }, effects };
}

function factsOf(machine: Machine): Facts {
  const { run, ready, next, ended, signalIndex, nextSignalAtMs, killAtMs, ...facts } = machine as Facts &
    Partial<Record<'run' | 'ready' | 'next' | 'ended' | keyof StopPlan, unknown>>;
  return facts;
}

export const changeRun = <S extends WithRun>(
  machine: In<S>,
  change: Partial<Extract<Run, { stage: 'process' }>>,
): Partial<In<S>> =>
  (machine.run.stage === 'process' && hasNews(machine.run, change)
    ? { run: { ...machine.run, ...change } }
    : {}) as Partial<In<S>>;

const hasNews = <T extends object>(known: T, change: Partial<T>): boolean =>
  (Object.keys(change) as (keyof T)[]).some((key) => known[key] !== change[key]);
