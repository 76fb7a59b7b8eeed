import { setTimeout as delay } from 'node:timers/promises';
import type { Method } from './channel.js';
import type { Connection } from './connection.js';
import { GrpcCode, MyInitError } from './errors.js';

/** The delay before the first attempt to connect again, and the longest. */
const RECONNECT_FIRST_MS = 50;
const RECONNECT_LIMIT_MS = 2_000;

/** The first answer takes milliseconds; a controller that is replaced is back within seconds. */
const FIRST_ANSWER_MS = 10_000;

export interface ReconnectOptions<Request, Response> {
  /** The request, made again for each attempt, so that each continues after the last answer. */
  readonly request: () => Request;
  /** Ask again also when the stream ends without an error. */
  readonly endless: boolean;
  /** How long my_init may be silent from this answer on; undefined leaves the limit as it is. */
  readonly silenceMs: (response: Response) => number | undefined;
  /** Whether to ask again after an error that would end the stream. */
  readonly retries?: (error: unknown) => boolean;
  readonly signal?: AbortSignal;
}

/**
 * The messages of a stream, asked for again when the controller, the container or the link is
 * replaced.
 */
export async function* reconnect<Request, Response>(
  connection: Connection,
  method: Method<Request, Response>,
  options: ReconnectOptions<Request, Response>,
): AsyncGenerator<Response, void, undefined> {
  const startedMs = performance.now();
  const { signal } = options;
  let live = false;
  let retryMs = RECONNECT_FIRST_MS;
  for (;;) {
    try {
      for await (const response of untilSilent(connection, method, options)) {
        retryMs = RECONNECT_FIRST_MS;
        live = true;
        yield response;
      }
      if (!options.endless) return;
    } catch (error) {
      if (signal?.aborted || connection.closed) throw error;
      const again = options.retries?.(error) === true || (passes(error) && (live || mayYetAnswer(error, startedMs)));
      if (!again) throw error;
    }
    connection.drop();
    await delay(retryMs, undefined, { signal }).catch(() => undefined);
    retryMs = Math.min(RECONNECT_LIMIT_MS, retryMs * 2);
  }
}

/**
 * The answers until my_init has been silent for too long. Time spent on an answer does not count.
 */
async function* untilSilent<Request, Response>(
  connection: Connection,
  method: Method<Request, Response>,
  options: ReconnectOptions<Request, Response>,
): AsyncGenerator<Response, void, undefined> {
  const silence = new AbortController();
  const signal = options.signal === undefined ? silence.signal : AbortSignal.any([silence.signal, options.signal]);
  let silenceMs = 0;
  let timer: NodeJS.Timeout | undefined;
  try {
    for await (const response of connection.stream(method, options.request(), { signal })) {
      clearTimeout(timer);
      silenceMs = options.silenceMs(response) ?? silenceMs;
      yield response;
      if (silenceMs > 0) timer = setTimeout(() => silence.abort(), silenceMs);
    }
  } finally {
    clearTimeout(timer);
  }
}

/**
 * The first connection broke: either the controller is being replaced just now, or the other end is
 * no my_init.
 */
function mayYetAnswer(error: unknown, startedMs: number): boolean {
  const broke = error instanceof MyInitError && error.code === GrpcCode.unavailable && !FINAL.includes(error.reason);
  return broke && performance.now() - startedMs < FIRST_ANSWER_MS;
}

const FINAL: readonly string[] = ['UNREACHABLE', 'NOT_MY_INIT'];

/**
 * The controller or the container is being replaced. NOT_FOUND: after a boot the services come one
 * by one.
 */
function passes(error: unknown): boolean {
  return error instanceof MyInitError && PASSING_CODES.includes(error.code);
}

const PASSING_CODES: readonly number[] = [
  GrpcCode.unavailable,
  GrpcCode.cancelled,
  GrpcCode.notFound,
  GrpcCode.deadlineExceeded,
];
