import { errorOfStatus, type MyInitError } from './errors.js';
import type { Service } from './gen/my_init/v1/service.js';
import type { Outcome as OutcomeMessage } from './gen/my_init/v1/services.js';

/** The outcome of a mutation for one service. */
export interface Outcome {
  readonly name: string;
  /** False when the service was already as wanted. */
  readonly changed: boolean;
  readonly error: MyInitError | undefined;
  /** The process before; 0 when there was none. */
  readonly oldPid: number;
  /** The service now. */
  readonly service: Service | undefined;
  readonly seconds: number;
}

export function outcomeOf({ name, changed, error, oldPid, service, seconds }: OutcomeMessage): Outcome {
  return { name, changed, error: error && errorOfStatus(error, name), oldPid, service, seconds };
}
