import type { CallOptions, Method } from './channel.js';
import type { Connection } from './connection.js';
import type { OperationResponse } from './gen/my_init/v1/services.js';

/** The fields of every order. */
export interface MutationRequest {
  readonly requestId: string;
}

/**
 * The call's own deadline comes after the end of the wait: my_init's answer says more than a broken
 * call.
 */
const ANSWER_SLACK_MS = 5_000;

/**
 * Orders something. When the connection breaks, the same request is made again: my_init knows it by
 * its `request_id` and carries it out once. Throws {@link MyInitError}.
 */
export function order<Request extends MutationRequest, Response>(
  connection: Connection,
  method: Method<Request, Response>,
  request: Request,
  options: CallOptions = {},
): Promise<Response> {
  const requestId = request.requestId === '' ? crypto.randomUUID() : request.requestId;
  return connection.call(method, { ...request, requestId }, options);
}

/** Changes services and waits for the outcome. Throws {@link MyInitError}. */
export function mutate<Request extends MutationRequest>(
  connection: Connection,
  method: Method<Request, OperationResponse>,
  request: Request,
  { waitTimeoutMs, signal }: { readonly waitTimeoutMs?: number; readonly signal?: AbortSignal } = {},
): Promise<OperationResponse> {
  const timeoutMs = waitTimeoutMs === undefined ? undefined : waitTimeoutMs + ANSWER_SLACK_MS;
  return order(connection, method, request, { timeoutMs, signal });
}
