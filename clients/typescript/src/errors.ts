import { ErrorInfo } from './gen/google/rpc/error_details.js';
import type { Status } from './gen/google/rpc/status.js';
import { REASONS, type Reason } from './gen/reasons.js';
import type { Outcome } from './outcome.js';

/** The gRPC status codes; https://grpc.io/docs/guides/status-codes/. */
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

/** A reason of the catalogue, or a reason that only a newer my_init knows. */
export type ErrorReason = Reason | 'UNSPECIFIED' | (string & Record<never, never>);

interface Details {
  /** The gRPC status code; the catalogue's when left out. */
  readonly code?: number;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** Everything that goes wrong: an answer of my_init, or a connection that failed. */
export class MyInitError extends Error {
  override readonly name = 'MyInitError';
  /** Stable; docs/api.md lists them. `UNSPECIFIED` when the answer named none. */
  readonly reason: ErrorReason;
  /** The gRPC status code. */
  readonly code: number;
  /** The subject of the error: `service`, `suggestion`, `field` … */
  readonly metadata: Readonly<Record<string, string>>;
  /** Of a mutation: what came of it for each service. */
  readonly outcomes: readonly Outcome[];

  constructor(reason: ErrorReason, message: string, details: Details & { outcomes?: readonly Outcome[] } = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.reason = reason;
    this.code = details.code ?? codeOf(reason);
    this.metadata = details.metadata ?? {};
    this.outcomes = details.outcomes ?? [];
  }

  /** The name of a service that the caller may have meant. */
  get suggestion(): string | undefined {
    return this.metadata.suggestion;
  }

  /** The remedy, from the catalogue. */
  get hint(): string | undefined {
    const hint = this.reason in REASONS ? REASONS[this.reason as Reason].hint : '';
    const { service } = this.metadata;
    if (hint === '' || (service === undefined && hint.includes('{service}'))) return undefined;
    return hint.replace('{service}', service ?? '');
  }
}

/** The error in a `google.rpc.Status`; `service` is the name of the service concerned. */
export function errorOfStatus(
  { code, message, details }: Pick<Status, 'code' | 'message' | 'details'>,
  service?: string,
): MyInitError {
  const info = errorInfo(details);
  const metadata = { ...(service === undefined ? {} : { service }), ...info?.metadata };
  return new MyInitError(info?.reason ?? 'UNSPECIFIED', message, { code, metadata });
}

/**
 * Whether a call ended without an answer because the controller or the connection did: the next one
 * answers.
 */
export function isLost(error: unknown): error is MyInitError {
  if (!(error instanceof MyInitError) || error.code !== GrpcCode.unavailable) return false;
  return LOST.includes(error.reason);
}

/** The caller gave up. */
export const cancelled = (signal: AbortSignal | undefined): MyInitError =>
  new MyInitError('CANCELLED', 'the call was cancelled', { cause: signal?.reason });

/** A server of gRPC that ends answers UNAVAILABLE and names no reason. */
const LOST: readonly string[] = ['CONNECTION_LOST', 'CONTROLLER_REPLACED', 'UNSPECIFIED'];

function codeOf(reason: string): number {
  return reason in REASONS ? REASONS[reason as Reason].code : GrpcCode.unknown;
}

function errorInfo(details: Status['details']): ErrorInfo | undefined {
  for (const { typeUrl, value } of details) {
    if (!typeUrl.endsWith('/google.rpc.ErrorInfo')) continue;
    try {
      const info = ErrorInfo.decode(value);
      if (info.domain === 'my_init') return info;
    } catch {
      return undefined;
    }
  }
  return undefined;
}
