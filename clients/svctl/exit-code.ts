/** The exit codes of svctl. Scripts depend on them: numbers are never given a new meaning. */
export const ExitCode = {
  ok: 0,
  /**
   * Something failed that has no number of its own, or several services failed in different ways.
   */
  failed: 1,
  usage: 2,
  /** `status NAME` of a service without a process (as in the LSB). */
  notRunning: 3,
  noSuchService: 4,
  notPermitted: 5,
  timedOut: 6,
  unreachable: 7,
  precondition: 8,
  exitedEarly: 9,
  trouble: 10,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/**
 * The meaning of each code, for `svctl --help`. 130 is the shell's for a command that SIGINT ended.
 */
export const EXIT_CODE_MEANINGS: readonly (readonly [number, string])[] = [
  [ExitCode.ok, 'done'],
  [ExitCode.failed, 'failed'],
  [ExitCode.usage, 'wrong usage'],
  [ExitCode.notRunning, 'not running (status NAME)'],
  [ExitCode.noSuchService, 'no such service'],
  [ExitCode.notPermitted, 'not permitted'],
  [ExitCode.timedOut, 'timed out waiting; the operation goes on'],
  [ExitCode.unreachable, 'my_init cannot be reached'],
  [ExitCode.precondition, 'not possible as things are (nothing to signal, shutdown in progress)'],
  [ExitCode.exitedEarly, 'the service exited before it was ready'],
  [ExitCode.trouble, 'a service is in trouble (status --check)'],
  [130, 'interrupted (Ctrl-C)'],
];
