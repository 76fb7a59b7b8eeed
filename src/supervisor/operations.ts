import { monotonicMs } from '../process/clock.js';
import type { SignalResult } from '../process/process-host.js';
import { parseSignal } from '../process/signals.js';
import {
  type Cause,
  OperationError,
  type OperationOptions,
  type Outcome,
  type Selector,
  type ServiceControl,
  type ServiceStatus,
} from '../types/service.js';
import { excerpt, isEmpty, select } from './selecting.js';
import type { Service } from './service.js';
import type { ServiceSet } from './service-set.js';
import { Waiting } from './waiting.js';

/** A daemon that is not ready after this long is worth a word to the one who waits. */
const START_WAIT_MS = 30_000;
/** Beyond the stop timeout: KILL, `finish` and its time limit. */
const STOP_EXTRA_MS = 10_000;

/** Executes orders on services and waits for their outcome. */
export class Operations implements ServiceControl {
  readonly #set: ServiceSet;
  readonly #waiting: Waiting;

  constructor(set: ServiceSet) {
    this.#set = set;
    this.#waiting = new Waiting(set);
  }

  select(selector: Selector): readonly ServiceStatus[] {
    if (isEmpty(selector)) return this.#set.list();
    const { found, missing } = select(this.#set, selector);
    if (missing[0]) throw missing[0].error;
    return found.map((service) => service.status);
  }

  start(selector: Selector, options: OperationOptions & { readonly once?: boolean }): Promise<readonly Outcome[]> {
    this.#refuseWhenHalted();
    return this.#each(selector, async (service) => {
      const before = service.status;
      const running = before.state === 'up' || before.state === 'starting';
      this.#set.start(service, { cause: options.cause, ...(options.once && { once: true }) });
      const changed = !running || before.desired !== service.status.desired;
      // A run that was there before satisfies; in any other state it takes a new one.
      await this.#waiting.forRun(before, running ? before.run : before.run + 1, options, START_WAIT_MS);
      return changed;
    });
  }

  restart(
    selector: Selector,
    options: OperationOptions & { readonly stopTimeoutMs?: number },
  ): Promise<readonly Outcome[]> {
    this.#refuseWhenHalted();
    return this.#each(selector, async (service) => {
      const before = service.status;
      const timeoutMs = options.stopTimeoutMs ?? service.definition.stop.graceMs;
      this.#set.restart(service, { cause: options.cause, timeoutMs });
      await this.#waiting.forRun(before, before.run + 1, options, timeoutMs + START_WAIT_MS);
      return true;
    });
  }

  stop(
    selector: Selector,
    options: OperationOptions & { readonly stopTimeoutMs?: number },
  ): Promise<readonly Outcome[]> {
    return this.#each(selector, async (service) => {
      const before = service.status;
      const timeoutMs = options.stopTimeoutMs ?? service.definition.stop.graceMs;
      service.dispatch({ type: 'stop', why: 'asked', cause: options.cause, timeoutMs });
      await this.#waiting.forStop(service.name, options, timeoutMs + STOP_EXTRA_MS);
      return before.state !== 'down' || before.desired !== 'down';
    });
  }

  reload(selector: Selector, options: { readonly cause: Cause }): Promise<readonly Outcome[]> {
    return this.#signalEach(selector, 'SIGHUP', options, (service) => service.control('h', 'SIGHUP'));
  }

  signal(
    selector: Selector,
    signal: string,
    options: { readonly cause: Cause; readonly group?: boolean; readonly expectedRunId?: string },
  ): Promise<readonly Outcome[]> {
    const name = parseSignal(signal);
    if (name === undefined)
      throw new OperationError('INVALID_ARGUMENT', `there is no signal "${excerpt(signal)}"`, { field: 'signal' });
    return this.#signalEach(selector, name, options, (service) => service.signal(name, options.group ?? false));
  }

  #signalEach(
    selector: Selector,
    name: NodeJS.Signals,
    options: { readonly cause: Cause; readonly expectedRunId?: string },
    send: (service: Service) => Promise<SignalResult>,
  ): Promise<readonly Outcome[]> {
    return this.#each(selector, async (service) => {
      const { pid, runId, state } = service.status;
      if (options.expectedRunId && options.expectedRunId !== runId)
        throw new OperationError('RUN_CHANGED', `${service.name} is another run by now (${runId || 'none yet'})`, {
          service: service.name,
          run_id: runId,
        });
      if (pid === 0)
        throw new OperationError('NOT_RUNNING', `${service.name} has no process (it is ${state})`, {
          service: service.name,
          state,
        });
      const result = await send(service);
      if (result !== 'sent')
        throw new OperationError(
          'SIGNAL_FAILED',
          `${name} could not be sent to ${service.name} (pid ${pid}): ${result}`,
          {
            service: service.name,
            errno: result,
          },
        );
      return true;
    });
  }

  // --- each service ------------------------------------------------------------------------------------------------

  async #each(selector: Selector, operate: (service: Service) => Promise<boolean>): Promise<readonly Outcome[]> {
    if (isEmpty(selector))
      throw new OperationError('EMPTY_SELECTOR', 'no service is named; say which, or all', { field: 'selector' });
    const { found, missing } = select(this.#set, selector);
    if (found.length === 0 && missing[0]) throw missing[0].error;
    const outcomes = await Promise.all(found.map((service) => this.#outcome(service, operate)));
    for (const { name, error } of missing)
      outcomes.push({ name, changed: false, error, oldPid: 0, status: undefined, durationMs: 0 });
    return outcomes.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async #outcome(service: Service, operate: (service: Service) => Promise<boolean>): Promise<Outcome> {
    const { name } = service;
    const oldPid = service.status.pid;
    const startedMs = monotonicMs();
    let changed = true;
    let error: OperationError | undefined;
    try {
      changed = await operate(service);
    } catch (thrown) {
      if (!(thrown instanceof OperationError)) throw thrown;
      error = thrown;
      changed = thrown.reason !== 'NOT_RUNNING' && thrown.reason !== 'RUN_CHANGED' && thrown.reason !== 'SIGNAL_FAILED';
    }
    return { name, changed, error, oldPid, status: this.#set.get(name), durationMs: monotonicMs() - startedMs };
  }

  #refuseWhenHalted(): void {
    if (this.#set.halted)
      throw new OperationError('SHUTTING_DOWN', 'my_init is shutting down: nothing is started any more');
  }
}
