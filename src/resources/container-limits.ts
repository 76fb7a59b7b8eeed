import { fieldsOf, numberOf } from '../state/fields.js';
import type { RecordEntry, RecordKind } from '../state/records.js';
import type { LimitValues } from '../text/limits.js';
import { roughSize } from '../text/size.js';
import { type CpuQuota, cgroupCpu } from './cgroup-cpu.js';
import { cgroupMemory, type MemoryUse } from './cgroup-memory.js';

export interface Limits {
  readonly memory: MemoryUse;
  readonly cpu: CpuQuota;
}

/** The limits that were known last: a change while there is no controller is a change. */
export const LIMITS_RECORD: RecordKind<LimitValues> = {
  key: 'limits',
  decode: (value) => {
    const { memoryBytes, cpus } = fieldsOf(value);
    return { memoryBytes: numberOf(memoryBytes), cpus: numberOf(cpus) };
  },
};

/** Called with the limits before and after a change. */
export type LimitsListener = (before: LimitValues, now: LimitValues) => void;

/**
 * The limits of the container. They may change while it runs (in-place resize of a pod, `docker
 * update`); the kernel does not report it and we do not poll, so a change is noticed at the next
 * look.
 */
export class ContainerLimits {
  readonly #files: string;
  readonly #record: RecordEntry<LimitValues>;
  readonly #listeners = new Set<LimitsListener>();
  #values: LimitValues;

  constructor(record: RecordEntry<LimitValues>, files = '/') {
    this.#files = files;
    this.#record = record;
    this.#values = record.saved ?? valuesOf(this.#read());
    if (record.saved === undefined) record.put(this.#values);
  }

  /** As they were when somebody looked last. */
  get values(): LimitValues {
    return this.#values;
  }

  look(): Limits {
    const limits = this.#read();
    const before = this.#values;
    const now = valuesOf(limits);
    if (now.memoryBytes !== before.memoryBytes || now.cpus !== before.cpus) {
      this.#values = now;
      this.#record.put(now);
      for (const listener of this.#listeners) listener(before, now);
    }
    return limits;
  }

  /** Calls the listener at each change that is noticed. Returns what ends it. */
  subscribe(listener: LimitsListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Explains how a limit affects services that are restarted one by one; undefined when all is
   * well.
   */
  warning(): string | undefined {
    const { killsAll, limitBytes } = this.#read().memory;
    if (!killsAll || limitBytes === undefined) return undefined;
    return `memory.oom.group is set: when the container reaches its memory limit of ${roughSize(limitBytes)}, the kernel kills all its processes at once, my_init too`;
  }

  #read(): Limits {
    return { memory: cgroupMemory(this.#files), cpu: cgroupCpu(this.#files) };
  }
}

const valuesOf = ({ memory, cpu }: Limits): LimitValues => ({ memoryBytes: memory.limitBytes, cpus: cpu.cpus });
