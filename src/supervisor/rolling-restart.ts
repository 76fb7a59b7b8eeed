import { monotonicMs } from '../process/clock.js';
import type { OperationOptions } from '../types/operations.js';
import { replicaNumber, replicaOf } from './definition/replicas.js';
import { OperationError } from './operation-error.js';
import type { Order } from './orders.js';
import type { Service } from './service.js';
import { Turns } from './turns.js';

/** An order that a service has accepted, and the wait for its outcome. */
export interface Accepted {
  readonly order: Order;
  readonly done?: Promise<void>;
  /** Monotonic milliseconds: when it began, where that is later than the call. */
  readonly begunMs?: number;
}

type Restart = (service: Service, options?: OperationOptions) => Promise<Accepted>;

/** Services in the order in which {@link rolling} restarts them: replicas by their numbers. */
export const inTurn = (found: readonly Service[]): readonly Service[] =>
  found.toSorted((a, b) => {
    const [one, other] = [groupOf(a), groupOf(b)];
    return one === other ? replicaNumber(a.name) - replicaNumber(b.name) : one < other ? -1 : 1;
  });

const groupOf = ({ name, definition }: Service): string => replicaOf(definition) ?? name;

/**
 * Restarts the replicas of a service one after the other, each after the previous one has reached
 * the wait level, and none after the first that fails. Services that are no replicas are restarted
 * at once.
 */
export function rolling(restart: Restart, options: OperationOptions): Restart {
  const begunMs = monotonicMs();
  const turns = new Turns('restarted');
  const before = new Map<string, string>();
  return async (service) => {
    const of = replicaOf(service.definition);
    if (of === undefined) return restart(service);
    const previous = before.get(of);
    before.set(of, service.name);
    if (previous !== undefined && options.wait === 'none') throw notRestarted(service, 'INVALID_ARGUMENT', TO_AWAIT);
    return turns.run(service.name, previous === undefined ? [] : [previous], async () => {
      if (previous !== undefined && options.abort?.aborted)
        throw notRestarted(service, 'WAIT_TIMEOUT', 'nobody waits any longer');
      const turnMs = monotonicMs();
      return { ...(await restart(service, timeLeft(options, begunMs))), begunMs: turnMs };
    });
  };
}

const TO_AWAIT = 'a rolling restart has to be waited for; wait for it, or restart all replicas at once';

const notRestarted = ({ name }: Service, reason: OperationError['reason'], why: string): OperationError =>
  new OperationError(reason, `${name} was not restarted: ${why}`, {
    ...(reason === 'INVALID_ARGUMENT' && { field: 'wait' }),
    service: name,
  });

/** The caller's timeout covers all replicas together. */
function timeLeft(options: OperationOptions, begunMs: number): OperationOptions {
  if (options.waitTimeoutMs === undefined) return options;
  return { ...options, waitTimeoutMs: Math.max(0, options.waitTimeoutMs - (monotonicMs() - begunMs)) };
}
