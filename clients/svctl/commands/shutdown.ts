import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { durationOf, GrpcCode, Init, MyInitError, ShutdownProgress } from '../../typescript/src/index.js';
import type { Command } from '../command.js';
import type { Context } from '../context.js';
import { ExitCode } from '../exit-code.js';
import { outputOption, timeoutOption, usage } from '../options.js';
import { Problem } from '../problem.js';

export const shutdown: Command = {
  name: 'shutdown',
  summary: 'end the container in order',
  usage: '',
  operands: 'none',
  description:
    'Shuts the container down in order (main command, hooks, services, other processes) and shows the progress until my_init is gone. Called by a service or its finish script, svctl returns as soon as the shutdown has begun.',
  examples: ['svctl shutdown', 'svctl shutdown --reason "node drain" --timeout 25', 'svctl shutdown --exit-code 3'],
  options: [
    { name: 'reason', value: 'TEXT', help: 'why; for the log and the termination message' },
    {
      name: 'exit-code',
      value: 'NUMBER',
      help: 'the exit code of the container when no main command supplies one (0)',
    },
    { name: 'no-wait', help: 'return as soon as the shutdown has begun' },
    timeoutOption('instead of the configured shutdown timeout'),
    outputOption(['table', 'json', 'jsonl']),
  ],
  run: shutDown,
};

/** The time that init may need beyond the deadline to kill and reap the rest. */
const END_SLACK_MS = 10_000;

async function shutDown(context: Context): Promise<ExitCode> {
  const request = {
    reason: context.option('reason') ?? '',
    exitCode: exitCode(context.option('exit-code')),
    timeout: durationOf(context.duration('timeout')),
  };
  // When svctl runs in the container, the shutdown ends it by TERM, too: that is a success.
  process.once('SIGTERM', () => process.exit(ExitCode.ok));
  let latest: ShutdownProgress | undefined;
  try {
    for await (const progress of context.stream(Init.shutdown, request)) {
      show(context, progress, latest);
      latest = progress;
      if (context.has('no-wait') || progress.clientService !== '') return ExitCode.ok;
    }
  } catch (error) {
    const ended = error instanceof MyInitError && error.code === GrpcCode.unavailable && latest !== undefined;
    if (!ended) throw error;
  }
  const limitMs = (latest?.remainingSeconds ?? 0) * 1000 + END_SLACK_MS;
  if (context.isRemote) await unreachable(context, limitMs);
  else await gone(context.address, limitMs);
  if (context.format === 'table') context.line('my_init is gone');
  return ExitCode.ok;
}

function show(context: Context, progress: ShutdownProgress, before: ShutdownProgress | undefined): void {
  if (context.format !== 'table') {
    context.json(ShutdownProgress.toJSON(progress));
    return;
  }
  const words = progressWords(progress);
  if (before !== undefined && words === progressWords(before)) return;
  context.line(`${progress.elapsedSeconds.toFixed(1).padStart(5)} s  ${words}`);
}

function progressWords({ stage, remaining }: ShutdownProgress): string {
  return remaining.length === 0 ? stage : `${stage}: waiting for ${listed(remaining)}`;
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, NAMES_SHOWN).join(', ');
  return names.length > NAMES_SHOWN ? `${shown} and ${names.length - NAMES_SHOWN} more` : shown;
}

const NAMES_SHOWN = 8;

/**
 * Resolves when nobody holds the socket any more. init keeps it open to its own last instant: a
 * connection that nobody accepts ends with init, and after that none comes about. Throws
 * {@link Problem} after the timeout.
 */
async function gone(socket: string, timeoutMs: number): Promise<void> {
  const signal = AbortSignal.timeout(Math.ceil(timeoutMs));
  while (await connectedUntilClosed(socket, signal)) {
    if (signal.aborted) {
      const hint = 'svctl ps shows what is left.';
      throw new Problem(ExitCode.timedOut, 'the shutdown has run but my_init is still there', hint);
    }
    await delay(RETRY_MS);
  }
}

/**
 * Resolves when the host has no my_init to answer any more. Throws {@link Problem} after the
 * timeout.
 */
async function unreachable(context: Context, timeoutMs: number): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  while (performance.now() < endMs) {
    context.drop();
    try {
      await context.connection.once(Init.getInfo, {}, { timeoutMs: 1000 });
    } catch (error) {
      if (error instanceof MyInitError && error.reason === 'UNREACHABLE') return;
    }
    await delay(REMOTE_RETRY_MS);
  }
  throw new Problem(
    ExitCode.timedOut,
    'the shutdown has run but my_init is still there',
    'svctl ps shows what is left.',
  );
}

const REMOTE_RETRY_MS = 500;

/** Between the end of the controller's connections and the next look. */
const RETRY_MS = 20;

/** Resolves with whether a connection came about at all, when it has ended. */
function connectedUntilClosed(socket: string, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = net.connect(socket);
    let connected = false;
    const give = (): void => void connection.destroy();
    signal.addEventListener('abort', give, { once: true });
    connection.on('error', () => undefined);
    connection.once('connect', () => {
      connected = true;
    });
    connection.once('close', () => {
      signal.removeEventListener('abort', give);
      resolve(connected);
    });
    connection.resume();
  });
}

function exitCode(given: string | undefined): number {
  const code = Number(given ?? 0);
  if (!Number.isInteger(code) || code < 0 || code > 255)
    throw usage(`--exit-code cannot be "${given}": use a number from 0 to 255`);
  return code;
}
