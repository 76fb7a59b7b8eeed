import { monotonicMs } from '../../process/clock.js';
import { fieldsOf, numberOf, textOf } from '../../state/fields.js';
import type { RecordKind, RecordTable } from '../../state/records.js';

/** A startup script in the timeline of the boot. Monotonic milliseconds. */
export interface BootScript {
  readonly path: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number | undefined;
  readonly failed: boolean;
}

/** A startup script, by its number in their order. */
export const BOOT_SCRIPT: RecordKind<BootScript> = {
  key: 'boot-script',
  decode: (value) => {
    const { path, startedAtMs, endedAtMs, failed } = fieldsOf(value);
    const started = numberOf(startedAtMs);
    if (started === undefined) return undefined;
    return {
      path: textOf(path) ?? '',
      startedAtMs: started,
      endedAtMs: numberOf(endedAtMs),
      failed: failed === true,
    };
  },
};

/** The startup scripts that were begun, for the timeline of the boot. */
export class BootScripts {
  readonly #table: RecordTable<BootScript>;
  readonly #scripts: BootScript[];

  constructor(table: RecordTable<BootScript>) {
    this.#table = table;
    this.#scripts = [...table.saved.values()].sort((a, b) => a.startedAtMs - b.startedAtMs);
  }

  list(): readonly BootScript[] {
    return this.#scripts;
  }

  /**
   * Puts a script on record, and again when it ends: `run` resolves to why it failed, '' when it
   * did not.
   */
  async record(path: string, run: () => Promise<string>): Promise<string> {
    const index = this.#scripts.length;
    const begun: BootScript = { path, startedAtMs: monotonicMs(), endedAtMs: undefined, failed: false };
    this.#put(index, begun);
    const trouble = await run();
    this.#put(index, { ...begun, endedAtMs: monotonicMs(), failed: trouble !== '' });
    return trouble;
  }

  #put(index: number, script: BootScript): void {
    this.#scripts[index] = script;
    this.#table.put(String(index), script);
  }
}
