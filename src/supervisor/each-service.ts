import { monotonicMs } from '../process/clock.js';
import type { OperationOptions, Outcome, Selector } from '../types/operations.js';
import type { ServiceStatus } from '../types/service.js';
import { OperationError } from './operation-error.js';
import { isRepeated, type Order, type OrderKind, orderOf } from './orders.js';
import type { Accepted } from './rolling-restart.js';
import { selectSome } from './selecting.js';
import type { Service } from './service.js';
import type { ServiceSet } from './service-set.js';

/** Carries out an order for each selected service. The outcomes are sorted by name. */
export async function forEach(
  set: ServiceSet,
  selector: Selector,
  operate: (service: Service) => Promise<Accepted>,
  reach: (found: readonly Service[]) => readonly Service[] = (found) => found,
): Promise<readonly Outcome[]> {
  const { found, missing } = selectSome(set, selector);
  const outcomes = await Promise.all(reach(found).map((service) => outcomeOf(set, service, operate)));
  for (const { name, error } of missing)
    outcomes.push({ name, changed: false, error, oldPid: 0, status: undefined, durationMs: 0 });
  return outcomes.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Carries out an order for one service: an OperationError is its outcome. */
export async function outcomeOf(
  set: ServiceSet,
  service: Service,
  operate: (service: Service) => Promise<Accepted>,
): Promise<Outcome> {
  const { name } = service;
  let startedMs = monotonicMs();
  let { pid: oldPid } = service.status;
  let changed = false;
  let error: OperationError | undefined;
  try {
    const { order, done, begunMs } = await operate(service);
    [oldPid, changed] = [order.oldPid, order.changed];
    startedMs = begunMs ?? startedMs;
    await done;
  } catch (thrown) {
    if (!(thrown instanceof OperationError)) throw thrown;
    error = thrown;
  }
  return { name, changed, error, oldPid, status: set.get(name), durationMs: monotonicMs() - startedMs };
}

/**
 * Has a service accept an order. A repeated order is not carried out again: only its outcome is
 * waited for.
 */
export function accept(
  service: Service,
  kind: OrderKind,
  { requestId = '' }: Pick<OperationOptions, 'requestId'>,
  plan: (before: ServiceStatus) => { readonly run: number; readonly act: () => boolean },
): Order {
  if (isRepeated(service.order, kind, requestId)) return service.order;
  const { run, act } = plan(service.status);
  return service.accept(orderOf(kind, requestId, service.status, run), act);
}
