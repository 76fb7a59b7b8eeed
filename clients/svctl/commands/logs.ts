import { type LogOptions, logBatches, Services, selectorOf } from '../../typescript/src/index.js';
import type { Command } from '../command.js';
import type { Context } from '../context.js';
import { ExitCode } from '../exit-code.js';
import type { HostContext } from '../hosts/host-context.js';
import { LogPrinter } from '../log-printer.js';
import { type OptionSpec, outputOption, usage } from '../options.js';
import { parseTime } from '../text/duration.js';

const TIME_HELP = '10m, 2h, 03:22, 2026-11-23T03:22:11Z';

const OPTIONS: readonly OptionSpec[] = [
  { name: 'follow', short: 'f', help: 'show new lines as they come' },
  { name: 'lines', short: 'n', value: 'N', help: 'the last N lines of each service (all; with -f 10)' },
  { name: 'since', value: 'TIME', help: `lines from this time on (${TIME_HELP})` },
  { name: 'until', value: 'TIME', help: 'lines before this time' },
  { name: 'grep', value: 'PATTERN', help: 'lines that match a regular expression' },
  { name: 'stream', value: 'STREAM', choices: ['stdout', 'stderr'], help: 'stdout or stderr only' },
  { name: 'previous', help: 'lines of the run before the current one' },
  { name: 'timestamps', short: 't', help: 'the time before each line' },
  { name: 'markers', help: 'show where runs began and ended' },
  outputOption(['table', 'json', 'jsonl']),
];

export const logs: Command = {
  name: 'logs',
  summary: 'show the output of services',
  usage: '[NAME…]',
  operands: 'services',
  hosts: 'follows',
  description:
    "Shows the stored lines of all services, or of those named, sorted by time; the name my_init stands for my_init's own messages. -f goes on until Ctrl-C, also across a restart of the controller or of the container. Lines that were overwritten before they could be read are reported on standard error. On a terminal, control characters are shown as escapes and standard error is red; a pipe gets the bytes as they were written. With -o json, each line, gap and marker is a JSON object on a line.",
  examples: [
    'svctl logs -f memcached',
    "svctl logs -n 20 --stream stderr 'web-*'",
    "svctl logs --since 10m --grep ' 5\\d\\d '",
    'svctl logs --previous web',
  ],
  options: OPTIONS,
  run: showLogs,
  runOnHosts: showLogsOfHosts,
};

/** `tail -f` and journalctl begin with as many. */
const FOLLOW_LINES = 10;

async function showLogs(context: Context): Promise<ExitCode> {
  // Nobody reads any more (`svctl logs | head -1`): there is nothing left to do.
  process.stdout.once('error', () => process.exit(ExitCode.ok));
  const printer = new LogPrinter(context);
  const silent = new Set(context.operands);
  const hint = async (): Promise<void> => {
    if (silent.size > 0 && context.format === 'table') await hintAtLoggers(silent, context);
    silent.clear();
  };
  for await (const batch of logBatches(context.connection, context.operands, optionsOf(context))) {
    if (batch.event?.$case === 'lines') for (const { service } of batch.event.value.lines) silent.delete(service);
    await printer.take(batch);
    if (batch.event?.$case === 'caughtUp') await hint();
  }
  printer.end();
  await hint();
  return ExitCode.ok;
}

async function showLogsOfHosts(hosts: readonly HostContext[], terminal: Context): Promise<ExitCode> {
  process.stdout.once('error', () => process.exit(ExitCode.ok));
  const { mergedLogs } = await import('../hosts/merged-logs.js');
  const options = optionsOf(terminal);
  const printer = new LogPrinter(terminal, Math.max(...hosts.map(({ host }) => host.label.length)));
  let code: ExitCode = ExitCode.ok;
  const sources = hosts.map((context) => ({
    host: terminal.format === 'table' ? context.host.label : context.host.name,
    batches: logBatches(context.connection, context.operands, options),
    fail: (error: unknown): void => {
      terminal.complainOf(error, context.host.name);
      code = ExitCode.failed;
    },
  }));
  for await (const portion of mergedLogs(sources)) {
    for (const { host, response } of portion) printer.add(response, host);
    await printer.flushed();
  }
  printer.end();
  return code;
}

/** Explains missing lines: the output of a service with a logger is not held by my_init. */
async function hintAtLoggers(silent: ReadonlySet<string>, context: Context): Promise<void> {
  try {
    const { services } = await context.ask(Services.list, { selector: selectorOf([]) });
    for (const { name, directory } of services) {
      const service = name.replace(LOGGER, '');
      if (service === name || !silent.has(service)) continue;
      context.faintNote(`${service} writes to a logger of its own, ${directory}/run, which keeps its lines elsewhere`);
      context.remark(`svctl logs ${name} shows what the logger itself says`);
    }
  } catch {
    // Anyone who may read logs may list services; without an answer there is no hint.
  }
}

/** At the end of a logger's name. */
const LOGGER = /\/log$/;

function optionsOf(context: Context): LogOptions {
  const follow = context.has('follow');
  const [since, until] = [time(context, 'since'), time(context, 'until')];
  if (follow && until !== undefined) throw usage('logs: --follow or --until, not both');
  if (follow && context.has('previous')) throw usage('logs: --follow or --previous, not both');
  const stream = context.option('stream');
  return {
    tail: tail(context) ?? (follow && since === undefined ? FOLLOW_LINES : undefined),
    since,
    until,
    follow,
    stream: stream === 'stdout' || stream === 'stderr' ? stream : undefined,
    run: context.has('previous') ? 'previous' : undefined,
    grep: context.option('grep'),
  };
}

function tail(context: Context): number | undefined {
  const value = context.option('lines');
  if (value === undefined) return undefined;
  if (!/^\d{1,9}$/.test(value)) throw usage(`--lines cannot be "${value}": use a number like 10`);
  return Number(value);
}

function time(context: Context, option: string): Date | undefined {
  const value = context.option(option);
  if (value === undefined) return undefined;
  const date = parseTime(value, new Date());
  if (date === undefined) throw usage(`--${option} cannot be "${value}": use a time like ${TIME_HELP}`);
  return date;
}
