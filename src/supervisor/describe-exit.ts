import { signalName } from '../process/signals.js';
import { roughSize } from '../text/size.js';
import type { ExitStatus, LastExit, OomKill } from '../types/service.js';

/**
 * How a run ended, in words: `exited with code 3`, `killed by SEGV (core dumped)`. `more` goes on
 * with the sentence: ` after 3 s`.
 */
export function describeExit(status: ExitStatus, more = ''): string {
  if (status.kind === 'exited') return `exited with code ${status.code}${more}`;
  if (status.kind === 'lost') return `ended with unknown exit status${more}`;
  if (status.oom !== undefined) return `killed by the kernel${more}: ${describeOom(status.oom, status.peakBytes)}`;
  return `killed by ${signalName(status.signal)}${status.coreDumped ? ' (core dumped)' : ''}${more}`;
}

function describeOom({ limitBytes }: OomKill, peakBytes: number | undefined): string {
  const limit =
    limitBytes === undefined
      ? 'there was no memory left'
      : `the container's memory limit of ${roughSize(limitBytes)} was reached`;
  return peakBytes === undefined ? limit : `${limit}; it used ${roughSize(peakBytes)}`;
}

/** How a run ended too soon, and what that may mean. */
export function describeShortRun(status: ExitStatus, durationMs: number): string {
  const what = describeExit(status, ` after ${describeDuration(durationMs)}`);
  const daemonized = status.kind === 'exited' && status.code === 0;
  return daemonized
    ? `${what} (it has to stay in the foreground, without becoming a daemon and without setsid, which forks; svctl ps shows whether it left a process in another session, which is not stopped with it)`
    : what;
}

/** Runs that end too soon, again and again. */
export const describeCrashLoop = (failures: number, { status, durationMs }: LastExit): string =>
  `crash loop: ${failures} runs in a row ended too soon, the last one ${describeExit(status, ` after ${describeDuration(durationMs)}`)}`;

/** How long a run was: `11 ms`, `1.5 s`. */
export const describeDuration = (ms: number): string =>
  ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
