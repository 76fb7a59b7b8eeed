import { BootOutcome, type BootStep, type GetBootResponse } from '../../typescript/src/index.js';
import { took } from '../text/duration.js';
import type { Style } from '../text/paint.js';

/** Where a step waits and where it runs, in seconds since the start of init. */
export interface Span {
  readonly from: number;
  readonly started: number;
  readonly until: number;
}

/** Undefined for a step that has nothing to draw. */
export function spanOf(
  { wantedSeconds, startedSeconds, endedSeconds, outcome }: BootStep,
  end: number,
): Span | undefined {
  if (outcome === BootOutcome.BOOT_OUTCOME_NOT_WANTED) return undefined;
  const until = endedSeconds ?? end;
  return { from: wantedSeconds, started: startedSeconds ?? until, until };
}

/** The end of the time axis; unfinished steps end now. */
export function axisEnd({ steps, readySeconds, nowSeconds }: GetBootResponse): number {
  const known = steps.flatMap(({ startedSeconds = 0, endedSeconds = 0 }) => [startedSeconds, endedSeconds]);
  return Math.max(readySeconds ?? nowSeconds, ...known);
}

/** `310 ms for db`; for a step that still waits, the name alone. */
export function waited({ waitedFor, wantedSeconds, startedSeconds }: BootStep): string {
  if (waitedFor === '') return '';
  return startedSeconds === undefined ? `for ${waitedFor}` : `${took(startedSeconds - wantedSeconds)} for ${waitedFor}`;
}

export const at = (seconds: number | undefined): string => (seconds === undefined ? '-' : took(seconds));

const OUTCOMES: Readonly<Record<number, { readonly name: string; readonly style: Style }>> = {
  [BootOutcome.BOOT_OUTCOME_PENDING]: { name: 'pending', style: 'changing' },
  [BootOutcome.BOOT_OUTCOME_READY]: { name: 'ready', style: 'good' },
  [BootOutcome.BOOT_OUTCOME_COMPLETED]: { name: 'completed', style: 'good' },
  [BootOutcome.BOOT_OUTCOME_FAILED]: { name: 'failed', style: 'bad' },
  [BootOutcome.BOOT_OUTCOME_NOT_WANTED]: { name: 'not wanted', style: 'faint' },
};

export const outcomeOf = ({ outcome }: BootStep): { readonly name: string; readonly style: Style } =>
  OUTCOMES[outcome] ?? { name: '-', style: 'faint' };
