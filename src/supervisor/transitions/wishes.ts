/** The desired state of a service, and how an order changes it. */

import type { Cause, Desired, RestartReason } from '../../types/service.js';
import type { Facts, StopEvent } from '../machine.js';

export const WANT_DOWN = { desired: 'down', restartReason: undefined, releasing: false } as const;

export const CHANGED: Cause = { kind: 'scan', message: 'its directory changed' };

/** The wish that a stop leaves for the time after the run. */
export const stopped = (machine: Facts, { why }: StopEvent) => ({
  ...WANT_DOWN,
  releasing: why === 'released',
  removed: machine.removed || why === 'removed',
  startsForbidden: machine.startsForbidden || why === 'shutdown',
});

/** Nothing comes after: the service or the container ends. */
export const isFinal = ({ why }: StopEvent): boolean => why === 'removed' || why === 'shutdown';

/**
 * When nobody has said what follows this run: a service that is wanted up is restarted, `once` is
 * done.
 */
export const wantAfterRun = ({ desired }: Facts, cause: Cause) => (desired === 'up' ? wantRestart(cause) : WANT_DOWN);

/** A hold keeps it from starting, unless a person asked for that. */
export const isHeldBack = ({ hold }: Facts, { kind }: Cause): boolean =>
  hold !== undefined && kind !== 'api' && kind !== 'sv';

export const mayStart = (machine: Facts): boolean => !machine.startsForbidden && !machine.removed;

export const desiredBy = (event: { readonly once?: boolean }): Desired => (event.once ? 'once' : 'up');

export const wantRestart = (cause: Cause) =>
  ({ desired: 'up', restartReason: restartReasonOf(cause), releasing: false }) as const;

export const restartReasonOf = ({ kind }: Cause): RestartReason =>
  kind === 'sv' || kind === 'scan' || kind === 'check' || kind === 'dependency' || kind === 'memory' ? kind : 'api';
