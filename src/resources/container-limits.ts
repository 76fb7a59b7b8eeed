import { roughSize } from '../text/size.js';
import { type CpuQuota, cgroupCpu } from './cgroup-cpu.js';
import { cgroupMemory, type MemoryUse } from './cgroup-memory.js';

export interface Limits {
  readonly memory: MemoryUse;
  readonly cpu: CpuQuota;
}

/**
 * The limits of the container. They may change while it runs (in-place resize of a pod, `docker
 * update`); the kernel tells nobody, and we do not poll: a change is noticed when somebody looks.
 */
export class ContainerLimits {
  readonly #changed: (text: string) => void;
  readonly #files: string;
  #last: Limits;

  /** `changed` is told of each change that is noticed. */
  constructor(changed: (text: string) => void, files = '/') {
    this.#changed = changed;
    this.#files = files;
    this.#last = this.#read();
  }

  look(): Limits {
    const before = this.#last;
    const now = this.#read();
    this.#last = now;
    if (now.memory.limitBytes !== before.memory.limitBytes)
      this.#changed(
        `the memory limit of the container is ${bytesText(now.memory.limitBytes)} now; it was ${bytesText(before.memory.limitBytes)}`,
      );
    if (now.cpu.cpus !== before.cpu.cpus)
      this.#changed(
        `the CPU quota of the container is ${cpusText(now.cpu.cpus)} now; it was ${cpusText(before.cpu.cpus)}`,
      );
    return now;
  }

  /**
   * Explains how a limit affects services that are restarted one by one; undefined when all is
   * well.
   */
  warning(): string | undefined {
    const { killsAll, limitBytes } = this.#last.memory;
    if (!killsAll || limitBytes === undefined) return undefined;
    return `memory.oom.group is set: when the container reaches its memory limit of ${bytesText(limitBytes)}, the kernel kills all its processes at once, my_init too`;
  }

  #read(): Limits {
    return { memory: cgroupMemory(this.#files), cpu: cgroupCpu(this.#files) };
  }
}

const bytesText = (bytes: number | undefined): string => (bytes === undefined ? 'none' : roughSize(bytes));

const cpusText = (cpus: number | undefined): string =>
  cpus === undefined ? 'none' : `${Number(cpus.toFixed(3))} CPUs`;
