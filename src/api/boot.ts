import { BootStepKind, type GetBootResponse, BootOutcome as OutcomeMessage } from '../../gen/my_init/v1/init.js';
import { wallClock } from '../process/clock.js';
import type { BootOutcome, BootStep, BootTimeline } from '../types/system.js';

const KINDS: Readonly<Record<BootStep['kind'], BootStepKind>> = {
  controller: BootStepKind.BOOT_STEP_KIND_CONTROLLER,
  script: BootStepKind.BOOT_STEP_KIND_SCRIPT,
  service: BootStepKind.BOOT_STEP_KIND_SERVICE,
};

const OUTCOMES: Readonly<Record<BootOutcome, OutcomeMessage>> = {
  pending: OutcomeMessage.BOOT_OUTCOME_PENDING,
  ready: OutcomeMessage.BOOT_OUTCOME_READY,
  completed: OutcomeMessage.BOOT_OUTCOME_COMPLETED,
  failed: OutcomeMessage.BOOT_OUTCOME_FAILED,
  not_wanted: OutcomeMessage.BOOT_OUTCOME_NOT_WANTED,
};

/** The timeline as the API has it: seconds since the start of init. */
export function bootMessage({ bootedAtMs, readyAtMs, nowMs, steps }: BootTimeline): GetBootResponse {
  const since = (atMs: number): number => Math.round(Math.max(0, atMs - bootedAtMs)) / 1000;
  const sinceOptional = (atMs: number | undefined) => (atMs === undefined ? undefined : since(atMs));
  return {
    bootedAt: wallClock(bootedAtMs),
    readySeconds: sinceOptional(readyAtMs),
    nowSeconds: since(nowMs),
    steps: steps.map(({ kind, name, wantedAtMs, waitedFor, startedAtMs, endedAtMs, outcome, critical }) => ({
      kind: KINDS[kind],
      name,
      wantedSeconds: since(wantedAtMs),
      waitedFor,
      startedSeconds: sinceOptional(startedAtMs),
      endedSeconds: sinceOptional(endedAtMs),
      outcome: OUTCOMES[outcome],
      critical,
    })),
  };
}
