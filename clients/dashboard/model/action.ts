import { parseDuration } from '../../svctl/text/duration.js';
import { MyInitError, type Outcome } from '../../typescript/src/index.js';
import type { Host } from './host.js';
import type { Order } from './order.js';

/** An order to services of one host, before it is confirmed. */
export interface Action {
  readonly order: Order;
  readonly host: Host;
  readonly names: readonly string[];
}

/** Carries all of them out, and returns the outcome in words. */
export async function carryOut(actions: readonly Action[]): Promise<readonly string[]> {
  const lines = await Promise.all(
    actions.map(async (action) => {
      const words = await wordsOf(action);
      return actions.length === 1 ? words : words.map((line) => `${action.host.name}: ${line}`);
    }),
  );
  return lines.flat();
}

async function wordsOf(action: Action): Promise<readonly string[]> {
  const { names, order } = action;
  try {
    return (await outcomesOf(action)).map((outcome) => outcomeWords(order, outcome));
  } catch (error) {
    const outcomes = error instanceof MyInitError ? (error.outcomes ?? []) : [];
    if (outcomes.length === 0) return [`${names.join(', ')}: ${error instanceof Error ? error.message : error}`];
    return outcomes.map((outcome) => outcomeWords(order, outcome));
  }
}

async function outcomesOf({ order, host: { client }, names }: Action): Promise<readonly Outcome[]> {
  switch (order.verb) {
    case 'start':
      return client.start(names);
    case 'stop':
      return client.stop(names);
    case 'restart':
      return client.restart(names);
    case 'reload':
      return client.reload(names);
    case 'release':
      return client.release(names);
    case 'reset':
      return client.reset(names);
    case 'signal':
      return client.signal(names, order.signal);
    case 'hold': {
      const forMs = parseDuration(order.time);
      if (forMs === undefined) throw new Error(`"${order.time}" is no time: write 90s, 15m or 2h`);
      return client.hold(names, { forMs, reason: order.reason });
    }
    default:
      return order satisfies never;
  }
}

const DONE: Readonly<Record<Exclude<Order['verb'], 'signal' | 'hold'>, string>> = {
  start: 'started',
  stop: 'stopped',
  restart: 'restarted',
  reload: 'reloaded',
  release: 'released',
  reset: 'reset',
};

function outcomeWords(order: Order, { name, changed, error, service }: Outcome): string {
  if (error !== undefined) return `${name}: ${error.message}`;
  if (order.verb === 'signal') return `${name}: ${order.signal} sent`;
  if (order.verb === 'hold') return `${name}: held for ${order.time}`;
  if (!changed) return `${name}: nothing to do`;
  const pid = service?.pid ?? 0;
  return `${name}: ${DONE[order.verb]}${pid === 0 ? '' : `, pid ${pid}`}`;
}
