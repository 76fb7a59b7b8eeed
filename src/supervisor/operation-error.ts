import type { OperationFailure, OperationReason } from '../types/operations.js';

export class OperationError extends Error implements OperationFailure {
  override readonly name = 'OperationError';
  constructor(
    readonly reason: OperationReason,
    message: string,
    readonly metadata: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

/** A service is to be started, and the shutdown has begun. */
export const shuttingDown = (): OperationError =>
  new OperationError('SHUTTING_DOWN', 'my_init is shutting down: nothing is started any more');
