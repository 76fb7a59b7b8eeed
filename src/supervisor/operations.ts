import { monotonicMs } from '../process/clock.js';
import { parseSignal } from '../process/signals.js';
import type {
  HoldOptions,
  ImmediateOptions,
  OperationOptions,
  Outcome,
  RestartOptions,
  RunOrder,
  Selector,
  ServiceControl,
  SignalOptions,
  StopOptions,
} from '../types/operations.js';
import type { ServiceName, ServiceStatus } from '../types/service.js';
import { accept, forEach, outcomeOf } from './each-service.js';
import { OperationError, shuttingDown } from './operation-error.js';
import { isRepeated, type Order, type OrderKind, orderOf } from './orders.js';
import { ownerOf } from './owned-sessions.js';
import type { Replicas } from './replicas.js';
import { type Accepted, inTurn, rolling } from './rolling-restart.js';
import { excerpt, isEmpty, select } from './selecting.js';
import type { Service } from './service.js';
import type { ServiceSet } from './service-set.js';
import type { TransientServices } from './transient-services.js';
import { Turns } from './turns.js';
import { Waiting } from './waiting.js';

/** A daemon that is not ready after this long is worth a word to the one who waits. */
const START_WAIT_MS = 30_000;
/** Beyond the stop timeout: KILL, `finish` and its time limit. */
const STOP_EXTRA_MS = 10_000;

/** The parts that change which services there are. */
export interface OperationsParts {
  readonly replicas: Replicas;
  readonly transient: TransientServices;
}

/** Executes orders on services and waits for their outcome. */
export class Operations implements ServiceControl {
  readonly #set: ServiceSet;
  readonly #replicas: Replicas;
  readonly #transient: TransientServices;
  readonly #waiting: Waiting;
  /** Signals on their way: `control/h` or the command of `reload` may take its time. */
  readonly #sending = new WeakMap<Order, Promise<void>>();

  constructor(set: ServiceSet, { replicas, transient }: OperationsParts) {
    this.#set = set;
    this.#replicas = replicas;
    this.#transient = transient;
    this.#waiting = new Waiting(set);
  }

  select(selector: Selector): readonly ServiceStatus[] {
    if (isEmpty(selector)) return this.#set.list();
    const { found, missing } = select(this.#set, selector);
    if (missing[0]) throw missing[0].error;
    return found.map((service) => service.status);
  }

  ownerOf(pid: number): ServiceName | undefined {
    return ownerOf(this.#set.services(), pid);
  }

  start(selector: Selector, options: OperationOptions & { readonly once?: boolean }): Promise<readonly Outcome[]> {
    this.#refuseInShutdown();
    return forEach(this.#set, selector, async (service) => {
      const order = accept(service, 'start', options, (before) => {
        this.#set.startNeeded(service, options.cause);
        const running = before.state === 'up' || before.state === 'starting';
        const act = (): boolean => {
          service.dispatch({ type: 'start', cause: options.cause, ...(options.once && { once: true }) });
          return !running || before.desired !== service.status.desired;
        };
        // A run that was there before satisfies the order; in any other state a new one does.
        return { run: running ? before.run : before.run + 1, act };
      });
      return { order, done: this.#waiting.forRun(service.name, order, options, START_WAIT_MS) };
    });
  }

  async run(order: RunOrder, options: OperationOptions): Promise<Outcome> {
    this.#refuseInShutdown();
    const { cause, requestId = '' } = options;
    const service = await this.#transient.add(order, cause, requestId);
    const first = firstRun(options);
    return outcomeOf(this.#set, service, async () => ({
      order: first,
      done: this.#waiting.forRun(service.name, first, options, START_WAIT_MS),
    }));
  }

