import type { FirstStart, ServiceStatus } from '../../types/service.js';
import type { BootOutcome, BootStep, BootTimeline } from '../../types/system.js';
import type { ContainerRecord } from '../container-state.js';
import type { BootScript } from './boot-scripts.js';

/** The sources of the timeline: all of them are on record. */
export interface TimelineSources {
  readonly bootedAtMs: number;
  readonly moments: Pick<ContainerRecord, 'controllerReadyAtMs' | 'scriptsEndedAtMs' | 'startedAtMs'>;
  readonly scripts: readonly BootScript[];
  readonly services: readonly {
    readonly status: ServiceStatus;
    readonly machine: { readonly firstStart: FirstStart };
  }[];
  readonly nowMs: number;
}

type Step = Omit<BootStep, 'critical'> & {
  /** The container is not ready before this one is. */
  readonly counts: boolean;
};

/** How the container came up, with the chain of steps that decided when it was ready. */
export function timelineOf(sources: TimelineSources): BootTimeline {
  const { bootedAtMs, moments, scripts, services, nowMs } = sources;
  const controller: Step = {
    kind: 'controller',
    name: 'controller',
    wantedAtMs: bootedAtMs,
    waitedFor: '',
    startedAtMs: bootedAtMs,
    endedAtMs: moments.controllerReadyAtMs,
    outcome: moments.controllerReadyAtMs === undefined ? 'pending' : 'ready',
    counts: false,
  };
  const steps = [
    controller,
    ...scripts.map(scriptStep),
    ...services.flatMap(({ status, machine }) => serviceStep(status, machine.firstStart, moments.startedAtMs) ?? []),
  ].sort((a, b) => a.wantedAtMs - b.wantedAtMs || (a.startedAtMs ?? nowMs) - (b.startedAtMs ?? nowMs));
  const critical = criticalSteps(steps, moments.scriptsEndedAtMs ?? nowMs, moments.startedAtMs, nowMs);
  return {
    bootedAtMs,
    readyAtMs: moments.startedAtMs,
    nowMs,
    steps: inOrder(steps, [...critical].reverse()).map((each) => {
      const { counts: _, ...step } = each;
      return { ...step, critical: critical.has(each) };
    }),
  };
}

/**
 * Sorts by start. Steps that have not started follow in the order of the chain, then in the order
 * in which they were wanted.
 */
function inOrder(steps: readonly Step[], chain: readonly Step[]): readonly Step[] {
  const rank = new Map(chain.map((step, at) => [step, at]));
  const keys = (step: Step): readonly number[] => [
    step.startedAtMs ?? Number.MAX_VALUE,
    rank.get(step) ?? chain.length,
    step.wantedAtMs,
  ];
  return steps.toSorted((a, b) => {
    const others = keys(b);
    return keys(a).reduce((difference, key, at) => difference || key - (others[at] ?? 0), 0);
  });
}

const scriptStep = ({ path, startedAtMs, endedAtMs, failed }: BootScript): Step => ({
  kind: 'script',
  name: path,
  wantedAtMs: startedAtMs,
  waitedFor: '',
  startedAtMs,
  endedAtMs,
  outcome: endedAtMs === undefined ? 'pending' : failed ? 'failed' : 'completed',
  counts: false,
});

/** Undefined for a service that was added when the container was up. */
function serviceStep(status: ServiceStatus, first: FirstStart, readyAtMs = Number.POSITIVE_INFINITY): Step | undefined {
  const { name, autostart, optional, waitsFor, desired } = status;
  const { wantedAtMs, startedAtMs, endedAtMs, outcome } = first;
  if (wantedAtMs > readyAtMs) return undefined;
  const step = { kind: 'service', name, wantedAtMs, counts: autostart && !optional } as const;
  const isLater = !autostart && (startedAtMs ?? Number.POSITIVE_INFINITY) > readyAtMs;
  if (isLater || (startedAtMs === undefined && desired === 'down'))
    return {
      ...step,
      waitedFor: '',
      startedAtMs: undefined,
      endedAtMs: undefined,
      outcome: 'not_wanted',
      counts: false,
    };
  return {
    ...step,
    waitedFor: first.waitedFor || (waitsFor.at(-1)?.on ?? ''),
    startedAtMs,
    endedAtMs,
    outcome: outcome ?? 'pending',
  };
}

/**
 * The steps that decided when the container was ready. Backwards from the last service: each step
 * was held up by the service that it waited for, and the first step by everything that ran in
 * sequence before it.
 */
function criticalSteps(
  steps: readonly Step[],
  scriptsEndedAtMs: number,
  readyAtMs: number | undefined,
  nowMs: number,
): ReadonlySet<Step> {
  const byName = new Map(steps.filter(({ kind }) => kind === 'service').map((step) => [step.name, step]));
  const isEarly = (step: Step): boolean => step.kind !== 'service' || step.wantedAtMs < scriptsEndedAtMs;
  const critical = new Set<Step>();
  const endOf = ({ outcome, endedAtMs = nowMs }: Step): number => (outcome === 'failed' ? nowMs : endedAtMs);
  const chainOf = (first: Step | undefined): ReadonlySet<Step> => {
    const chain = new Set<Step>();
    for (let step = first; step !== undefined && !chain.has(step); step = byName.get(step.waitedFor)) chain.add(step);
    return chain;
  };
  const follow = (first: Step | undefined): void => {
    for (const step of chainOf(first)) critical.add(step);
  };
  const candidates = steps.filter((step) => step.counts && (readyAtMs === undefined || endOf(step) <= readyAtMs));
  // Of the unfinished steps, one that has not started shows more of the chain, and the last of a
  // chain shows all of it.
  const starts = ({ startedAtMs = Number.POSITIVE_INFINITY }: Step): number => startedAtMs;
  const length = (step: Step): number => chainOf(step).size;
  follow(candidates.toSorted((a, b) => endOf(a) - endOf(b) || starts(a) - starts(b) || length(a) - length(b)).at(-1));
  for (const step of steps) if (isEarly(step) && isWanted(step.outcome)) follow(step);
  return critical;
}

const isWanted = (outcome: BootOutcome): boolean => outcome !== 'not_wanted';
