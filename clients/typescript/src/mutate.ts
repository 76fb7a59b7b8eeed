import type { Method } from './channel.js';
import type { Connection } from './connection.js';
import type { OperationResponse } from './gen/my_init/v1/services.js';

/** The fields of every mutation of services. */
export interface MutationRequest {
  readonly requestId: string;
}

/**
 * The call's own deadline comes after that of the wait: my_init's answer says more than a broken
 * call.
 */
const ANSWER_SLACK_MS = 5_000;

/**
 * Changes services. When the connection breaks, the same request is made again: my_init knows it by
 * its `request_id` and carries it out once. Throws {@link MyInitError}.
 */
export async function mutate<Request extends MutationRequest>(
  connection: Connection,
  method: Method<Request, OperationResponse>,
  request: Request,
  { waitTimeoutMs, signal }: { readonly waitTimeoutMs?: number; readonly signal?: AbortSignal } = {},
): Promise<OperationResponse> {
  const requestId = request.requestId === '' ? crypto.randomUUID() : request.requestId;
  const timeoutMs = waitTimeoutMs === undefined ? undefined : waitTimeoutMs + ANSWER_SLACK_MS;
  return connection.call(method, { ...request, requestId }, { timeoutMs, signal });
}
