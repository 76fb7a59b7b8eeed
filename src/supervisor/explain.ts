import { formatDuration } from '../text/duration.js';
import { nearest } from '../text/nearest-name.js';
import type { Explanation } from '../types/definitions.js';
import type { ServiceName, ServiceStatus, Unmet } from '../types/service.js';
import type { Definition, Origin } from './definition/definition.js';
import { showDefinition } from './definition/show-definition.js';
import { describeDuration, describeExit } from './describe-exit.js';
import { exitRuleFor, NOT_ALIVE_CODE } from './policy.js';
import { GAVE_UP } from './transitions/next-run.js';
import { NOT_READY } from './transitions/readiness.js';

/** A service, as far as an explanation needs it. */
export interface Explained {
  readonly status: ServiceStatus;
  readonly definition: Definition;
  /** Where its memory is read; '' where nobody does. */
  readonly memorySource: string;
}

/**
 * Why a service is in its state: the chain of services that it waits for, the root of the trouble
 * first, the service itself last. Each service appears once.
 */
export function explain(
  name: ServiceName,
  find: (name: string) => Explained | undefined,
  names: readonly string[],
  nowMs: number,
): readonly Explanation[] {
  const steps: Explanation[] = [];
  const explained = new Set<string>();
  const add = (each: ServiceName): void => {
    if (explained.has(each)) return;
    explained.add(each);
    const found = find(each);
    for (const { on } of found?.status.waitsFor ?? []) add(on);
    steps.push(found ? explainOne(found, nowMs) : explainUnknown(each, names));
  };
  add(name);
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
    seeLog: false,
  };
}

function explainOne({ status, definition, memorySource }: Explained, nowMs: number): Explanation {
  const { facts, next, remedies } = ofState(status, definition, nowMs);
  const lastExit = lastExitFacts(status, nowMs);
  return {
    service: status.name,
    facts: [
      ...facts.filter((fact) => !isIn(lastExit, fact)),
      ...holdFacts(status, nowMs),
      ...lastExit,
      ...endedFacts(status, definition),
      ...roleFacts(definition),
      ...(memorySource === '' ? [] : [`Its memory is read from ${memorySource}.`]),
      ...(status.replicaOf === '' ? [] : [`It is one of the replicas of ${status.replicaOf}.`]),
      ...(status.transient ? ['Transient: created by svctl run; it does not survive the container.'] : []),
      ...(status.definitionChanged ? ['The definition has changed since the start.'] : []),
    ],
    next,
    remedies: [
      ...remedies,
      ...(status.hold ? [`svctl release ${status.name} ends the hold.`] : []),
      ...(status.definitionChanged ? ['svctl diff shows the change, svctl apply makes it.'] : []),
    ],
    seeLog: lastExit.length > 0,
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
  const because = trouble === '' ? [] : [sentence(trouble, name, ruleOf(status, definition))];
  switch (state) {
    case 'waiting':
      return {
        facts: [`Wanted up; waiting for ${since}.`, ...status.waitsFor.map((unmet) => waitFact(unmet, definition))],
        next: whatStartsIt(status),
        remedies: [],
      };
    case 'failed':
      return {
        facts: [`Failed ${since} ago.`, ...because],
        next: nextAttempt(status, nowMs) || 'Not started again by itself.',
        remedies: [`Fix the cause, then run svctl start ${name}.`],
      };
    case 'backoff':
      return {
        facts: [`Ended too soon ${times(consecutiveFailures)}; waiting for the next attempt.`, ...because],
        next: nextAttempt(status, nowMs),
        remedies: [`svctl logs ${name} shows its output; svctl start ${name} starts it at once.`],
      };
    case 'down':
      return {
        facts: [
          `Down for ${since}${by(status)}.`,
          ...(status.autostart ? [] : ['Not started by itself (enabled: false, or a file down).']),
        ],
        next: '',
        remedies: [`svctl start ${name} starts it.`],
      };
    case 'completed':
      return {
        facts: [`Completed ${since} ago${ruleOf(status, definition)}.`],
        next: '',
        remedies: [`svctl start ${name} runs it again.`],
      };
    case 'starting':
    case 'up':
      return ready
        ? {
            facts: [`Up and ready for ${since}, pid ${pid}.`, ...liveFacts(status, definition)],
            next: '',
            remedies: [],
          }
        : {
            facts: [`Up for ${since}, pid ${pid}, and not ready.`, ...because],
            next: readyRule(definition),
            remedies: [`svctl logs ${name} shows its output.`],
          };
    case 'stopping':
    case 'finishing':
      return {
        facts: [`In ${state} for ${since}${by(status)}.`, ...because],
        next: 'Down, or started again, when the process has ended.',
        remedies: [],
      };
    default:
      return state satisfies never;
  }
}

function whatStartsIt({ waitsFor, hold }: ServiceStatus): string {
  if (waitsFor.length > 0) return 'Starts as soon as these conditions are met.';
  return hold ? 'Starts when the hold ends.' : '';
}

function holdFacts({ hold }: ServiceStatus, nowMs: number): readonly string[] {
  if (hold === undefined) return [];
  const { actor, reason, untilMs, throughShutdown } = hold;
  const who = actor === '' ? '' : ` by ${actor}`;
  const why = reason === '' ? '' : ` (${reason})`;
  const shutdown = throughShutdown ? 'a shutdown sends it no signal but KILL, at its deadline' : '';
  const rules = ['it is not restarted', 'its live check and watchdog stand still', shutdown].filter(Boolean);
  return [`Held for another ${ago(Math.max(0, untilMs - nowMs))}${who}${why}: ${rules.join(', ')}.`];
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
    `The last run ${lastExit.status.kind === 'signaled' ? 'was ' : ''}${describeExit(lastExit.status, ` after ${describeDuration(lastExit.durationMs)}, ${ago(nowMs - lastExit.atMs)} ago`)}.`,
  ];
}

