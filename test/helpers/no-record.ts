import type { RecordEntry } from '../../src/state/records.js';

/** A record that is empty and that nobody reads. */
export const noRecord = <T>(): RecordEntry<T> => ({ saved: undefined, put: () => undefined });
