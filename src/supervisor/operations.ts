import { setMaxListeners } from 'node:events';
import { monotonicMs } from '../process/clock.js';
import type { SignalResult } from '../process/process-host.js';
import { parseSignal } from '../process/signals.js';
import { matchesGlob } from '../text/glob.js';
import { nearest } from '../text/nearest-name.js';
import { printable } from '../text/printable.js';
import {
  type Cause,
  OperationError,
  type OperationOptions,
  type Outcome,
  type Selector,
  type ServiceControl,
  type ServiceStatus,
  type WaitLevel,
} from '../types/service.js';
import { describeExit } from './describe-exit.js';
import type { Service } from './service.js';
import { explainBadName, isServiceName } from './service-directory.js';
import type { ServiceSet } from './service-set.js';

/** A daemon that is not ready after this long is worth a word to the one who waits. */
const START_WAIT_MS = 30_000;
/** Beyond the stop timeout: KILL, `finish` and its time limit. */
const STOP_EXTRA_MS = 10_000;

/** Carries out what people ask of services, and waits until it has come to pass. */
export class Operations implements ServiceControl {
  readonly #set: ServiceSet;
  readonly #stopTimeoutMs: () => number;
  /** Who waits for a service, by its name: thousands may wait, and each change is of one service. */
  readonly #waiting = new Map<string, Set<(status: ServiceStatus | undefined) => void>>();

