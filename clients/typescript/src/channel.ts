import http2 from 'node:http2';
import type { Duplex } from 'node:stream';
import { cancelled, errorOfStatus, GrpcCode, MyInitError } from './errors.js';
import { Status } from './gen/google/rpc/status.js';

/** A method of a generated service definition, with the path it is called by. */
export interface Method<Request, Response> {
  readonly path: string;
  readonly request: { encode(message: Request): { finish(): Uint8Array } };
  readonly response: { decode(bytes: Uint8Array): Response };
}

export interface CallOptions {
  /**
   * The call's deadline, in milliseconds from now; none when undefined, unless my_init says nothing
   * at all.
   */
  readonly timeoutMs?: number;
  /** Cancels the call. */
  readonly signal?: AbortSignal;
}

/**
 * A living my_init sends its first frame, the settings of HTTP/2, within milliseconds, however long
 * a call takes.
 */
const FIRST_FRAME_MS = 10_000;

/**
 * A gRPC client over any duplex stream: a socket, or the pipes of a process. Unary calls and server
 * streams over node:http2, which loads in a quarter of the time of @grpc/grpc-js. The protocol is
 * https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md.
 */
export class Channel {
  readonly #session: http2.ClientHttp2Session;
  #heard = false;
  #failure: NodeJS.ErrnoException | undefined;

  /** @param address for messages */
  constructor(
    connection: Duplex,
    readonly address: string,
  ) {
    connection.on('error', (error: NodeJS.ErrnoException) => {
      this.#failure ??= error;
    });
    this.#session = http2.connect('http://localhost', { createConnection: () => connection });
    this.#session.once('remoteSettings', () => {
      this.#heard = true;
    });
    this.#session.on('error', (error: NodeJS.ErrnoException) => {
      this.#failure ??= error;
    });
  }

  /** No call can be made any more. */
  get closed(): boolean {
    return this.#session.closed || this.#session.destroyed;
  }

  /** Calls a method that answers once. Throws {@link MyInitError}. */
  async unary<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: CallOptions = {},
  ): Promise<Response> {
    let answer: { readonly value: Response } | undefined;
    for await (const value of this.stream(method, request, options)) answer ??= { value };
    if (answer === undefined) throw new MyInitError('INTERNAL_ERROR', 'my_init answered with nothing');
    return answer.value;
  }

  /**
   * Calls a method that answers with a stream; leaving the loop cancels the call. Throws
   * {@link MyInitError}.
   */
  async *stream<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    { timeoutMs, signal }: CallOptions = {},
  ): AsyncGenerator<Response, void, undefined> {
    if (signal?.aborted) throw cancelled(signal);
    const call = this.#open(method.path, timeoutMs);
    let answer: http2.IncomingHttpHeaders | undefined;
    let trailers: http2.IncomingHttpHeaders | undefined;
    let end: MyInitError | undefined;
    call.once('response', (headers) => {
      answer = headers;
    });
    call.once('trailers', (headers) => {
      trailers = headers;
    });
    const closed = new Promise<void>((resolve) => call.once('close', resolve));
    const cancel = (error: MyInitError): void => {
      end ??= error;
      call.close(http2.constants.NGHTTP2_CANCEL);
    };
    const onAbort = (): void => cancel(cancelled(signal));
    signal?.addEventListener('abort', onAbort, { once: true });
    const limitMs = timeoutMs ?? FIRST_FRAME_MS;
    const timer = setTimeout(() => {
      if (timeoutMs === undefined && this.#heard) return;
      const metadata = { address: this.address };
      cancel(new MyInitError('NO_ANSWER', `no answer within ${seconds(limitMs)}`, { metadata }));
    }, limitMs);
    try {
      call.end(frame(method.request.encode(request).finish()));
      try {
        for await (const message of messages(call)) yield method.response.decode(message);
      } catch (error) {
        if (error instanceof MyInitError) throw error;
        await closed;
        throw end ?? this.#broken(error);
      }
      await closed;
      if (end !== undefined) throw end;
      if (answer === undefined) throw this.#broken(undefined);
      const failed = failure(answer, trailers);
      if (failed !== undefined) throw failed;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      if (!call.closed) call.close(http2.constants.NGHTTP2_CANCEL);
    }
  }

  close(): void {
    this.#session.destroy();
  }

  #open(path: string, timeoutMs: number | undefined): http2.ClientHttp2Stream {
    try {
      return this.#session.request({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
        te: 'trailers',
        'user-agent': 'my_init-client',
        ...(timeoutMs === undefined ? {} : { 'grpc-timeout': grpcTimeout(timeoutMs) }),
      });
    } catch (error) {
      throw this.#broken(error);
    }
  }

  #broken(error: unknown): MyInitError {
    const cause = this.#failure ?? error;
    if (cause instanceof MyInitError) return cause;
    const metadata = { address: this.address };
    if (cause instanceof Error && 'code' in cause && cause.code === 'ERR_HTTP2_ERROR') {
      return new MyInitError('NOT_MY_INIT', `what answers on ${this.address} is not my_init (no gRPC)`, {
        metadata,
        cause,
      });
    }
    const why = cause instanceof Error ? cause.message : 'the connection was closed';
    return new MyInitError('CONNECTION_LOST', `the connection was lost: ${why}`, { metadata, cause });
  }
}

