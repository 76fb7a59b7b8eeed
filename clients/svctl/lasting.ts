import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from './context.js';
import { ConnectError, GrpcCode, type Method, RpcError } from './grpc-http2.js';

/** From the first attempt at connecting again to the slowest. */
const RECONNECT_FIRST_MS = 50;
const RECONNECT_LIMIT_MS = 2_000;

/** The first answer takes milliseconds; a controller that is replaced is back within seconds. */
const FIRST_ANSWER_MS = 10_000;

/** How a stream is kept. */
export interface Lasting<Request, Response> {
  /** What is asked, also when it is asked again: from where the last answer ended. */
  readonly request: () => Request;
  /** The end of the stream is no reason to end either. */
  readonly endless: boolean;
  /** How long my_init may be silent from this answer on; undefined when it says nothing of it. */
  readonly silenceMs: (response: Response) => number | undefined;
  /** Whether to ask again after an error that ends other streams. */
  readonly passes?: (error: unknown) => boolean;
}

/** The messages of a stream, which is asked for again, without a word, when the controller or the container is replaced. */
export async function* lasting<Request, Response>(
  context: Context,
  method: Method<Request, Response>,
  options: Lasting<Request, Response>,
): AsyncGenerator<Response, void, undefined> {
  const startedMs = performance.now();
  let live = false;
  let retryMs = RECONNECT_FIRST_MS;
  for (;;) {
    try {
      for await (const response of heard(context, method, options)) {
        retryMs = RECONNECT_FIRST_MS;
        live = true;
        yield response;
      }
      if (!options.endless) return;
    } catch (error) {
      const again = options.passes?.(error) === true || (passes(error) && (live || mayYetAnswer(error, startedMs)));
      if (!again) throw error;
    }
    context.close();
    await delay(retryMs);
    retryMs = Math.min(RECONNECT_LIMIT_MS, retryMs * 2);
  }
}

/** What my_init sends, until it has been silent for too long. The time that is spent on an answer does not count. */
async function* heard<Request, Response>(
  context: Context,
  method: Method<Request, Response>,
  options: Lasting<Request, Response>,
): AsyncGenerator<Response, void, undefined> {
  const silence = new AbortController();
  let silenceMs = 0;
  let timer: NodeJS.Timeout | undefined;
  try {
    for await (const response of context.stream(method, options.request(), { signal: silence.signal })) {
      clearTimeout(timer);
      silenceMs = options.silenceMs(response) ?? silenceMs;
      yield response;
      if (silenceMs > 0) timer = setTimeout(() => silence.abort(), silenceMs);
    }
  } finally {
    clearTimeout(timer);
  }
}

/** The first connection came about and broke: the controller is being replaced just now, or what answers is no my_init. */
function mayYetAnswer(error: unknown, startedMs: number): boolean {
  const broke = error instanceof RpcError && error.code === GrpcCode.unavailable;
  return broke && performance.now() - startedMs < FIRST_ANSWER_MS;
}

/** The controller or the container is being replaced. */
function passes(error: unknown): boolean {
  if (error instanceof ConnectError) return true;
  return error instanceof RpcError && PASSING_CODES.includes(error.code);
}

/** NOT_FOUND: after a boot the services come one by one. */
const PASSING_CODES: readonly number[] = [
  GrpcCode.unavailable,
  GrpcCode.cancelled,
  GrpcCode.notFound,
  GrpcCode.deadlineExceeded,
];
