/** Translates the API's requests for the rooms behind it; impossible values are a bad argument. */
import type { Duration } from '../../gen/google/protobuf/duration.js';
import { type Selector as SelectorMessage, WaitLevel as WaitMessage } from '../../gen/my_init/v1/services.js';
import type { Selector, WaitLevel } from '../types/operations.js';
import { badArgument } from './errors.js';

/** Far below the limit of a timer of Node (2^31 ms). */
const MAX_DURATION_MS = 24 * 3600 * 1000;

const HEARTBEAT_MS = { min: 1000, default: 15_000, max: 600_000 };

const NOTHING: Selector = { names: [], globs: [], all: false };

export function selectorOf(message: SelectorMessage | undefined): Selector {
  return message ?? NOTHING;
}

/**
 * Milliseconds, or undefined when the field is unset.
 *
 * @throws ApiError INVALID_ARGUMENT: negative, or more than a day
 */
export function millisecondsOf(duration: Duration | undefined, field: string): number | undefined {
  if (duration === undefined) return undefined;
  const ms = Number(duration.seconds) * 1000 + duration.nanos / 1e6;
  if (ms < 0 || ms > MAX_DURATION_MS) throw badArgument(field, 'must be from 0 to 24 hours');
  return ms;
}

/**
 * The level asked for; `unset` when none is.
 *
 * @throws ApiError INVALID_ARGUMENT: not among `possible`
 */
export function waitLevelOf<L extends WaitLevel>(message: WaitMessage, possible: readonly L[], unset: L): L {
  const level = WAIT_LEVELS[message];
  if (level === 'unset') return unset;
  const found = possible.find((one) => one === level);
  if (found === undefined) throw badArgument('wait', `must be one of ${possible.join(', ').toUpperCase()}`);
  return found;
}

const WAIT_LEVELS: Readonly<Record<number, WaitLevel | 'unset'>> = {
  [WaitMessage.WAIT_LEVEL_UNSPECIFIED]: 'unset',
  [WaitMessage.WAIT_LEVEL_NONE]: 'none',
  [WaitMessage.WAIT_LEVEL_STARTED]: 'started',
  [WaitMessage.WAIT_LEVEL_READY]: 'ready',
  [WaitMessage.WAIT_LEVEL_STOPPED]: 'stopped',
};

/** @throws ApiError INVALID_ARGUMENT */
export function heartbeatOf({ heartbeatInterval }: { readonly heartbeatInterval: Duration | undefined }): number {
  const asked = millisecondsOf(heartbeatInterval, 'heartbeat_interval') ?? HEARTBEAT_MS.default;
  if (asked < HEARTBEAT_MS.min || asked > HEARTBEAT_MS.max)
    throw badArgument('heartbeat_interval', 'must be from 1 second to 10 minutes');
  return asked;
}

/** A slot of the state holds it. */
const MAX_REQUEST_ID_LENGTH = 64;

/** @throws ApiError INVALID_ARGUMENT */
export function requestIdOf({ requestId }: { readonly requestId: string }): string {
  if (requestId.length > MAX_REQUEST_ID_LENGTH)
    throw badArgument('request_id', `must have ${MAX_REQUEST_ID_LENGTH} characters at most`);
  return requestId;
}
