import type { Definition } from '../definition/definition.js';
/** Expects a sign of life in each interval, WATCHDOG of sd_notify(3). */
export class Watchdog {
  readonly #expired: (problem: string) => void;
  #intervalMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #on = false;

  constructor(expired: (problem: string) => void) {
    this.#expired = expired;
  }

  /** 0: nothing is expected. */
  set intervalMs(intervalMs: number) {
    this.#intervalMs = intervalMs;
    this.#arm();
  }

  /**
   * The watchdog begins when the service is ready, and stands still while the service is paused.
   */
  run(on: boolean): void {
    if (this.#on === on) return;
    this.#on = on;
    this.#arm();
  }

  /** The service lives. */
  feed(): void {
    this.#timer?.refresh();
  }

  /** The service says itself that something is wrong. */
  trigger(): void {
    this.#end('reported a failure with WATCHDOG=trigger');
  }

  #arm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#on || this.#intervalMs === 0) return;
    this.#timer = setTimeout(
      () => this.#end(`gave no sign of life for ${this.#intervalMs / 1000} s (WATCHDOG=1)`),
      this.#intervalMs,
    );
  }

  #end(problem: string): void {
    this.run(false);
    this.#expired(problem);
  }
}

/** As with systemd, this variable tells a service how often to send WATCHDOG=1. 0: never. */
export function watchdogMsOf({ environment }: Pick<Definition, 'environment'>): number {
  const microseconds = environment.variables.get('WATCHDOG_USEC') ?? '';
  return /^\d{1,15}$/.test(microseconds) ? Math.ceil(Number(microseconds) / 1_000) : 0;
}
