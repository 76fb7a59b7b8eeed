import type { ServiceStatus } from '../types/service.js';

const KINDS = ['start', 'restart', 'stop', 'signal', 'hold', 'release', 'reset'] as const;
export type OrderKind = (typeof KINDS)[number];

/**
 * An order that a service has accepted. The service's record keeps the latest order, so that a
 * repeated order only waits for the outcome.
 */
export interface Order {
  readonly kind: OrderKind;
  /** The `request_id` of the client; '' for an order that cannot be repeated. */
  readonly id: string;
  /** The run that satisfies a start or restart, or a later one. */
  readonly run: number;
  /** How many runs had been started when the order came. */
  readonly starts: number;
  /** The process when the order came; 0 when there was none. */
  readonly oldPid: number;
  readonly changed: boolean;
}

/** An order as it comes, before it is carried out. */
export function orderOf(kind: OrderKind, id: string, before: ServiceStatus, run = before.run): Order {
  return { kind, id, run, starts: before.counters.starts, oldPid: before.pid, changed: true };
}

/** Whether the order with this id is the latest that was accepted. */
export function isRepeated(latest: Order | undefined, kind: OrderKind, id: string): latest is Order {
  return latest !== undefined && id !== '' && latest.id === id && latest.kind === kind;
}

/**
 * Reads the order in a record, perhaps of another version; undefined when it is none that this
 * version knows.
 */
export function readOrder(value: unknown): Order | undefined {
  const { kind, id, run, starts, oldPid, changed } = (value ?? {}) as Partial<Order>;
  if (kind === undefined || !KINDS.includes(kind) || typeof id !== 'string' || id === '') return undefined;
  return {
    kind,
    id,
    run: Number(run) || 0,
    starts: Number(starts) || 0,
    oldPid: Number(oldPid) || 0,
    changed: changed === true,
  };
}
