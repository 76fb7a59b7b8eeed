import {
  type LogCursor,
  LogStream,
  LogsService,
  type ReadRequest,
  type ReadResponse,
  RunSelector,
} from '../../../gen/my_init/v1/logs.js';
import type { Command } from '../command.js';
import type { Context } from '../context.js';
import { ExitCode } from '../exit-code.js';
import { GrpcCode, RpcError } from '../grpc-http2.js';
import { lasting } from '../lasting.js';
import { LogPrinter } from '../log-printer.js';
import { toDuration } from '../operation.js';
import { type OptionSpec, outputOption, usage } from '../options.js';
import { selectorOf } from '../selector.js';
import { parseTime } from '../text/duration.js';

const TIME_HELP = '10m, 2h, 03:22, 2026-11-23T03:22:11Z';

const OPTIONS: readonly OptionSpec[] = [
  { name: 'follow', short: 'f', help: 'go on with new lines as they come' },
  { name: 'lines', short: 'n', value: 'N', help: 'the last N lines of each service (all; with -f 10)' },
  { name: 'since', value: 'TIME', help: `lines from this time on (${TIME_HELP})` },
  { name: 'until', value: 'TIME', help: 'lines before this time' },
  { name: 'grep', value: 'PATTERN', help: 'lines that match a regular expression' },
  { name: 'stream', value: 'STREAM', choices: ['stdout', 'stderr'], help: 'stdout or stderr only' },
  { name: 'previous', help: 'lines of the run before the current one' },
  { name: 'timestamps', short: 't', help: 'the time before each line' },
  { name: 'markers', help: 'tell where runs began and ended' },
  outputOption(['table', 'json', 'jsonl']),
];

export const logs: Command = {
  name: 'logs',
  summary: 'show what services say',
  usage: '[NAME…]',
  operands: 'services',
  description:
    "Shows the lines that are held of all services, or of those named, in the order of their times; my_init is the name of my_init's own messages. With -f it goes on until Ctrl-C, also across a restart of the controller or of the container. Lines that were overwritten before they could be read are told on standard error. On a terminal control characters are shown as escapes and standard error is red; into a pipe go the bytes as they were written. With -o json each line, gap and marker is a JSON object on a line.",
  examples: [
    'svctl logs -f memcached',
    "svctl logs -n 20 --stream stderr 'web-*'",
    "svctl logs --since 10m --grep ' 5\\d\\d '",
    'svctl logs --previous web',
  ],
  options: OPTIONS,
  run: showLogs,
};

/** `tail -f` and journalctl begin with as many. */
const FOLLOW_LINES = 10;

const HEARTBEAT_MS = 15_000;
/** Two may be missed. */
const SILENCE_MS = 2.5 * HEARTBEAT_MS;

async function showLogs(context: Context): Promise<ExitCode> {
  // Nobody reads any more (`svctl logs | head -1`): there is nothing left to do.
  process.stdout.once('error', () => process.exit(ExitCode.ok));
  const first = requestOf(context);
  const printer = new LogPrinter(context);
  let cursor: LogCursor | undefined;
  const stream = lasting(context, LogsService.read, {
    request: () => (cursor === undefined ? first : { ...first, tail: undefined, cursor }),
    endless: first.follow,
    silenceMs: () => SILENCE_MS,
    passes: (error) => {
      if (!isOfAnotherBoot(error)) return false;
      // All that is there is new.
      cursor = { services: {} };
      return true;
    },
  });
  for await (const response of stream) {
    await printer.take(response);
    cursor = { services: { ...cursor?.services, ...response.cursor?.services } };
    if (endsNow(response, first)) break;
  }
  printer.end();
  return ExitCode.ok;
}

/** The rest of a reading that does not follow is its end. */
const endsNow = ({ event }: ReadResponse, { follow }: ReadRequest): boolean => !follow && event?.$case === 'caughtUp';

/** OUT_OF_RANGE is said of cursors only. */
const isOfAnotherBoot = (error: unknown): boolean => error instanceof RpcError && error.code === GrpcCode.outOfRange;

function requestOf(context: Context): ReadRequest {
  const follow = context.has('follow');
  const [since, until] = [time(context, 'since'), time(context, 'until')];
  if (follow && until !== undefined) throw usage('logs: --follow or --until, not both');
  if (follow && context.has('previous')) throw usage('logs: --follow or --previous, not both');
  return {
    selector: selectorOf(context.operands),
    tail: tail(context) ?? (follow && since === undefined ? FOLLOW_LINES : undefined),
    since,
    until,
    cursor: undefined,
    follow,
    stream: stream(context.option('stream')),
    run: context.has('previous') ? RunSelector.RUN_SELECTOR_PREVIOUS : RunSelector.RUN_SELECTOR_UNSPECIFIED,
    grep: context.option('grep') ?? '',
    heartbeatInterval: toDuration(HEARTBEAT_MS),
  };
}

function tail(context: Context): number | undefined {
  const value = context.option('lines');
  if (value === undefined) return undefined;
  if (!/^\d{1,9}$/.test(value)) throw usage(`--lines cannot be "${value}": a number like 10`);
  return Number(value);
}

function time(context: Context, option: string): Date | undefined {
  const value = context.option(option);
  if (value === undefined) return undefined;
  const date = parseTime(value, new Date());
  if (date === undefined) throw usage(`--${option} cannot be "${value}": a time like ${TIME_HELP}`);
  return date;
}

function stream(name: string | undefined): LogStream {
  switch (name) {
    case 'stdout':
      return LogStream.LOG_STREAM_STDOUT;
    case 'stderr':
      return LogStream.LOG_STREAM_STDERR;
    default:
      return LogStream.LOG_STREAM_UNSPECIFIED;
  }
}
