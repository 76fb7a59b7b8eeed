import { formatDuration } from '../text/duration.js';
import { nearest } from '../text/nearest-name.js';
import type { Explanation } from '../types/definitions.js';
import type { ServiceName, ServiceStatus, Unmet } from '../types/service.js';
import type { Definition, Origin } from './definition/definition.js';
import { showDefinition } from './definition/show-definition.js';
import { describeExit } from './describe-exit.js';

/** A service, as far as an explanation needs it. */
export interface Explained {
  readonly status: ServiceStatus;
  readonly definition: Definition;
}

/**
 * Why a service is in its state: the chain of services that it waits for, the root of the trouble first, the service itself
 * last. Each service is told of once.
 */
export function explain(
  name: ServiceName,
  find: (name: string) => Explained | undefined,
  names: readonly string[],
  nowMs: number,
): readonly Explanation[] {
  const steps: Explanation[] = [];
  const told = new Set<string>();
  const tell = (each: ServiceName): void => {
    if (told.has(each)) return;
    told.add(each);
    const found = find(each);
    for (const { on } of found?.status.waitsFor ?? []) tell(on);
    steps.push(found ? explainOne(found, nowMs) : explainUnknown(each, names));
  };
  tell(name);
  return steps;
}

function explainUnknown(name: string, names: readonly string[]): Explanation {
  const near = nearest(name, names);
  return {
    service: name,
    facts: ['There is no such service.'],
    next: '',
    remedies: [
      near
        ? `Did you mean ${near}? Correct depends_on, then svctl apply.`
        : `Define ${name}, or write required: false.`,
    ],
  };
}

function explainOne({ status, definition }: Explained, nowMs: number): Explanation {
  const { facts, next, remedies } = ofState(status, definition, nowMs);
  return {
    service: status.name,
    facts: [
      ...facts,
      ...lastExitFacts(status, nowMs),
      ...(status.definitionChanged ? ['Its definition has changed since it was started.'] : []),
    ],
    next,
    remedies: [
      ...remedies,
      ...(status.definitionChanged ? ['svctl diff shows the change, svctl apply takes it over.'] : []),
    ],
  };
}

interface Told {
  readonly facts: readonly string[];
  readonly next: string;
  readonly remedies: readonly string[];
}

function ofState(status: ServiceStatus, definition: Definition, nowMs: number): Told {
  const { name, state, trouble, consecutiveFailures, ready, pid } = status;
  const since = ago(nowMs - status.stateSinceMs);
  const because = trouble === '' ? [] : [`${sentence(trouble)}`];
  switch (state) {
    case 'waiting':
      return {
        facts: [
          `It is wanted up, and waits since ${since}.`,
          ...status.waitsFor.map((unmet) => waitFact(unmet, definition)),
        ],
        next: 'It starts as soon as nothing keeps it any more.',
        remedies: [],
      };
    case 'failed':
      return {
        facts: [`It has failed, ${since} ago.`, ...because],
        next: nextAttempt(status, nowMs) || 'It is not started again by itself.',
        remedies: [`Mend that, then svctl start ${name}.`],
      };
    case 'backoff':
      return {
        facts: [
          `It ended too soon ${times(consecutiveFailures)} in a row, and waits for its next attempt.`,
          ...because,
        ],
        next: nextAttempt(status, nowMs),
        remedies: [`svctl logs ${name} shows what it said; svctl start ${name} tries it at once.`],
      };
    case 'down':
      return {
        facts: [
          `It is down since ${since}${by(status)}.`,
          ...(status.autostart ? [] : ['It is not started by itself (enabled: false, or a file down).']),
        ],
        next: '',
        remedies: [`svctl start ${name} starts it.`],
      };
    case 'completed':
      return {
        facts: [`It has ended as it should, ${since} ago.`],
        next: '',
        remedies: [`svctl start ${name} runs it again.`],
      };
    case 'starting':
    case 'up':
      return ready
        ? { facts: [`It is up and ready, pid ${pid}, since ${since}.`], next: '', remedies: [] }
        : {
            facts: [`It runs, pid ${pid}, since ${since}, and is not ready.`, ...because],
            next: readyRule(definition),
            remedies: [`svctl logs ${name} shows what it does.`],
          };
    case 'stopping':
    case 'finishing':
      return {
        facts: [`It is ${state} since ${since}${by(status)}.`, ...because],
        next: 'It is down, or started again, when that is over.',
        remedies: [],
      };
    default:
      return state satisfies never;
  }
}

function waitFact({ on, condition, reason }: Unmet, definition: Definition): string {
  const rule = place(definition.origins.get(`depends_on.${on}`) ?? definition.origins.get('depends_on'), 'depends_on');
  const words = {
    'not-yet': `is not ${condition} yet`,
    'not-wanted': `is down by choice, and has to be ${condition}`,
    unknown: 'does not exist',
    cycle: 'waits for it in turn: neither can start',
  }[reason];
  return `${on} ${words}${rule}.`;
}

function lastExitFacts({ lastExit, state }: ServiceStatus, nowMs: number): readonly string[] {
  if (lastExit === undefined || state === 'completed') return [];
  return [
    `Its last run ${describeExit(lastExit.status)} after ${ago(lastExit.durationMs)}, ${ago(nowMs - lastExit.atMs)} ago.`,
  ];
}

function nextAttempt({ nextStartAtMs }: ServiceStatus, nowMs: number): string {
  return nextStartAtMs === undefined ? '' : `It is tried again in ${ago(Math.max(0, nextStartAtMs - nowMs))}.`;
}

function readyRule(definition: Definition): string {
  const rule =
    definition.type === 'oneshot'
      ? 'it has ended successfully'
      : JSON.stringify(showDefinition(definition).get('ready'));
  return `It is ready when ${rule} holds${place(definition.origins.get('ready'), 'ready')}.`.replace(
    'successfully holds',
    'successfully',
  );
}

const place = (origin: Origin | undefined, key: string): string =>
  origin === undefined || origin.line === 0 ? '' : ` (${key}, ${origin.file}:${origin.line})`;

const by = ({ cause }: ServiceStatus): string => (cause.actor === undefined ? '' : `, as ${cause.actor} asked`);
const times = (count: number): string => (count === 1 ? 'once' : `${count} times`);
const sentence = (text: string): string =>
  `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`;

/** Rough enough to be read: under a second in milliseconds, from then on in seconds. */
const ago = (ms: number): string => formatDuration(ms < 1_000 ? Math.round(ms) : Math.round(ms / 1_000) * 1_000);
