import { monotonicMs } from '../process/clock.js';
import { OperationError, type OperationOptions } from '../types/service.js';
import { replicaNumber, replicaOf } from './definition/replicas.js';
import type { Order } from './orders.js';
import type { Service } from './service.js';

/** An order that a service took, and the wait for its outcome. */
export interface Taken {
  readonly order: Order;
  readonly done?: Promise<void>;
  /** Monotonic milliseconds: when it began, where that is later than the call. */
  readonly begunMs?: number;
}

type Restart = (service: Service, options?: OperationOptions) => Promise<Taken>;

/** Services in the order in which {@link rolling} has to be told of them: replicas by their numbers. */
export const inTurn = (found: readonly Service[]): readonly Service[] =>
  found.toSorted((a, b) => {
    const [one, other] = [groupOf(a), groupOf(b)];
    return one === other ? replicaNumber(a.name) - replicaNumber(b.name) : one < other ? -1 : 1;
  });

const groupOf = ({ name, definition }: Service): string => replicaOf(definition) ?? name;

/**
 * Restarts the replicas of a service one after the other, each when the one before is what is waited for, and none after the first
 * that fails. Services that are no replicas are restarted at once.
 */
export function rolling(restart: Restart, options: OperationOptions): Restart {
  const begunMs = monotonicMs();
  const before = new Map<string, { readonly name: string; readonly done: Promise<void> }>();
  return (service) => {
    const of = replicaOf(service.definition);
    if (of === undefined) return restart(service);
    const previous = before.get(of);
    const turn = afterwards(service, previous, options).then(async () => {
      const turnMs = monotonicMs();
      return { ...(await restart(service, timeLeft(options, begunMs))), begunMs: turnMs };
    });
    const done = turn.then((taken) => taken.done);
    // The outcome of the service has the error.
    done.catch(() => undefined);
    before.set(of, { name: service.name, done });
    return turn;
  };
}

async function afterwards(
  { name }: Service,
  previous: { readonly name: string; readonly done: Promise<void> } | undefined,
  { wait, abort }: OperationOptions,
): Promise<void> {
  if (previous === undefined) return;
  if (wait === 'none')
    throw new OperationError(
      'INVALID_ARGUMENT',
      `${name} was not restarted: replicas are restarted one after the other, and that has to be waited for; or restart them at once`,
      { field: 'wait', service: name },
    );
  try {
    await previous.done;
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    const why = error.message.includes(' was not restarted: ')
      ? error.message.slice(error.message.indexOf(': ') + 2)
      : error.message;
    throw new OperationError(error.reason, `${name} was not restarted: ${why}`, { ...error.metadata, service: name });
  }
  if (abort?.aborted)
    throw new OperationError('WAIT_TIMEOUT', `${name} was not restarted: nobody waits any longer`, { service: name });
}

/** The time that the one who waits has given is for all of them. */
function timeLeft(options: OperationOptions, begunMs: number): OperationOptions {
  if (options.waitTimeoutMs === undefined) return options;
  return { ...options, waitTimeoutMs: Math.max(0, options.waitTimeoutMs - (monotonicMs() - begunMs)) };
}