/** The trouble of a service in backoff is how its last run ended: said once. */
function isIn(facts: readonly string[], fact: string): boolean {
  const words = fact.slice(0, -1).toLowerCase();
  return facts.some((other) => other.toLowerCase().includes(words));
}

/** The rule that has ended the last run, as long as that is the reason for the present one. */
function endedFacts({ cause, state, trouble }: ServiceStatus, { origins, policy }: Definition): readonly string[] {
  const { kind, message = '' } = cause;
  if ((kind !== 'memory' && kind !== 'check') || trouble.endsWith(message)) return [];
  const key = kind === 'memory' ? 'memory_max' : 'live';
  const isLive = kind === 'check' && policy.live !== undefined;
  const rule = kind === 'memory' || isLive ? place(origins.get(key), key) : '';
  const what = kind === 'memory' ? message : `was not alive: ${message}`;
  return [`The last run ${what}${rule}${state === 'stopping' ? ': it is being ended' : ': it was ended'}.`];
}

/** The key that has decided what followed the last run, and its place. */
function ruleOf({ state, cause, trouble, lastExit }: ServiceStatus, { policy, origins }: Definition): string {
  const of = (key: string, at = key): string => place(origins.get(at) ?? origins.get(key), key);
  if (trouble.startsWith(GAVE_UP)) return of('start_limit');
  if (trouble.startsWith(NOT_READY)) return of('start_timeout');
  if (cause.kind === 'memory') return of('memory_max');
  if ((state !== 'failed' && state !== 'completed') || lastExit === undefined || lastExit.unstartable) return '';
  const index = exitRuleFor(policy, lastExit.status);
  return index < 0 ? of('restart') : of('exit_rules', `exit_rules[${index}].action`);
}

function roleFacts({ policy: { essential, optional }, origins }: Definition): readonly string[] {
  return [
    ...(essential
      ? [`When it has ended for good, the container shuts down${place(origins.get('essential'), 'essential')}.`]
      : []),
    ...(optional
      ? [`The readiness of the container does not wait for it${place(origins.get('optional'), 'optional')}.`]
      : []),
  ];
}

function nextAttempt({ nextStartAtMs }: ServiceStatus, nowMs: number): string {
  return nextStartAtMs === undefined ? '' : `Next attempt in ${ago(Math.max(0, nextStartAtMs - nowMs))}.`;
}

function readyRule(definition: Definition): string {
  if (definition.type === 'oneshot') return 'Ready when it has ended successfully.';
  const rule = JSON.stringify(showDefinition(definition).get('ready'));
  return `Ready when this check passes: ${rule}${place(definition.origins.get('ready'), 'ready')}.`;
}

function liveFacts({ hold }: ServiceStatus, { policy: { live }, origins }: Definition): readonly string[] {
  if (live === undefined || hold !== undefined) return [];
  const { times, onFailure } = live;
  const action = {
    restart: 'it is restarted',
    none: 'the log says so',
    shutdown: `the container shuts down with exit code ${NOT_ALIVE_CODE}`,
  }[onFailure];
  const rule = `${formatDuration(times.intervalMs)}; after ${times.failures} failures in a row ${action}`;
  return [`Its live check is made every ${rule}${place(origins.get('live'), 'live')}.`];
}

const place = (origin: Origin | undefined, key: string): string =>
  origin === undefined || origin.line === 0 ? '' : ` (${key}, ${origin.file}:${origin.line})`;

const by = ({ cause }: ServiceStatus): string => (cause.actor === undefined ? '' : `, as ${cause.actor} asked`);
const times = (count: number): string => (count === 1 ? 'once' : `${count} times in a row`);
/** The name of the service keeps its letters, and so does a program or a key: `psql: not found`. */
function sentence(text: string, name: string, rule: string): string {
  const startsWithName = text.startsWith(`${name} `) || /^\S+: /.test(text);
  const first = startsWithName ? text.charAt(0) : text.charAt(0).toUpperCase();
  return `${first}${text.slice(1).replace(/\.$/, '')}${rule}.`;
}

/** Rough enough to be read: under a second in milliseconds, from then on in seconds. */
const ago = (ms: number): string => formatDuration(ms < 1_000 ? ms : Math.round(ms / 1_000) * 1_000);
