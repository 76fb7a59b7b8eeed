import type { ProbeTimes } from '../definition/definition.js';
import type { Checker } from './checker.js';

/**
 * Until the first pass: the delay between a failure and the next check, which doubles with each
 * failure.
 */
const FIRST_DELAY_MS = 100;
const MAX_FIRST_DELAY_MS = 1_000;

/** Learns what the checks come to. */
export interface CheckListener {
  /** Enough checks in a row have passed. Called once until the next {@link failed}. */
  passed(): void;
  /**
   * Enough checks in a row have failed; before the first pass, called for each new problem.
   * `problem`: the problem of the last check, in words.
   */
  failed(problem: string): void;
}

/**
 * `impatient`: often until the first pass, as somebody waits for it. `patient`: each interval, the
 * first one too.
 */
export type Pace = 'impatient' | 'patient';

/** Checks a service again and again, one check at a time. */
export class CheckLoop {
  readonly #checker: Checker;
  readonly #times: ProbeTimes;
  readonly #pace: Pace;
  readonly #listener: CheckListener;
  /** The latest report to the listener; undefined: none yet. */
  #reported: { readonly problem: string | undefined } | undefined;
  #passes = 0;
  #failures = 0;
  #everPassed: boolean;
  #timer: NodeJS.Timeout | undefined;
  #attempt: AbortController | undefined;
  #on = false;

  /** `passing`: was reported to an earlier controller. */
  constructor(checker: Checker, times: ProbeTimes, pace: Pace, listener: CheckListener, passing = false) {
    this.#everPassed = passing;
    if (passing) this.#reported = { problem: undefined };
    this.#checker = checker;
    this.#times = times;
    this.#pace = pace;
    this.#listener = listener;
  }

  /** Begins, or goes on after a {@link stop}: counting starts over, the latest report stays. */
  start(): void {
    if (this.#on) return;
    this.#on = true;
    this.#passes = 0;
    this.#failures = 0;
    if (this.#pace === 'impatient') void this.#check();
    else this.#later(this.#times.intervalMs);
  }

  /** Stands still; a check in flight does not count. */
  stop(): void {
    this.#on = false;
    clearTimeout(this.#timer);
    this.#attempt?.abort();
    this.#attempt = undefined;
  }

  #later(delayMs: number): void {
    this.#timer = setTimeout(() => void this.#check(), delayMs);
  }

  async #check(): Promise<void> {
    const attempt = new AbortController();
    this.#attempt = attempt;
    const { timeoutMs } = this.#times;
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      attempt.abort();
    }, timeoutMs);
    let problem: string | undefined;
    try {
      problem = await this.#checker.check(attempt.signal);
    } catch (error) {
      problem = `the check could not be made: ${(error as Error).message}`;
    }
    clearTimeout(timer);
    if (this.#attempt !== attempt) return;
    this.#attempt = undefined;
    this.#count(problem !== undefined && timedOut ? `${problem} within ${timeoutMs / 1000} s` : problem);
    // The listener may have stopped it.
    if (this.#on && this.#attempt === undefined) this.#later(this.#nextDelayMs());
  }

  #count(problem: string | undefined): void {
    this.#passes = problem === undefined ? this.#passes + 1 : 0;
    this.#failures = problem === undefined ? 0 : this.#failures + 1;
    if (problem === undefined) {
      if (this.#passes < this.#times.successes || (this.#reported && this.#reported.problem === undefined)) return;
      this.#everPassed = true;
      this.#reported = { problem };
      this.#listener.passed();
    } else {
      const enough = this.#failures >= this.#times.failures || !this.#isReassured();
      if (!enough || this.#reported?.problem === problem) return;
      this.#reported = { problem };
      this.#listener.failed(problem);
    }
  }

  /** A single failure means nothing for a service that has passed. */
  #isReassured(): boolean {
    return this.#pace === 'patient' || (this.#reported !== undefined && this.#reported.problem === undefined);
  }

  #nextDelayMs(): number {
    const { intervalMs, successes } = this.#times;
    if (this.#pace === 'patient' || this.#everPassed) return intervalMs;
    // Passes that are still to come are fetched as quickly as the first.
    const exponent = successes > 1 && this.#passes > 0 ? 0 : Math.min(this.#failures - 1, 10);
    return Math.min(intervalMs, MAX_FIRST_DELAY_MS, FIRST_DELAY_MS * 2 ** exponent);
  }
}