  restart(selector: Selector, options: RestartOptions): Promise<readonly Outcome[]> {
    this.#refuseInShutdown();
    const restart = async (service: Service, left: OperationOptions = options): Promise<Accepted> => {
      const timeoutMs = options.stopTimeoutMs ?? service.definition.stop.graceMs;
      const order = accept(service, 'restart', options, (before) => {
        this.#set.startNeeded(service, options.cause);
        const act = (): boolean => {
          service.dispatch({ type: 'restart', cause: options.cause, timeoutMs });
          return true;
        };
        return { run: before.run + 1, act };
      });
      return { order, done: this.#waiting.forRun(service.name, order, left, timeoutMs + START_WAIT_MS) };
    };
    return forEach(this.#set, selector, options.atOnce ? restart : rolling(restart, options), inTurn);
  }

  async scale(name: string, replicas: number, options: OperationOptions): Promise<readonly Outcome[]> {
    this.#refuseInShutdown();
    const { added, removed } = await this.#replicas.scale(name, replicas, options);
    const started = added.map((service) =>
      outcomeOf(this.#set, service, async () => {
        const first = firstRun(options);
        const order = isRepeated(service.order, 'start', first.id) ? service.order : service.accept(first, () => true);
        return { order, done: this.#waiting.forRun(service.name, order, options, START_WAIT_MS) };
      }),
    );
    const stopped = removed.map((service) =>
      outcomeOf(this.#set, service, async () => {
        const order = orderOf('stop', '', service.status);
        const timeoutMs = service.definition.stop.graceMs + STOP_EXTRA_MS;
        return { order, done: this.#waiting.forRemoval(service.name, options, timeoutMs) };
      }),
    );
    return Promise.all([...started, ...stopped]);
  }

  async stop(selector: Selector, options: StopOptions): Promise<readonly Outcome[]> {
    const toStop = (found: readonly Service[]): readonly Service[] =>
      selector.all ? found.filter(({ definition }) => !definition.stopsByNameOnly) : found;
    const outcomes = options.withDependents
      ? await this.#stopInOrder(selector, options, toStop)
      : await forEach(this.#set, selector, async (service) => this.#stop(service, options), toStop);
    return outcomes.map((outcome) => {
      const service = this.#set.service(outcome.name);
      return service ? { ...outcome, dependents: this.#set.conditions.dependentsOf(service.name) } : outcome;
    });
  }

  /**
   * Stops each service after those that need it; a service keeps running if one of them does not
   * end.
   */
  #stopInOrder(
    selector: Selector,
    options: StopOptions,
    toStop: (found: readonly Service[]) => readonly Service[],
  ): Promise<readonly Outcome[]> {
    if (options.wait === 'none') {
      const why = 'a service is stopped when those that need it are down: a stop with dependents has to be waited for';
      throw new OperationError('INVALID_ARGUMENT', why, { field: 'wait' });
    }
    const { conditions } = this.#set;
    const turns = new Turns('stopped');
    const stop = (service: Service): Promise<Accepted> =>
      turns.run(service.name, conditions.dependentsOf(service.name), () => this.#stop(service, options));
    return forEach(this.#set, selector, stop, (found) =>
      conditions.withDependents(toStop(found).map(({ name }) => name)).flatMap((name) => this.#set.service(name) ?? []),
    );
  }

  #stop(service: Service, options: StopOptions): Accepted {
    const timeoutMs = options.stopTimeoutMs ?? service.definition.stop.graceMs;
    const order = accept(service, 'stop', options, (before) => {
      const act = (): boolean => {
        service.dispatch({ type: 'stop', why: 'asked', cause: options.cause, timeoutMs });
        return before.state !== 'down' || before.desired !== 'down';
      };
      return { run: before.run, act };
    });
    return { order, done: this.#waiting.forStop(service.name, options, timeoutMs + STOP_EXTRA_MS) };
  }

  reload(selector: Selector, options: ImmediateOptions): Promise<readonly Outcome[]> {
    return this.#signalEach(selector, options, async (service) => {
      const trouble = await service.reload();
      if (trouble === undefined) return;
      const message = `${service.name} was not reloaded: ${trouble}`;
      throw new OperationError('RELOAD_FAILED', message, { service: service.name });
    });
  }

  signal(selector: Selector, signal: string, options: SignalOptions): Promise<readonly Outcome[]> {
    const name = parseSignal(signal);
    if (name === undefined)
      throw new OperationError('INVALID_ARGUMENT', `there is no signal "${excerpt(signal)}"`, { field: 'signal' });
    return this.#signalEach(selector, options, async (service) => {
      const { pid } = service.status;
      const result = await service.signal(name, options.group ?? false);
      if (result === 'sent') return;
      const message = `${name} could not be sent to ${service.name} (pid ${pid}): ${result}`;
      throw new OperationError('SIGNAL_FAILED', message, { service: service.name, errno: result });
    });
  }

  hold(selector: Selector, options: HoldOptions): Promise<readonly Outcome[]> {
    const { durationMs, reason, throughShutdown, cause } = options;
    return this.#atOnce(selector, 'hold', options, (service) => {
      const nowMs = monotonicMs();
      const actor = cause.actor ?? '';
      const hold = { sinceMs: nowMs, untilMs: nowMs + durationMs, reason, actor, throughShutdown };
      service.dispatch({ type: 'hold', hold });
    });
  }

  release(selector: Selector, options: ImmediateOptions): Promise<readonly Outcome[]> {
    return this.#atOnce(selector, 'release', options, (service) =>
      service.dispatch({ type: 'release', cause: options.cause }),
    );
  }

  reset(selector: Selector, options: ImmediateOptions): Promise<readonly Outcome[]> {
    return this.#atOnce(selector, 'reset', options, (service) =>
      service.dispatch({ type: 'reset', cause: options.cause }),
    );
  }

  #atOnce(
    selector: Selector,
    kind: OrderKind,
    options: ImmediateOptions,
    act: (service: Service) => void,
  ): Promise<readonly Outcome[]> {
    return forEach(this.#set, selector, async (service) => {
      const order = accept(service, kind, options, (before) => {
        const carryOut = (): boolean => {
          act(service);
          return service.status !== before;
        };
        return { run: before.run, act: carryOut };
      });
      return { order };
    });
  }

  #signalEach(
    selector: Selector,
    options: SignalOptions,
    send: (service: Service) => Promise<void>,
  ): Promise<readonly Outcome[]> {
    return forEach(this.#set, selector, async (service) => {
      const { requestId = '' } = options;
      const latest = service.order;
      if (isRepeated(latest, 'signal', requestId)) {
        await this.#sending.get(latest);
        return { order: latest };
      }
      const { pid, runId, state } = service.status;
      if (options.expectedRunId && options.expectedRunId !== runId)
        throw new OperationError('RUN_CHANGED', `${service.name} is another run by now (${runId || 'none yet'})`, {
          service: service.name,
          run_id: runId,
        });
      if (pid === 0)
        throw new OperationError('NOT_RUNNING', `${service.name} has no process (state: ${state})`, {
          service: service.name,
          state,
        });
      // Recorded first: a controller that dies in this instant may leave the signal unsent, never
      // sent twice.
      const order = service.accept(orderOf('signal', requestId, service.status), () => true);
      const sending = send(service).catch((error: unknown) => {
        service.forget(order);
        throw error;
      });
      this.#sending.set(order, sending);
      await sending;
      return { order };
    });
  }

  #refuseInShutdown(): void {
    if (this.#set.startsForbidden) throw shuttingDown();
  }
}

/** The order that has made a service. */
const firstRun = ({ requestId = '' }: OperationOptions): Order => ({
  kind: 'start',
  id: requestId,
  run: 1,
  starts: 0,
  oldPid: 0,
  changed: true,
});
