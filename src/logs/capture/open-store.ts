import { dirname } from 'node:path';
import { monotonicMs } from '../../process/clock.js';
import type { Counters } from '../store/counters.js';
import type { Stream } from '../store/cri.js';
import { FileStore, type FileStoreRecord } from '../store/file-store.js';
import { Spill } from '../store/spill.js';
import { SpillingStore } from '../store/spilling-store.js';
import { MemoryStore, MIN_SEGMENT_BYTES, type StreamPosition, type WritableStore } from '../store/store.js';
import { memfd, newMemfd } from './held-parts.js';
import type { LogDependencies } from './log-dependencies.js';

/** A disk that is full again and again is reported this often at most. */
const REFUSAL_INTERVAL_MS = 60_000;

/** The parts of a source that its store is made of. */
export interface StoreParts {
  readonly name: string;
  /** The file of the store; undefined: the store is in memory. */
  readonly path: string | undefined;
  /** Where an earlier controller has left the files. */
  readonly left: FileStoreRecord | undefined;
  readonly counters: Counters;
  /** The name under which init holds a part. */
  heldName(part: 'store' | 'spill'): string;
  rotated(record: FileStoreRecord): void;
  dropped(stream: Stream, lines: number, bytes: number): void;
}

/** Opens the store of a source: files where there is a path that can be used, else memory. */
export function openStore(parts: StoreParts, dependencies: LogDependencies): WritableStore {
  const { name, path, left, counters, heldName } = parts;
  const { files, storeBytes, warn, held } = dependencies;
  const { end } = counters;
  try {
    // Lines that an earlier controller had to keep in memory stay there.
    if (path !== undefined && !held.has(heldName('store'))) {
      const store = new FileStore(
        path,
        files,
        left && { ...left, end },
        { appended: (newest) => counters.setEnd(newest), rotated: parts.rotated },
        end,
      );
      return spilling(store, parts, dependencies);
    }
  } catch (error) {
    warn(
      `the log of ${name} is kept in memory: ${dirname(path ?? '')} cannot be used (${(error as NodeJS.ErrnoException).code})`,
    );
  }
  return new MemoryStore(memfd(dependencies, heldName('store')), storeBytes, counters.furthest);
}

function spilling(files: FileStore, parts: StoreParts, dependencies: LogDependencies): SpillingStore {
  const { name, heldName, dropped } = parts;
  const { held, link, warn } = dependencies;
  const key = heldName('spill');
  const spillIn = (fd: number, begin: StreamPosition): Spill =>
    new Spill(fd, Math.max(dependencies.storeBytes, 2 * MIN_SEGMENT_BYTES), begin);
  const left = held.get(key);
  let toldAtMs = Number.NEGATIVE_INFINITY;
  return new SpillingStore(files, {
    held: left === undefined ? undefined : spillIn(left, files.newest),
    open: (begin) => {
      try {
        // A new memfd each time: the earlier controller's is closed by now.
        return spillIn(newMemfd(link, key), begin);
      } catch {
        // Too many open files.
        return undefined;
      }
    },
    released: () => link.release(key),
    refused: (code) => {
      if (monotonicMs() - toldAtMs < REFUSAL_INTERVAL_MS) return;
      toldAtMs = monotonicMs();
      warn(`the disk does not take the log of ${name} (${code}): it waits in memory until there is room`);
    },
    dropped,
  });
}
