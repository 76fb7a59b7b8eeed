import type { Duration } from '../../gen/google/protobuf/duration.js';
import { DesiredState, type Service, ServiceState } from '../../gen/my_init/v1/service.js';
import {
  type OperationResponse,
  type Outcome,
  type Selector,
  ServicesService,
  type WaitLevel,
} from '../../gen/my_init/v1/services.js';
import type { Context } from './context.js';
import { type CallOptions, type Method, RpcError } from './grpc-http2.js';
import { endedWithoutAnswer } from './problem.js';

/** What every order to services has. */
export interface OrderRequest {
  readonly selector: Selector | undefined;
}

/** An order whose result can be told from the services, so that it can be gone on with where its answer does not come. */
interface LastingRequest extends OrderRequest {
  readonly selector: Selector;
  readonly wait: WaitLevel;
  readonly waitTimeout: Duration | undefined;
  readonly once?: boolean;
}

type Services = ReadonlyMap<string, Service>;

/**
 * Gives an order. Where the controller ends before it has answered, the order goes on with the next one: what was not taken is ordered again,
 * what was taken is waited for, and nothing is done twice.
 */
export async function giveOrder<Request extends OrderRequest>(
  context: Context,
  method: Method<Request, OperationResponse>,
  request: Request,
  options: CallOptions,
): Promise<OperationResponse> {
  const before = isLasting(method, request) ? await look(context, request.selector) : undefined;
  const startedMs = performance.now();
  try {
    return await context.order(method, request, options);
  } catch (error) {
    if (before === undefined || !isLasting(method, request) || !endedWithoutAnswer(error)) throw error;
    const outcomes = await goOn(context, method, request, before, options);
    const seconds = (performance.now() - startedMs) / 1000;
    return { outcomes: outcomes.map((outcome) => ({ ...outcome, ...sinceThen(outcome, before), seconds })) };
  }
}

/** start, stop and restart; not those that send a signal, for nobody can see whether it was sent. */
function isLasting<Request extends OrderRequest>(
  { path }: Method<Request, OperationResponse>,
  request: Request,
): request is Request & LastingRequest {
  const { start, stop, restart } = ServicesService;
  return request.selector !== undefined && [start.path, stop.path, restart.path].some((one) => one === path);
}

async function goOn<Request extends LastingRequest>(
  context: Context,
  method: Method<Request, OperationResponse>,
  request: Request,
  before: Services,
  options: CallOptions,
): Promise<readonly Outcome[]> {
  for (;;) {
    context.close();
    const now = await look(context, request.selector);
    const taken = [...before.keys()].filter((name) => isTaken(method.path, request, before.get(name), now?.get(name)));
    const open = [...before.keys()].filter((name) => !taken.includes(name));
    const done = taken.flatMap((name) => doneOutcome(now?.get(name)));
    const waited = taken.filter((name) => !done.some((outcome) => outcome.name === name));
    const { wait, waitTimeout, once = false } = request;
    try {
      const answers = await Promise.all([
        waited.length === 0
          ? undefined
          : context.order(ServicesService.start, { selector: named(waited), wait, waitTimeout, once }, options),
        open.length === 0 ? undefined : context.order(method, { ...request, selector: named(open) }, options),
      ]);
      return [...done, ...answers.flatMap((answer) => answer?.outcomes ?? [])];
    } catch (error) {
      if (!endedWithoutAnswer(error)) throw error;
    }
  }
}

/** Whether a service shows that it was ordered to run anew; to stop, or to start what runs, is ordered again without harm. */
function isTaken(path: string, { once }: LastingRequest, before?: Service, now?: Service): boolean {
  if (before === undefined || now === undefined) return false;
  if (path !== ServicesService.restart.path && !once) return false;
  if (now.run > before.run) return true;
  const ends = [ServiceState.SERVICE_STATE_STOPPING, ServiceState.SERVICE_STATE_FINISHING];
  return ends.includes(now.state) && !ends.includes(before.state) && now.desired !== DesiredState.DESIRED_STATE_DOWN;
}

/** It has run and is down again: there is nothing to wait for. */
function doneOutcome(service: Service | undefined): readonly Outcome[] {
  if (service?.state !== ServiceState.SERVICE_STATE_DOWN) return [];
  return [{ name: service.name, changed: true, error: undefined, oldPid: 0, service, seconds: 0 }];
}

/** What was changed altogether, whichever controller did it. */
function sinceThen({ changed, service, oldPid, name }: Outcome, before: Services): Pick<Outcome, 'changed' | 'oldPid'> {
  const earlier = before.get(name);
  if (earlier === undefined) return { changed, oldPid };
  const isOther = earlier.pid !== (service?.pid ?? 0) || earlier.desired !== service?.desired;
  return { changed: changed || isOther, oldPid: earlier.pid };
}

/** undefined where one of them is not there: the order itself says so better. */
async function look(context: Context, selector: Selector): Promise<Services | undefined> {
  try {
    const { services } = await context.ask(ServicesService.list, { selector });
    return new Map(services.map((service) => [service.name, service]));
  } catch (error) {
    if (error instanceof RpcError && error.details.length > 0) return undefined;
    throw error;
  }
}

const named = (names: readonly string[]): Selector => ({ names: [...names], globs: [], all: false });