const PREFIX_BYTES = 5;
/** More than my_init ever sends: a length beyond it is not gRPC. */
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

function frame(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  framed[0] = 0;
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, PREFIX_BYTES);
  return framed;
}

async function* messages(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  let pending: Buffer[] = [];
  let size = 0;
  let wanted = PREFIX_BYTES;
  for await (const chunk of chunks) {
    pending.push(chunk);
    size += chunk.length;
    if (size < wanted) continue;
    let buffer = Buffer.concat(pending, size);
    while (buffer.length >= PREFIX_BYTES) {
      const length = buffer.readUInt32BE(1);
      if (buffer[0] !== 0 || length > MAX_MESSAGE_BYTES) {
        throw new MyInitError('NOT_MY_INIT', 'the answer is compressed or no gRPC');
      }
      wanted = PREFIX_BYTES + length;
      if (buffer.length < wanted) break;
      yield buffer.subarray(PREFIX_BYTES, wanted);
      buffer = buffer.subarray(wanted);
      wanted = PREFIX_BYTES;
    }
    pending = [buffer];
    size = buffer.length;
  }
}

/** An answer without messages carries its status in the headers ("trailers-only"). */
function failure(
  headers: http2.IncomingHttpHeaders,
  trailers: http2.IncomingHttpHeaders | undefined,
): MyInitError | undefined {
  const end = trailers ?? headers;
  const status = text(end['grpc-status']);
  if (status === undefined) {
    const http = Number(headers[':status']);
    if (http !== 200) return new MyInitError('NOT_MY_INIT', `the server is no gRPC server (HTTP status ${http})`);
    return new MyInitError('CONNECTION_LOST', 'the connection was lost: the answer has no end');
  }
  const code = Number(status);
  if (code === GrpcCode.ok) return undefined;
  const message = percentDecode(text(end['grpc-message']) ?? '');
  return errorOfStatus({ code, message, details: details(text(end['grpc-status-details-bin'])) });
}

function details(encoded: string | undefined): Status['details'] {
  if (encoded === undefined) return [];
  try {
    return Status.decode(Buffer.from(encoded, 'base64')).details;
  } catch {
    return [];
  }
}

function percentDecode(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}

function text(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : header?.[0];
}

/** At most eight digits; milliseconds suffice for 27 hours, seconds for three years. */
function grpcTimeout(timeoutMs: number): string {
  const ms = Math.max(1, Math.ceil(timeoutMs));
  return ms < 1e8 ? `${ms}m` : `${Math.min(99_999_999, Math.ceil(ms / 1000))}S`;
}

function seconds(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${Number((ms / 1000).toFixed(1))} s`;
}
