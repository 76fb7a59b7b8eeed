import { printable } from '../../src/text/printable.js';
import {
  type Duration,
  durationOf,
  GrpcCode,
  type Method,
  type MutationRequest,
  mutate,
  OperationResponse,
  OutcomeMessage,
  WaitLevel,
} from '../typescript/src/index.js';
import type { Context } from './context.js';
import { ExitCode } from './exit-code.js';
import { type OptionSpec, usage } from './options.js';
import { problemOfStatus } from './problem.js';
import { serviceLines } from './service-lines.js';

export const ALL: OptionSpec = { name: 'all', help: 'every service' };
export const NO_WAIT: OptionSpec = { name: 'no-wait', help: 'return as soon as the order is accepted' };
export const STOP_TIMEOUT: OptionSpec = {
  name: 'stop-timeout',
  value: 'TIME',
  help: 'the time from TERM to KILL (the stop timeout of the service)',
};

export function waitOption(levels: readonly string[], standard: string): OptionSpec {
  return {
    name: 'wait',
    value: 'LEVEL',
    choices: levels,
    help: `what to wait for: ${levels.join(', ')} (${standard})`,
  };
}

/** The waiting options, as a request has them. */
export function waiting(context: Context): { wait: WaitLevel; waitTimeout: Duration | undefined } {
  const level = context.option('wait');
  if (context.has('no-wait') && level !== undefined && level !== 'none') throw usage('--no-wait or --wait, not both');
  const wait = context.has('no-wait') ? WaitLevel.WAIT_LEVEL_NONE : waitLevel(level);
  return { wait, waitTimeout: durationOf(context.duration('timeout')) };
}

/**
 * Changes services and prints the outcome for each: successes, in the words of `words`, on standard
 * output; failures on standard error. The exit code is that of the failures, 1 when they differ.
 */
export async function operate<Request extends MutationRequest>(
  context: Context,
  method: Method<Request, OperationResponse>,
  request: Request,
  words: (outcome: OutcomeMessage) => string,
): Promise<ExitCode> {
  const began = new Date();
  const response = await interruptibly(context, () =>
    mutate(context.connection, method, request, { waitTimeoutMs: context.duration('timeout') }),
  );
  const outcomes = [...response.outcomes].sort((a, b) => (a.name < b.name ? -1 : 1));
  const done = outcomes.filter(({ error }) => error === undefined);
  await context.show({
    json: OperationResponse.toJSON(response),
    items: outcomes.map((outcome) => OutcomeMessage.toJSON(outcome)),
    names: done.map(({ name }) => name),
    table: () =>
      done
        .map(
          (outcome) => `${printable(words(outcome))}
`,
        )
        .join(''),
  });
  const codes = new Set<ExitCode>();
  const lines = await serviceLines(
    context,
    outcomes.filter(hasLastWords).map(({ name }) => name),
    { since: began },
  );
  for (const { name, error } of outcomes) {
    if (error === undefined) continue;
    const problem = problemOfStatus(error, name);
    context.complain(problem, problem.message.includes(name) ? '' : name);
    for (const line of lines.get(name) ?? []) context.remark(`| ${line}`);
    codes.add(problem.exitCode);
  }
  const [code = ExitCode.ok] = codes;
  return codes.size > 1 ? ExitCode.failed : code;
}

/** The process of the service ended too soon, or is not ready: its output may say why. */
function hasLastWords({ error }: OutcomeMessage): boolean {
  return error !== undefined && [GrpcCode.aborted, GrpcCode.deadlineExceeded].some((code) => code === error.code);
}

/**
 * Ctrl-C ends only the waiting, and a message says so. The signal then ends svctl as it ends any
 * program.
 */
async function interruptibly<Result>(context: Context, call: () => Promise<Result>): Promise<Result> {
  const interrupted = (): void => {
    context.note('no longer waiting; the order stands. svctl status shows what became of it');
    process.kill(process.pid, 'SIGINT');
  };
  process.once('SIGINT', interrupted);
  try {
    return await call();
  } finally {
    process.off('SIGINT', interrupted);
  }
}

function waitLevel(level: string | undefined): WaitLevel {
  switch (level) {
    case 'none':
      return WaitLevel.WAIT_LEVEL_NONE;
    case 'started':
      return WaitLevel.WAIT_LEVEL_STARTED;
    case 'ready':
      return WaitLevel.WAIT_LEVEL_READY;
    case 'stopped':
      return WaitLevel.WAIT_LEVEL_STOPPED;
    default:
      return WaitLevel.WAIT_LEVEL_UNSPECIFIED;
  }
}