  constructor(set: ServiceSet, stopTimeoutMs: () => number) {
    this.#set = set;
    this.#stopTimeoutMs = stopTimeoutMs;
    set.subscribe(({ status, removed }) => {
      for (const look of [...(this.#waiting.get(status.name) ?? [])]) look(removed ? undefined : status);
    });
  }

  select(selector: Selector): readonly ServiceStatus[] {
    if (isEmpty(selector)) return this.#set.list();
    const { found, missing } = this.#resolve(selector);
    if (missing[0]) throw missing[0].error;
    return found.map((service) => service.status);
  }

  start(selector: Selector, options: OperationOptions & { readonly once?: boolean }): Promise<readonly Outcome[]> {
    this.#refuseWhenHalted();
    return this.#each(selector, async (service) => {
      const before = service.status;
      const running = before.state === 'up' || before.state === 'starting';
      service.dispatch({ type: 'start', cause: options.cause, ...(options.once && { once: true }) });
      const changed = !running || before.desired !== service.status.desired;
      // A run that was there before satisfies; in any other state it takes a new one.
      await this.#waitForRun(service, before, running ? before.run : before.run + 1, options, START_WAIT_MS);
      return changed;
    });
  }

  restart(
    selector: Selector,
    options: OperationOptions & { readonly stopTimeoutMs?: number },
  ): Promise<readonly Outcome[]> {
    this.#refuseWhenHalted();
    const timeoutMs = options.stopTimeoutMs ?? this.#stopTimeoutMs();
    return this.#each(selector, async (service) => {
      const before = service.status;
      service.dispatch({ type: 'restart', cause: options.cause, timeoutMs });
      await this.#waitForRun(service, before, before.run + 1, options, timeoutMs + START_WAIT_MS);
      return true;
    });
  }

  stop(
    selector: Selector,
    options: OperationOptions & { readonly stopTimeoutMs?: number },
  ): Promise<readonly Outcome[]> {
    const timeoutMs = options.stopTimeoutMs ?? this.#stopTimeoutMs();
    return this.#each(selector, async (service) => {
      const before = service.status;
      service.dispatch({ type: 'stop', cause: options.cause, timeoutMs });
      if (options.wait !== 'none')
        await this.#wait(service.name, options, timeoutMs + STOP_EXTRA_MS, 'stopped', (status) => {
          if (status === undefined || status.state === 'down') return 'done';
          if (status.desired !== 'down') throw superseded(status, 'stop');
          return 'wait';
        });
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

  // --- which services ------------------------------------------------------------------------------------------------

  async #each(selector: Selector, operate: (service: Service) => Promise<boolean>): Promise<readonly Outcome[]> {
    if (isEmpty(selector))
      throw new OperationError('EMPTY_SELECTOR', 'no service is named; say which, or all', { field: 'selector' });
    const { found, missing } = this.#resolve(selector);
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

  #resolve(selector: Selector): {
    readonly found: readonly Service[];
    readonly missing: readonly { readonly name: string; readonly error: OperationError }[];
  } {
    if (selector.all) return { found: this.#set.services(), missing: [] };
    const found = new Set<Service>();
    const missing: { name: string; error: OperationError }[] = [];
    for (const name of new Set(selector.names)) {
      const service = this.#set.service(name);
      if (service) found.add(service);
      else missing.push({ name: excerpt(name), error: this.#unknown(name) });
    }
    for (const glob of selector.globs) {
      const matching = this.#set.services().filter((service) => matchesGlob(glob, service.name));
      for (const service of matching) found.add(service);
      if (matching.length === 0) {
        const text = excerpt(glob);
        missing.push({
          name: text,
          error: new OperationError('NO_MATCH', `no service matches "${text}"`, { pattern: text }),
        });
      }
    }
    return { found: [...found].sort((a, b) => (a.name < b.name ? -1 : 1)), missing };
  }

  #unknown(name: string): OperationError {
    const text = excerpt(name);
    if (!isServiceName(name))
      return new OperationError('INVALID_ARGUMENT', `"${text}" cannot be a service: ${explainBadName(name)}`, {
        field: 'selector.names',
        service: text,
      });
    const suggestion = nearest(
      name,
      this.#set.services().map((service) => service.name),
    );
    return new OperationError('SERVICE_NOT_FOUND', `there is no service "${text}"`, {
      service: text,
      ...(suggestion !== undefined && { suggestion }),
    });
  }

  #refuseWhenHalted(): void {
    if (this.#set.halted)
      throw new OperationError('SHUTTING_DOWN', 'my_init is shutting down: nothing is started any more');
  }

  // --- waiting -------------------------------------------------------------------------------------------------------

  /** Waits for a run, of this number or later, to be started or ready. */
  #waitForRun(
    service: Service,
    before: ServiceStatus,
    run: number,
    options: OperationOptions,
    defaultTimeoutMs: number,
  ): Promise<void> {
    if (options.wait === 'none' || options.wait === 'stopped') return Promise.resolve();
    const starts = before.counters.starts;
    return this.#wait(service.name, options, defaultTimeoutMs, options.wait, (status) => {
      if (status === undefined)
        throw new OperationError('REMOVED', `${service.name} is gone: its directory was removed`, {
          service: service.name,
        });
      if (status.run >= run) {
        if (status.pid !== 0 && status.state !== 'stopping') {
          if (options.wait === 'started' || status.ready) return 'done';
        } else return this.#judgeEnd(status, run, starts);
      }
      if (status.desired === 'down' && status.run < run) throw superseded(status, 'start');
      return 'wait';
    });
  }

  /** What it means for the one who waits that a run of this number or later has no process (any more). */
  #judgeEnd(status: ServiceStatus, run: number, startsBefore: number): 'done' | 'wait' {
    const metadata = { service: status.name, state: status.state };
    if (status.state === 'failed')
      throw new OperationError('START_FAILED', `${status.name} cannot be started: ${status.trouble}`, metadata);
    if (status.counters.starts === startsBefore && status.state === 'backoff')
      throw new OperationError('START_FAILED', `${status.name} could not be started: ${status.trouble}`, metadata);
    const last = status.lastExit;
    if (last === undefined || last.run < run || status.state === 'starting') return 'wait';
    // Ended by another order that wants it up as well: its run will do.
    if (last.expected && status.desired === 'up') return 'wait';
    if (last.expected) throw superseded(status, 'start');
    // A task that has done its work is no failure.
    if (status.desired !== 'up' && last.status.kind === 'exited' && last.status.code === 0) return 'done';
    throw new OperationError(
      'EXITED_EARLY',
      `${status.name} ${describeExit(last.status)} after ${Math.round(last.durationMs)} ms`,
      {
        ...metadata,
        ...(last.status.kind === 'exited' && { exit_code: String(last.status.code) }),
        ...(last.status.kind === 'signaled' && { signal: String(last.status.signal) }),
      },
    );
  }

  #wait(
    name: string,
    options: OperationOptions,
    defaultTimeoutMs: number,
    level: WaitLevel,
    check: (status: ServiceStatus | undefined) => 'done' | 'wait',
  ): Promise<void> {
    const timeoutMs = options.waitTimeoutMs ?? defaultTimeoutMs;
    if (options.abort) setMaxListeners(0, options.abort);
    const sinceMs = monotonicMs();
    return new Promise((resolve, reject) => {
      const look = (status: ServiceStatus | undefined): void => {
        try {
          if (check(status) === 'wait') return;
          end();
          resolve();
        } catch (error) {
          end();
          reject(error);
        }
      };
      const giveUp = (): void => {
        end();
        const state = this.#set.get(name)?.state ?? 'gone';
        reject(
          new OperationError(
            'WAIT_TIMEOUT',
            `${name} is not ${level} after ${Math.round((monotonicMs() - sinceMs) / 100) / 10} s (it is ${state}); the operation goes on`,
            { service: name, state, waiting_for: level },
          ),
        );
      };
      const stopWaiting = this.#onChange(name, look);
      const timer = setTimeout(giveUp, timeoutMs);
      options.abort?.addEventListener('abort', giveUp, { once: true });
      const end = (): void => {
        stopWaiting();
        clearTimeout(timer);
        options.abort?.removeEventListener('abort', giveUp);
      };
      look(this.#set.get(name));
      if (options.abort?.aborted) giveUp();
    });
  }

  #onChange(name: string, look: (status: ServiceStatus | undefined) => void): () => void {
    const looks = this.#waiting.get(name) ?? new Set();
    this.#waiting.set(name, looks.add(look));
    return () => {
      looks.delete(look);
      if (looks.size === 0 && this.#waiting.get(name) === looks) this.#waiting.delete(name);
    };
  }
}

const isEmpty = (selector: Selector): boolean =>
  !selector.all && selector.names.length === 0 && selector.globs.length === 0;

const superseded = (status: ServiceStatus, operation: string): OperationError =>
  new OperationError(
    'SUPERSEDED',
    `the ${operation} of ${status.name} was overtaken by another order (${status.cause.actor ?? status.cause.kind})`,
    { service: status.name, state: status.state },
  );

/** For error messages: what a client sent may be of any length. */
const excerpt = (text: string): string => printable(text.slice(0, 200));
