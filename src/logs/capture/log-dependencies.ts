import type { InitLink } from '../../process/init-link.js';
import type { FileLimits } from '../store/file-store.js';
import type { SourceRecord } from './source-record.js';

/** The parts and settings that log sources are given. */
export interface LogDependencies {
  readonly link: InitLink;
  readonly bootId: string;
  readonly held: ReadonlyMap<string, number>;
  /** The number of this controller. */
  readonly generation: number;
  /** The size of a store in memory, in bytes. */
  readonly storeBytes: number;
  /** The size of all stores in memory together; stores beyond it are as small as can be. */
  readonly allStoresBytes: number;
  /** Where the stores are files; undefined: in memory. */
  readonly directory: string | undefined;
  readonly files: FileLimits;
  warn(text: string): void;
  record(name: string, record: SourceRecord): void;
  erase(name: string): void;
}
