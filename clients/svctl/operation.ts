import type { Duration } from '../../gen/google/protobuf/duration.js';
import { OperationResponse, Outcome, WaitLevel } from '../../gen/my_init/v1/services.js';
import type { Context } from './context.js';
import { ExitCode } from './exit-code.js';
import { type CallOptions, GrpcCode, type Method } from './grpc-http2.js';
import { lastLines } from './last-lines.js';
import { type OptionSpec, usage } from './options.js';
import { giveOrder, type OrderRequest } from './order.js';
import { problemOfStatus } from './problem.js';

export const ALL: OptionSpec = { name: 'all', help: 'every service' };
export const NO_WAIT: OptionSpec = { name: 'no-wait', help: 'come back as soon as the order is taken' };
export const STOP_TIMEOUT: OptionSpec = {
  name: 'stop-timeout',
  value: 'TIME',
  help: "from TERM to KILL, instead of the service's own stop timeout",
};

export function waitOption(levels: readonly string[], standard: string): OptionSpec {
  return {
    name: 'wait',
    value: 'LEVEL',
    choices: levels,
    help: `what to wait for: ${levels.join(', ')} (${standard})`,
  };
}

/** The call's own deadline comes after the wait's: my_init's answer says more than a broken call. */
const ANSWER_SLACK_MS = 5_000;

/** What the waiting options say, as a request has it. */
export function waiting(context: Context): { wait: WaitLevel; waitTimeout: Duration | undefined } {
  const level = context.option('wait');
  if (context.has('no-wait') && level !== undefined && level !== 'none') throw usage('--no-wait or --wait, not both');
  const wait = context.has('no-wait') ? WaitLevel.WAIT_LEVEL_NONE : waitLevel(level);
  return { wait, waitTimeout: toDuration(context.duration('timeout')) };
}

/** Milliseconds as a request has them. */
export function toDuration(ms: number | undefined): Duration | undefined {
  if (ms === undefined) return undefined;
  return { seconds: BigInt(Math.floor(ms / 1000)), nanos: Math.round((ms % 1000) * 1e6) };
}

/**
 * Gives an order and tells what came of it for each service: `words` says what was done, on standard output; failures
 * are said on standard error. The exit code is that of the failures, 1 when they differ.
 */
export async function operate<Request extends OrderRequest>(
  context: Context,
  method: Method<Request, OperationResponse>,
  request: Request,
  words: (outcome: Outcome) => string,
): Promise<ExitCode> {
  const began = new Date();
  const timeoutMs = context.duration('timeout');
  const response = await interruptibly(context, () =>
    giveOrder(context, method, request, timeoutMs === undefined ? {} : callOptions(timeoutMs)),
  );
  const outcomes = [...response.outcomes].sort((a, b) => (a.name < b.name ? -1 : 1));
  print(context, response, outcomes, words);
  const codes = new Set<ExitCode>();
  const lines = await lastLines(
    context,
    outcomes.filter(hasLastWords).map(({ name }) => name),
    began,
  );
  for (const { name, error } of outcomes) {
    if (error === undefined) continue;
    const problem = problemOfStatus(error, context.socket, name);
    context.complain(problem, problem.message.includes(name) ? '' : name);
    for (const line of lines.get(name) ?? []) context.remark(`| ${line}`);
    codes.add(problem.exitCode);
  }
  const [code = ExitCode.ok] = codes;
  return codes.size > 1 ? ExitCode.failed : code;
}

/** Its process has ended too soon, or is not ready: what it said may say why. */
function hasLastWords({ error }: Outcome): boolean {
  return error !== undefined && [GrpcCode.aborted, GrpcCode.deadlineExceeded].some((code) => code === error.code);
}

function callOptions(timeoutMs: number): CallOptions {
  return { timeoutMs: timeoutMs + ANSWER_SLACK_MS };
}

function print(
  context: Context,
  response: OperationResponse,
  outcomes: readonly Outcome[],
  words: (outcome: Outcome) => string,
): void {
  switch (context.format) {
    case 'json':
      context.json(OperationResponse.toJSON(response));
      return;
    case 'jsonl':
      for (const outcome of outcomes) context.json(Outcome.toJSON(outcome));
      return;
    case 'name':
      for (const { name, error } of outcomes) if (error === undefined) context.line(name);
      return;
    case 'table':
    case 'wide':
      for (const outcome of outcomes) if (outcome.error === undefined) context.line(words(outcome));
      return;
    default:
      context.format satisfies never;
  }
}

/** Ctrl-C ends the waiting only; a person should know. The signal then does what it does to any program. */
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
