import type { RecordEntry } from '../../src/state/records.js';

/** A record that nobody left and nobody reads. */
export const noRecord = <T>(): RecordEntry<T> => ({ saved: undefined, put: () => undefined });
