import type { OomWitness } from '../process/linux-process-host.js';
import { numberOf } from '../state/fields.js';
import type { RecordEntry, RecordKind } from '../state/records.js';
import type { OomKill } from '../types/service.js';
import { cgroupDirectories } from './cgroup.js';
import { cgroupMemory, oomKillCount } from './cgroup-memory.js';

/** The kills of the kernel that have been attributed, or were nobody's whose end we learn. */
export const OOM_RECORD: RecordKind<number> = { key: 'oom-kills', decode: numberOf };

/**
 * The kernel counts a kill before the process has ended. If no end follows within this time, the
 * kill was that of another process.
 */
const CLAIM_WITHIN_MS = 2_000;

/**
 * Attributes the kills that the kernel counts to the processes that ended by KILL. The kernel also
 * counts processes whose end we never learn, such as children of services: those counts lapse.
 */
export class OomKills implements OomWitness {
  readonly #record: RecordEntry<number>;
  readonly #files: string;
  readonly #directories: readonly string[];
  #attributed: number;
  #recorded: number | undefined;
  #lapse: NodeJS.Timeout | undefined;

  constructor(record: RecordEntry<number>, files = '/') {
    this.#record = record;
    this.#files = files;
    this.#directories = cgroupDirectories('memory', files);
    this.#recorded = record.saved;
    this.#attributed = record.saved ?? this.#count();
    this.acknowledged();
    // While there was no controller.
    this.look();
  }

  ended(mayBe: boolean): OomKill | undefined {
    const count = this.#count();
    const isOom = mayBe && count > this.#attributed;
    if (isOom) this.#attributed += 1;
    this.#expectClaims(count);
    return isOom ? { limitBytes: cgroupMemory(this.#files).limitBytes } : undefined;
  }

  acknowledged(): void {
    if (this.#recorded === this.#attributed) return;
    this.#recorded = this.#attributed;
    this.#record.put(this.#attributed);
  }

  /** Lets the present counts lapse, unless a process that has ended claims them soon. */
  look(): void {
    this.#expectClaims(this.#count());
  }

  #expectClaims(count: number): void {
    if (count <= this.#attributed || this.#lapse !== undefined) return;
    this.#lapse = setTimeout(() => {
      this.#lapse = undefined;
      this.#attributed = Math.max(this.#attributed, count);
      this.acknowledged();
      this.look();
    }, CLAIM_WITHIN_MS).unref();
  }

  #count(): number {
    return oomKillCount(this.#directories) ?? 0;
  }
}
