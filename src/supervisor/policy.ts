/**
 * The restart policy of a service, as a pure function: the step after a run that ended by itself.
 */

import { signalNumber } from '../process/signals.js';
import type { ExitStatus } from '../types/service.js';
import type { Definition, ExitMatch, ExitRule, Policy } from './definition/definition.js';
import type { Next } from './machine.js';
import { SHORT_RUN_MS } from './pacing.js';

/** The exit code of the container that ends by `on_failure: shutdown` of `live`. */
export const NOT_ALIVE_CODE = 85;

export interface Verdict {
  readonly next: Next;
  /** The run ended too soon: it counts among failures in a row. */
  readonly tooShort: boolean;
  /** The rule that ends the whole container, and the exit code it asks for. */
  readonly shutdown?: { readonly code: number };
}

/** `failures`: runs before this one that ended too soon, in a row. */
export function judge(
  { type, policy }: Pick<Definition, 'type' | 'policy'>,
  run: { readonly status: ExitStatus; readonly durationMs: number; readonly failures: number },
): Verdict {
  const { status } = run;
  const rule = policy.exitRules[exitRuleFor(policy, status)];
  if (rule !== undefined) return byRule(rule, policy, run);
  const isSuccess = policy.successExitCodes.some((each) => matches(each, status));
  if (isSuccess && (type === 'oneshot' || policy.restart !== 'always')) return { next: 'completed', tooShort: false };
  if (!isSuccess && policy.restart === 'no') return { next: 'gave_up', tooShort: false };
  return again(policy, run);
}

function byRule(
  { action, code }: ExitRule,
  policy: Policy,
  run: { readonly status: ExitStatus; readonly durationMs: number; readonly failures: number },
): Verdict {
  switch (action) {
    case 'restart':
      return again(policy, run);
    case 'fail':
      return { next: 'gave_up', tooShort: false };
    case 'complete':
      return { next: 'completed', tooShort: false };
    case 'shutdown':
      return { next: 'gave_up', tooShort: false, shutdown: { code: code ?? exitCodeOf(run.status) } };
    default:
      return action satisfies never;
  }
}

/**
 * A run that lasted is followed by the next at once. A shorter one as well, if it is the first of
 * its kind and no spin.
 */
function again(policy: Policy, run: { readonly durationMs: number; readonly failures: number }): Verdict {
  const tooShort = run.durationMs < policy.restartDelay.resetAfterMs;
  const atOnce = !tooShort || (run.failures === 0 && run.durationMs >= SHORT_RUN_MS);
  return { next: atOnce ? 'start' : 'backoff', tooShort };
}

/** The index of the first of `exit_rules` that matches; -1: none does. */
export const exitRuleFor = ({ exitRules }: Policy, status: ExitStatus): number =>
  exitRules.findIndex(({ match, oom }) => (oom && isOom(status)) || match.some((each) => matches(each, status)));

const matches = (match: ExitMatch, status: ExitStatus): boolean =>
  match.kind === 'code'
    ? status.kind === 'exited' && status.code === match.code
    : status.kind === 'signaled' && status.signal === signalNumber(match.signal);

const isOom = (status: ExitStatus): boolean => status.kind === 'signaled' && status.oom !== undefined;

/** As a shell says it. */
export function exitCodeOf(status: ExitStatus): number {
  if (status.kind === 'exited') return status.code;
  return status.kind === 'signaled' ? 128 + status.signal : 1;
}

/** Failed starts that still count for the limit, this one included. */
export function recentFailures({ startLimit }: Policy, before: readonly number[], nowMs: number): readonly number[] {
  if (startLimit === undefined) return [];
  return [...before, nowMs].filter((atMs) => atMs > nowMs - startLimit.withinMs).slice(-startLimit.attempts);
}

export const isOverLimit = ({ startLimit }: Policy, failures: readonly number[]): boolean =>
  startLimit !== undefined && failures.length >= startLimit.attempts;
