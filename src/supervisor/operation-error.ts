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
