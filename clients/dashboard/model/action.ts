import { MyInitError, type Outcome } from '../../typescript/src/index.js';
import type { Host } from './host.js';

/** What a person can have done to services. */
export const VERBS = ['start', 'stop', 'restart', 'reload', 'signal'] as const;
export type Verb = (typeof VERBS)[number];

/** An order, before it is confirmed. */
export interface Action {
  readonly verb: Verb;
  readonly host: Host;
  readonly names: readonly string[];
  /** For `signal`. */
  readonly signal: string;
}

/** What does the same on a command line. */
export function commandLine({ verb, host, names, signal }: Action): string {
  const to = host.name.includes('://')
    ? ['-H', host.name]
    : host.name === '/run/my_init/my_init.sock'
      ? []
      : ['--socket', host.name];
  return ['svctl', ...to, verb, ...(verb === 'signal' ? [signal] : []), ...names].map(quoted).join(' ');
}

/** Carries it out, and says in words what came of it. */
export async function carryOut(action: Action): Promise<readonly string[]> {
  const { host, names } = action;
  try {
    return (await order(action)).map((outcome) => outcomeWords(action, outcome));
  } catch (error) {
    const outcomes = error instanceof MyInitError ? (error.outcomes ?? []) : [];
    if (outcomes.length === 0)
      return [`${names.join(', ')} on ${host.name}: ${error instanceof Error ? error.message : error}`];
    return outcomes.map((outcome) => outcomeWords(action, outcome));
  }
}

function order({ verb, host: { client }, names, signal }: Action): Promise<readonly Outcome[]> {
  switch (verb) {
    case 'start':
      return client.start(names);
    case 'stop':
      return client.stop(names);
    case 'restart':
      return client.restart(names);
    case 'reload':
      return client.reload(names);
    case 'signal':
      return client.signal(names, signal);
    default:
      return verb satisfies never;
  }
}

const DONE: Readonly<Record<Verb, string>> = {
  start: 'started',
  stop: 'stopped',
  restart: 'restarted',
  reload: 'reloaded',
  signal: 'sent',
};

function outcomeWords({ verb, signal }: Action, { name, changed, error, service }: Outcome): string {
  if (error !== undefined) return `${name}: ${error.message}`;
  if (verb === 'signal') return `${name}: ${signal} sent`;
  if (!changed) return `${name}: nothing to do`;
  const pid = service?.pid ?? 0;
  return `${name}: ${DONE[verb]}${pid === 0 ? '' : `, pid ${pid}`}`;
}

const quoted = (word: string): string => (/^[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
