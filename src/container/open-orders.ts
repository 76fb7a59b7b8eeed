import { fieldsOf, numberOf, textOf, wordOf } from '../state/fields.js';
import type { Records } from '../state/records.js';
import { wordsOf } from '../text/words.js';
import type { ApplyAction, PlannedChange } from '../types/definitions.js';
import type { Replacement, RescanResult } from '../types/system.js';
import { OnceById, orderRecord } from './once-by-id.js';

/** The orders that are not of one service. */
export interface Orders {
  readonly rescan: OnceById<RescanResult>;
  readonly reexec: OnceById<Replacement>;
  readonly apply: OnceById<readonly PlannedChange[]>;
}

export const openOrders = (records: Records): Orders => ({
  rescan: new OnceById(records.entry(orderRecord('rescan', decodeRescan))),
  reexec: new OnceById(records.entry(orderRecord('reexec', decodeReexec))),
  apply: new OnceById(records.entry(orderRecord('apply', decodeApply))),
});

function decodeRescan(value: unknown): RescanResult {
  const { added, removed, skipped } = fieldsOf(value);
  return {
    added: textsOf(added),
    removed: textsOf(removed),
    skipped: listOf(skipped).map((entry) => {
      const { name, reason } = fieldsOf(entry);
      return { name: textOf(name) ?? '', reason: textOf(reason) ?? '' };
    }),
  };
}

function decodeReexec(value: unknown): Replacement {
  const { versionBefore, version, controllerPid } = fieldsOf(value);
  return {
    versionBefore: textOf(versionBefore) ?? '',
    version: textOf(version) ?? '',
    controllerPid: numberOf(controllerPid) ?? 0,
  };
}

const decodeApply = (value: unknown): readonly PlannedChange[] =>
  listOf(value).map((change) => {
    const { name, action, keys, problem } = fieldsOf(change);
    return {
      name: textOf(name) ?? '',
      action: wordOf(action, APPLY_ACTIONS) ?? 'nothing',
      keys: textsOf(keys),
      problem: textOf(problem) ?? '',
    };
  });

const APPLY_ACTIONS = wordsOf<ApplyAction>({ nothing: true, take: true, restart: true, start: true, stop: true });

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const textsOf = (value: unknown): readonly string[] => listOf(value).flatMap((text) => textOf(text) ?? []);
