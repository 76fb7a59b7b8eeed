import http2 from 'node:http2';
import net from 'node:net';
import { Status } from '../../gen/google/rpc/status.js';
import { took } from './text/duration.js';

/** The part of a generated method definition that a call needs. */
export interface Method<Request, Response> {
  readonly path: string;
  readonly requestSerialize: (request: Request) => Uint8Array;
  readonly responseDeserialize: (bytes: Buffer) => Response;
}

/** The gRPC status codes that svctl tells apart; https://grpc.io/docs/guides/status-codes/. */
export const GrpcCode = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  failedPrecondition: 9,
  aborted: 10,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** A call was answered by an error, or broke. `code` is the gRPC status code. */
export class RpcError extends Error {
  override readonly name = 'RpcError';
  constructor(
    readonly code: number,
    message: string,
    readonly details: Status['details'] = [],
  ) {
    super(message);
  }
}

/** No connection came about. `code` is the system's (`ENOENT`, `ECONNREFUSED`, `EACCES` …). */
export class ConnectError extends Error {
  override readonly name = 'ConnectError';
  constructor(
    readonly socket: string,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

export interface CallOptions {
  /** The call's deadline, in milliseconds from now; none when undefined, but for a my_init that says nothing at all. */
  readonly timeoutMs?: number;
  /** Cancels the call. */
  readonly signal?: AbortSignal;
}

/** A my_init that lives says its first word, the settings of HTTP/2, in milliseconds, whatever a call of it takes. */
const FIRST_WORD_MS = 10_000;

/**
 * A gRPC client for one Unix socket: unary calls and server streams over node:http2, which loads in a quarter of the
 * time of @grpc/grpc-js. The protocol is https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md.
 */
export class Channel {
  readonly #session: http2.ClientHttp2Session;
  #connected = false;
  #spoken = false;
  #failure: NodeJS.ErrnoException | undefined;

  constructor(readonly socket: string) {
    const connection = net.connect(socket);
    connection.once('connect', () => {
      this.#connected = true;
    });
    this.#session = http2.connect('http://localhost', { createConnection: () => connection });
    this.#session.once('remoteSettings', () => {
      this.#spoken = true;
    });
    this.#session.on('error', (error: NodeJS.ErrnoException) => {
      this.#failure ??= error;
    });
  }

  /** Calls a method that answers once. Throws {@link RpcError} or {@link ConnectError}. */
  async unary<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: CallOptions = {},
  ): Promise<Response> {
    let answer: { readonly value: Response } | undefined;
    for await (const value of this.stream(method, request, options)) answer ??= { value };
    if (answer === undefined) throw new RpcError(GrpcCode.internal, 'my_init answered with nothing');
    return answer.value;
  }

  /** Calls a method that answers with a stream; leaving the loop cancels it. Throws {@link RpcError} or {@link ConnectError}. */
  async *stream<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    { timeoutMs, signal }: CallOptions = {},
  ): AsyncGenerator<Response, void, undefined> {
    const call = this.#open(method.path, timeoutMs);
    let answer: http2.IncomingHttpHeaders | undefined;
    let end: RpcError | undefined;
    call.once('response', (headers) => {
      answer = headers;
    });
    let trailers: http2.IncomingHttpHeaders | undefined;
    call.once('trailers', (headers) => {
      trailers = headers;
    });
    const closed = new Promise<void>((resolve) => call.once('close', resolve));
    const cancel = (code: number, message: string): void => {
      end ??= new RpcError(code, message);
      call.close(http2.constants.NGHTTP2_CANCEL);
    };
    const onAbort = (): void => cancel(GrpcCode.cancelled, 'the call was cancelled');
    signal?.addEventListener('abort', onAbort, { once: true });
    if (signal?.aborted) onAbort();
    const limitMs = timeoutMs ?? FIRST_WORD_MS;
    const timer = setTimeout(() => {
      if (timeoutMs === undefined && this.#spoken) return;
      cancel(GrpcCode.deadlineExceeded, `no answer within ${took(limitMs / 1000)}`);
    }, limitMs);
    try {
      call.end(frame(method.requestSerialize(request)));
      try {
        for await (const message of messages(call)) yield method.responseDeserialize(message);
      } catch (error) {
        if (error instanceof RpcError) throw error;
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
        'user-agent': 'svctl',
        ...(timeoutMs === undefined ? {} : { 'grpc-timeout': grpcTimeout(timeoutMs) }),
      });
    } catch (error) {
      throw this.#broken(error);
    }
  }

  #broken(error: unknown): RpcError | ConnectError {
    const cause = this.#failure ?? error;
    const code = errorCode(cause);
    const message = cause instanceof Error ? cause.message : 'the connection was closed';
    if (!this.#connected) return new ConnectError(this.socket, code, message);
    if (code === 'ERR_HTTP2_ERROR') return new ConnectError(this.socket, code, message);
    return new RpcError(GrpcCode.unavailable, `the connection was lost: ${message}`);
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
        throw new RpcError(GrpcCode.internal, 'the answer is compressed or no gRPC');
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
): RpcError | undefined {
  const end = trailers ?? headers;
  const status = text(end['grpc-status']);
  if (status === undefined) {
    const http = Number(headers[':status']);
    if (http !== 200) return new RpcError(GrpcCode.unknown, `the server is no gRPC server (HTTP status ${http})`);
    return new RpcError(GrpcCode.unavailable, 'the connection was lost: the answer has no end');
  }
  const code = Number(status);
  if (code === GrpcCode.ok) return undefined;
  return new RpcError(
    code,
    percentDecode(text(end['grpc-message']) ?? ''),
    details(text(end['grpc-status-details-bin'])),
  );
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

function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
