import { setMaxListeners } from 'node:events';
import { monotonicMs } from '../process/clock.js';
import type { OperationOptions, WaitLevel } from '../types/operations.js';
import type { ServiceStatus } from '../types/service.js';
import { describeExit } from './describe-exit.js';
import { OperationError } from './operation-error.js';
import type { Order } from './orders.js';
import type { ServiceSet } from './service-set.js';

type Look = (status: ServiceStatus | undefined) => void;

/** Waits for the outcome of orders. Giving up waiting does not undo an order. */
export class Waiting {
  readonly #set: ServiceSet;
  /** By the name of the service: thousands may wait, and each change is of one service. */
  readonly #looks = new Map<string, Set<Look>>();

  constructor(set: ServiceSet) {
    this.#set = set;
    set.subscribe(({ status, removed }) => {
      for (const look of [...(this.#looks.get(status.name) ?? [])]) look(removed ? undefined : status);
    });
  }

  /** Waits for a run, of this number or later, to be started or ready. */
  forRun(name: string, { run, starts }: Order, options: OperationOptions, defaultTimeoutMs: number): Promise<void> {
    if (options.wait === 'none' || options.wait === 'stopped' || options.within === name) return Promise.resolve();
    return this.#wait(name, options, defaultTimeoutMs, options.wait, (status) => {
      if (status === undefined)
        throw new OperationError('REMOVED', `${name} is gone: it was removed`, { service: name });
      if (status.run >= run) {
        if (status.pid !== 0 && status.state !== 'stopping') {
          if (options.wait === 'started' || status.ready) return 'done';
        } else if (status.type === 'oneshot' && status.state === 'completed') return 'done';
        else if (status.type === 'oneshot' && status.state === 'finishing') return 'wait';
        else return judgeEnd(status, run, starts);
      }
      if (status.desired === 'down' && status.run < run) throw superseded(status, 'start');
      return 'wait';
    });
  }

  /** Waits for a service to be down. */
  forStop(name: string, options: OperationOptions, defaultTimeoutMs: number): Promise<void> {
    if (options.wait === 'none' || options.within === name) return Promise.resolve();
    return this.#wait(name, options, defaultTimeoutMs, 'stopped', (status) => {
      if (status === undefined || status.state === 'down') return 'done';
      if (status.desired !== 'down') throw superseded(status, 'stop');
      return 'wait';
    });
  }

  /** Waits for a service to be gone. */
  forRemoval(name: string, options: OperationOptions, defaultTimeoutMs: number): Promise<void> {
    if (options.wait === 'none' || options.within === name) return Promise.resolve();
    return this.#wait(name, options, defaultTimeoutMs, 'stopped', (status) => (status === undefined ? 'done' : 'wait'));
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
            `${name} is not ${level} after ${Math.round((monotonicMs() - sinceMs) / 100) / 10} s (state: ${state}); the operation goes on`,
            { service: name, state, waiting_for: level },
          ),
        );
      };
      const stopWaiting = this.#onChange(name, look);
      const timer = Number.isFinite(timeoutMs) ? setTimeout(giveUp, timeoutMs) : undefined;
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

  #onChange(name: string, look: Look): () => void {
    const looks = this.#looks.get(name) ?? new Set();
    this.#looks.set(name, looks.add(look));
    return () => {
      looks.delete(look);
      if (looks.size === 0 && this.#looks.get(name) === looks) this.#looks.delete(name);
    };
  }
}

/** Judges, for the one who waits, a run of this number or later that has no process (any more). */
function judgeEnd(status: ServiceStatus, run: number, startsBefore: number): 'done' | 'wait' {
  const metadata = { service: status.name, state: status.state };
  if (status.state === 'completed') return 'done';
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
  const why = last.unstartable === undefined ? '' : `: ${last.unstartable}`;
  throw new OperationError(
    'EXITED_EARLY',
    `${status.name} ${describeExit(last.status, ` after ${Math.round(last.durationMs)} ms`)}${why}`,
    {
      ...metadata,
      ...(last.status.kind === 'exited' && { exit_code: String(last.status.code) }),
      ...(last.status.kind === 'signaled' && { signal: String(last.status.signal) }),
    },
  );
}

const superseded = (status: ServiceStatus, operation: string): OperationError =>
  new OperationError(
    'SUPERSEDED',
    `the ${operation} of ${status.name} was overtaken by another order (${status.cause.actor ?? status.cause.kind})`,
    { service: status.name, state: status.state },
  );
