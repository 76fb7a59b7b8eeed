import { signalName } from '../../process/signals.js';
import type { ExitStatus } from '../../types/service.js';
import type { Probe } from '../definition/definition.js';
import type { Checker } from './checker.js';

/** How a check program ended. */
export type CheckEnd =
  | { readonly status: ExitStatus /** The last line that it wrote. */; readonly lastLine: string }
  /** The check could not be started, and why. */
  | { readonly failure: string };

/**
 * Runs a program as the service would: its user, its directory, its environment. An abort ends it.
 */
export type RunCheck = (argv: readonly string[], signal: AbortSignal) => Promise<CheckEnd>;

/** Passes when a program exits with code 0. */
export class ExecChecker implements Checker {
  readonly #argv: readonly string[];
  readonly #run: RunCheck;

  constructor({ argv }: Extract<Probe, { kind: 'exec' }>, run: RunCheck) {
    this.#argv = argv;
    this.#run = run;
  }

  async check(signal: AbortSignal): Promise<string | undefined> {
    const name = this.#argv[0] ?? '';
    const end = await this.#run(this.#argv, signal);
    if ('failure' in end) return `${name}: ${end.failure}`;
    if (signal.aborted) return `${name}: does not end`;
    const { status, lastLine } = end;
    const said = lastLine === '' ? '' : `: ${lastLine}`;
    switch (status.kind) {
      case 'exited':
        return status.code === 0 ? undefined : `${name}: exit code ${status.code}${said}`;
      case 'signaled':
        return `${name}: was killed by ${signalName(status.signal)}${said}`;
      case 'lost':
        return `${name}: exit status unknown`;
      default:
        return status satisfies never;
    }
  }
}
