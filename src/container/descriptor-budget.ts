/**
 * The number of descriptors that init can hold, `MAX_HELD` in src/init/my_init.h; a few are for
 * other things.
 */
const HELD = 8_192 - 64;
/** The pipes of standard output and error, both ends, and the store. */
const PER_SOURCE = 5;
/** The pipe to a logger, both ends. */
const PER_LOGGER = 2;
/** For clients, files and the start of processes, where the limit is so high; else half of it. */
const RESERVED = 256;

const TO_CAPTURE_OR_LOCK =
  "to capture what every service says: further services are not captured (their output goes to the container's) and not locked against a second supervisor";

/** The purposes that descriptors are needed for. */
export interface Needs {
  /** Sources of logs that have theirs. */
  readonly sources: number;
  /** Services with a logger. */
  readonly loggers: number;
  /** Services, loggers among them, as far as they are known. */
  readonly services: number;
  /** The locks and FIFOs for runit's programs that are open. */
  readonly supervise: number;
}

const NOTHING: Needs = { sources: 0, loggers: 0, services: 0, supervise: 0 };

/**
 * Whether there are descriptors for one more of something, and a warning where there are not.
 * Without the reserved descriptors the controller could not start a service, nor answer a client.
 * When descriptors run short, services are first left unlocked against a second supervisor, then
 * some logs are not captured. The FIFOs through which `sv` reaches each service come first.
 */
export class DescriptorBudget {
  readonly #room: number;
  #needs: () => Needs = () => NOTHING;
  readonly #warn: (text: string) => void;
  readonly #warned = new Set<string>();

  /** `openFilesLimit`: `SOFT:HARD`, -1 for none. */
  constructor(openFilesLimit: string, warn: (text: string) => void) {
    const hard = Number(openFilesLimit.split(':')[1]);
    const limit = hard < 0 ? Number.POSITIVE_INFINITY : hard;
    this.#room = Math.min(HELD, limit - Math.min(RESERVED, limit / 2));
    this.#warn = warn;
  }

  /** Sets the function that counts the needed descriptors. */
  observe(needs: () => Needs): void {
    this.#needs = needs;
  }

  /** Whether one more source fits, beside a FIFO for every service. */
  mayCapture(): boolean {
    const { sources, loggers, services, supervise } = this.#needs();
    return this.#judge(forLogs(sources + 1, loggers + 1) + Math.max(supervise, services), TO_CAPTURE_OR_LOCK);
  }

  /** The FIFO of one more service. */
  mayControl(): boolean {
    const { sources, loggers, supervise } = this.#needs();
    return this.#judge(forLogs(sources, loggers) + supervise + 1, 'for sv to reach every service: svctl does');
  }

  /** Everything, for every service. */
  mayLock(): boolean {
    const { loggers, services, supervise } = this.#needs();
    return this.#judge(forLogs(services + 1, loggers) + Math.max(supervise + 1, 2 * services), TO_CAPTURE_OR_LOCK);
  }

  #judge(wanted: number, what: string): boolean {
    if (wanted <= this.#room) return true;
    if (!this.#warned.has(what))
      this.#warn(`The limit of open files is too low ${what}. A higher limit: docker run --ulimit nofile=65536`);
    this.#warned.add(what);
    return false;
  }
}

const forLogs = (sources: number, loggers: number): number => sources * PER_SOURCE + loggers * PER_LOGGER;
