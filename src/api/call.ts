import type {
  handleBidiStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  ServerDuplexStream,
  ServerErrorResponse,
  ServerWritableStream,
} from '@grpc/grpc-js';
import { ApiError, grpcErrorOf } from './errors.js';

/** How long before the client's deadline a wait ends, so that the answer is still heard. */
const ANSWER_MARGIN_MS = 100;

/** Most unread answers and streams at one time: data that is sent and not read stays in memory. */
const MAX_CALLS = 256;

/** Streams of these, so that there is always room for a question beside the watchers. */
const MAX_STREAMS = 128;

/** The caller, and until when an answer is of use. */
export interface Caller {
  /** `uid 0 (root), pid 312`. */
  readonly actor: string;
  /** Ends the waiting: the client has gone, or its deadline is near. */
  readonly giveUp: AbortSignal;
}

/** Why a server ends: the container does, or the next controller takes over. */
export type CloseReason = 'SHUTTING_DOWN' | 'CONTROLLER_REPLACED';

const CLOSE_MESSAGES: Readonly<Record<CloseReason, string>> = {
  SHUTTING_DOWN: 'my_init ends',
  CONTROLLER_REPLACED: 'the controller is being replaced: ask again',
};

/**
 * The part that all calls of one server share: their number, how their exceptions end, and the end
 * of their streams.
 */
export class Calls {
  readonly #log: (message: string) => void;
  readonly #streams = new Set<() => void>();
  /** The calls that have no answer yet. */
  readonly #open = new Set<() => void>();
  #inProgress = 0;
  /** Undefined until the server ends. */
  #closeReason: CloseReason | undefined;

  constructor(log: (message: string) => void) {
    this.#log = log;
  }

  /** A handler that answers once, or throws. */
  unary<Q, A>(handle: (request: Q, caller: Caller) => A | Promise<A>): handleUnaryCall<Q, A> {
    return (call, callback) => {
      const settle = (error: unknown, value?: A): void => {
        // The server may have ended meanwhile.
        if (!this.#open.delete(end)) return;
        if (error === undefined) callback(null, value);
        else callback(this.#explain(error, call.getPath()));
      };
      const end = (): void => settle(this.#closed());
      this.#open.add(end);
      const answer = async () => {
        this.#enter(call);
        return handle(call.request, { actor: call.getPeer(), giveUp: giveUpSignal(call) });
      };
      answer().then((value) => settle(undefined, value), settle);
    };
  }

  /**
   * A handler that starts a stream. Returns the function to call when the stream has ended, for
   * whatever reason.
   */
  stream<Q, A>(handle: (call: ServerWritableStream<Q, A>) => () => void): handleServerStreamingCall<Q, A> {
    return (call) => this.#run(call, () => this.#limited(() => handle(call)), this.#endFailing);
  }

  /** The same for a stream to whose client the end of my_init is no failure. */
  streamToTheEnd<Q, A>(handle: (call: ServerWritableStream<Q, A>) => () => void): handleServerStreamingCall<Q, A> {
    return (call) =>
      this.#run(
        call,
        () => handle(call),
        (stream) => stream.end(),
      );
  }

  bidirectional<Q, A>(handle: (call: ServerDuplexStream<Q, A>) => () => void): handleBidiStreamingCall<Q, A> {
    return (call) => this.#run(call, () => this.#limited(() => handle(call)), this.#endFailing);
  }

  /** Fails a stream with an error's status. */
  fail(call: AnyStream, error: unknown): void {
    call.emit('error', this.#explain(error, call.getPath()));
  }

  /**
   * Ends all streams, and all calls that wait for something: the container, or this controller,
   * ends.
   */
  end(why: CloseReason): void {
    this.#closeReason = why;
    for (const end of [...this.#open, ...this.#streams]) end();
  }

  #run(call: AnyStream, handle: () => () => void, end: (call: AnyStream) => void): void {
    try {
      this.#enter(call);
      const cleanUp = handle();
      const atTheEnd = () => {
        this.#streams.delete(atTheEnd);
        cleanUp();
        end(call);
      };
      this.#streams.add(atTheEnd);
      call.once('cancelled', () => {
        if (this.#streams.delete(atTheEnd)) cleanUp();
      });
    } catch (error) {
      this.fail(call, error);
    }
  }

  #limited(handle: () => () => void): () => void {
    if (this.#streams.size >= MAX_STREAMS) throw new ApiError('TOO_MANY_STREAMS', `${MAX_STREAMS} streams are open`);
    return handle();
  }

  /**
   * grpc-js says `cancelled` at the end of every call, when its last byte is sent or the client is
   * gone.
   */
  #enter(call: AnyCall): void {
    // The request was on its way: an order accepted now would be lost with this controller.
    if (this.#closeReason !== undefined) throw this.#closed();
    if (this.#inProgress >= MAX_CALLS) throw new ApiError('TOO_MANY_CALLS', `${MAX_CALLS} calls are in progress`);
    this.#inProgress++;
    call.once('cancelled', () => this.#inProgress--);
  }

  readonly #endFailing = (call: AnyStream) => this.fail(call, this.#closed());

  readonly #closed = () => {
    const why = this.#closeReason ?? 'SHUTTING_DOWN';
    return new ApiError(why, CLOSE_MESSAGES[why]);
  };

  #explain(error: unknown, method: string): ServerErrorResponse {
    return grpcErrorOf(error, method, this.#log);
  }
}

/** The part that calls of every type share. */
interface AnyCall {
  getPath(): string;
  getDeadline(): Date | number;
  once(event: 'cancelled', listener: () => void): unknown;
}

/** The part that streams of every type share. */
interface AnyStream extends AnyCall {
  emit(event: 'error', error: ServerErrorResponse): boolean;
  end(): unknown;
}

function giveUpSignal(call: AnyCall): AbortSignal {
  const ending = new AbortController();
  const remainingMs = Number(call.getDeadline()) - Date.now();
  const timer = Number.isFinite(remainingMs)
    ? setTimeout(() => ending.abort(), Math.max(remainingMs - ANSWER_MARGIN_MS, remainingMs / 2))
    : undefined;
  call.once('cancelled', () => {
    clearTimeout(timer);
    ending.abort();
  });
  return ending.signal;
}
