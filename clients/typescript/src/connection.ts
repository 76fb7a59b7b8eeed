import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { type CallOptions, Channel, type Method } from './channel.js';
import { cancelled, isLost, MyInitError } from './errors.js';

/** Makes a stream to my_init: a connected socket, or the pipes of a process. */
export interface Address {
  /** For messages. */
  readonly name: string;
  open(signal?: AbortSignal): Promise<Duplex>;
}

/** my_init answers a question within milliseconds, also while it starts a hundred services. */
export const ANSWER_TIMEOUT_MS = 10_000;

/**
 * Between two attempts of a call whose connection broke: the next controller is there in about 100
 * ms.
 */
const RETRY_DELAY_MS = 50;

/** Attempts that fail for so long, each of them quickly, are given up. */
const PATIENCE_MS = 10_000;

/** A way to one my_init, which outlives its connections. */
export class Connection {
  readonly #address: Address;
  #channel: Promise<Channel> | undefined;
  #closed = false;

  constructor(address: Address) {
    this.#address = address;
  }

  get name(): string {
    return this.#address.name;
  }

  /**
   * Calls a method that may be repeated, because it changes nothing or is a mutation with a
   * `request_id`. When the connection breaks, the call is made again on the next one. Throws
   * {@link MyInitError} on failure.
   */
  async call<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    { timeoutMs, signal }: CallOptions = {},
  ): Promise<Response> {
    const startedMs = performance.now();
    const leftMs = (): number | undefined =>
      timeoutMs === undefined ? undefined : Math.max(1, timeoutMs - (performance.now() - startedMs));
    let lost: { readonly error: MyInitError; readonly sinceMs: number } | undefined;
    for (;;) {
      const attemptMs = performance.now();
      try {
        // The error of the first attempt names the time that the caller has asked for.
        return await this.once(method, request, { timeoutMs: lost === undefined ? timeoutMs : leftMs(), signal });
      } catch (error) {
        const retriable = isLost(error) || (lost !== undefined && isUnreachable(error));
        if (!retriable) throw error;
        const now = performance.now();
        // An attempt that lasted is a sign of life.
        if (lost === undefined || now - attemptMs > PATIENCE_MS / 2) lost = { error, sinceMs: now };
        if (now - lost.sinceMs > PATIENCE_MS || (leftMs() ?? PATIENCE_MS) <= RETRY_DELAY_MS) throw lost.error;
      }
      this.drop();
      await delay(RETRY_DELAY_MS);
    }
  }

  /** Calls a method once, even if the connection breaks. */
  async once<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: CallOptions = {},
  ): Promise<Response> {
    return (await this.#open(options.signal)).unary(method, request, options);
  }

  async *stream<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: CallOptions = {},
  ): AsyncGenerator<Response, void, undefined> {
    yield* (await this.#open(options.signal)).stream(method, request, options);
  }

  /** {@link close} has been called. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Ends the connection, and all that is under way. Calls that come later throw CANCELLED. */
  close(): void {
    this.#closed = true;
    this.drop();
  }

  /** Ends the connection as it is: the next call makes a new one. */
  drop(): void {
    this.#channel?.then(
      (channel) => channel.close(),
      () => undefined,
    );
    this.#channel = undefined;
  }

  /** Callers share a connection that is being made; each of them may give up alone. */
  async #open(signal: AbortSignal | undefined): Promise<Channel> {
    for (;;) {
      if (this.#closed) throw new MyInitError('CANCELLED', `the connection to ${this.name} has been closed`);
      const isNew = this.#channel === undefined;
      const opening = this.#channel ?? this.#connect(signal);
      try {
        const channel = await orAborted(opening, signal);
        if (isNew || !channel.closed) return channel;
      } catch (error) {
        // Another caller had begun to connect, and has given up.
        const isOfOther = error instanceof MyInitError && error.reason === 'CANCELLED' && !signal?.aborted;
        if (isNew || !isOfOther) throw error;
      }
      if (this.#channel === opening) this.#channel = undefined;
    }
  }

  #connect(signal: AbortSignal | undefined): Promise<Channel> {
    const opening = this.#address.open(signal).then((stream) => new Channel(stream, this.#address.name));
    this.#channel = opening;
    opening.catch(() => {
      if (this.#channel === opening) this.#channel = undefined;
    });
    return opening;
  }
}

function orAborted<Result>(work: Promise<Result>, signal: AbortSignal | undefined): Promise<Result> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(cancelled(signal));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort);
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

function isUnreachable(error: unknown): error is MyInitError {
  return error instanceof MyInitError && error.reason === 'UNREACHABLE';
}
