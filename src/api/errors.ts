import { status as codes, Metadata, type ServerErrorResponse } from '@grpc/grpc-js';
import { BadRequest, ErrorInfo, ResourceInfo, RetryInfo } from '../../gen/google/rpc/error_details.js';
import { Status } from '../../gen/google/rpc/status.js';
import { REASONS, type Reason } from '../../gen/reasons.js';
import type { OperationFailure } from '../types/operations.js';

/**
 * Details travel in a header, whose sum clients limit to 8 KiB (grpc core): 4 KiB is never too
 * much.
 */
const MAX_MESSAGE_LENGTH = 500;
const MAX_METADATA_LENGTH = 200;

/** An error of the API itself: an operation throws an OperationFailure. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  constructor(
    readonly reason: Reason,
    message: string,
    readonly metadata: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

/** The argument `field` (its path in the request) has an impossible value. */
export function badArgument(field: string, why: string): ApiError {
  return new ApiError('INVALID_ARGUMENT', `${field}: ${why}`, { field });
}

/**
 * An error as the contract has it: `google.rpc.Status` with ErrorInfo and the other details of its
 * reason.
 */
export function statusOf(error: OperationFailure | ApiError): Status {
  const { reason } = error;
  const message = shortened(error.message, MAX_MESSAGE_LENGTH);
  const metadata = Object.fromEntries(
    Object.entries(error.metadata).map(([key, value]) => [key, shortened(value, MAX_METADATA_LENGTH)]),
  );
  const details = [detail('ErrorInfo', ErrorInfo, { domain: 'my_init', reason, metadata })];
  if (REASONS[reason].code === codes.INVALID_ARGUMENT) {
    const violation = {
      field: metadata.field ?? 'selector',
      description: message,
      reason,
      localizedMessage: undefined,
    };
    details.push(detail('BadRequest', BadRequest, { fieldViolations: [violation] }));
  }
  if (REASONS[reason].code === codes.NOT_FOUND && metadata.service !== undefined) {
    const resource = { resourceType: 'my_init.v1.Service', resourceName: metadata.service, owner: '', description: '' };
    details.push(detail('ResourceInfo', ResourceInfo, resource));
  }
  const { retrySeconds } = REASONS[reason];
  if (retrySeconds > 0)
    details.push(detail('RetryInfo', RetryInfo, { retryDelay: { seconds: BigInt(retrySeconds), nanos: 0 } }));
  return { code: REASONS[reason].code, message, details };
}

/**
 * An exception in the form that grpc-js takes from a handler: the Status in
 * `grpc-status-details-bin`, as every gRPC library reads it. An unforeseen exception is logged with
 * its stack; the client only learns that there was one.
 */
export function grpcErrorOf(error: unknown, method: string, log: (message: string) => void): ServerErrorResponse {
  const { code, message, details } = statusOf(foreseen(error, method, log));
  const metadata = new Metadata();
  metadata.set('grpc-status-details-bin', Buffer.from(Status.encode({ code, message, details }).finish()));
  return Object.assign(new Error(message), { code, details: message, metadata });
}

function foreseen(error: unknown, method: string, log: (message: string) => void): OperationFailure | ApiError {
  if (isForeseen(error)) return error;
  log(`${method} failed: ${error instanceof Error ? error.stack : String(error)}`);
  return new ApiError('INTERNAL_ERROR', 'internal error; see svctl logs my_init');
}

/** The reason tells: the contract has it. */
const isForeseen = (error: unknown): error is OperationFailure | ApiError =>
  error instanceof Error && 'reason' in error && Object.hasOwn(REASONS, String(error.reason)) && 'metadata' in error;

interface Encoder<T> {
  encode(message: T): { finish(): Uint8Array };
}

function detail<T>(type: string, encoder: Encoder<T>, message: T): Status['details'][number] {
  return { typeUrl: `type.googleapis.com/google.rpc.${type}`, value: Buffer.from(encoder.encode(message).finish()) };
}

/** grpc-js encodes the message with encodeURI, which throws at half a surrogate pair. */
function shortened(text: string, length: number): string {
  return (text.length > length ? `${text.slice(0, length - 1)}…` : text).replace(/\p{Surrogate}/gu, '\uFFFD');
}
