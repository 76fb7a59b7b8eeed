import { fieldsOf, numberOf, textOf, wordOf } from '../../state/fields.js';
import type { RecordKind } from '../../state/records.js';
import { wordsOf } from '../../text/words.js';
import type { LogOutput, LogRule } from '../../types/logs.js';
import { type FileStoreRecord, readFileStoreRecord } from '../store/file-store.js';
import { type MarkerRecord, readMarker } from './marker-record.js';

/** The part of a source that survives a controller. */
export interface SourceRecord {
  readonly id: number;
  /**
   * The row of the source in the intake and in the counters; the record keeps the field's old name.
   */
  readonly place: number;
  readonly markers: readonly MarkerRecord[];
  /** The log rule in the service's definition. */
  readonly rule?: LogRule | undefined;
  /** Where the store is files. */
  readonly files?: FileStoreRecord | undefined;
}

/** A source, by name. */
export const LOG_RECORD: RecordKind<SourceRecord> = {
  key: 'log',
  decode: (value) => {
    const { id, place, markers, rule, files } = fieldsOf(value);
    const [number, row] = [numberOf(id), numberOf(place)];
    if (number === undefined || row === undefined) return undefined;
    const known = (Array.isArray(markers) ? markers : []).map(readMarker).filter((marker) => marker !== undefined);
    return { id: number, place: row, markers: known, rule: readRule(rule), files: readFileStoreRecord(files) };
  },
};

const LOG_OUTPUTS = wordsOf<LogOutput>({ raw: true, prefix: true, json: true, none: true });

function readRule(value: unknown): LogRule | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { output, bufferBytes, file } = fieldsOf(value);
  return { output: wordOf(output, LOG_OUTPUTS), bufferBytes: numberOf(bufferBytes), file: textOf(file) };
}
