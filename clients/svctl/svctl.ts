import { writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { nearest } from '../../src/text/nearest-name.js';
import type { Command } from './command.js';
import { dialStdio } from './commands/dial-stdio.js';
import { listHosts } from './commands/list-hosts.js';
import { ownVersion } from './commands/version.js';
import { COMMANDS } from './commands.js';
import { Context } from './context.js';
import { ExitCode } from './exit-code.js';
import { commandHelp, generalHelp } from './help.js';
import {
  COMMON_OPTIONS,
  type CommandLine,
  checkOperands,
  checkOptions,
  parseCommandLine,
  usage,
  VERSION_OPTION,
} from './options.js';
import { Problem, problemOf } from './problem.js';

/**
 * The command line for people: finds the command, runs it, and turns failures into words and an
 * exit code.
 */
async function main(args: readonly string[]): Promise<ExitCode> {
  let context = new Context([], new Map());
  try {
    const plugin = isPlugin() ? await import('./hosts/kubectl-plugin.js') : undefined;
    const pluginOptions = plugin?.KUBECTL_OPTIONS ?? [];
    const { words, given } = parseCommandLine(args, [...pluginOptions, ...KNOWN_OPTIONS]);
    const [name, ...operands] = plugin?.withCommand(words, COMMANDS) ?? words;
    context = new Context(operands, given);
    if (given.has('version')) {
      context.line(ownVersion());
      return ExitCode.ok;
    }
    if (given.has('help') || name === 'help') {
      const about = name === 'help' ? operands[0] : name;
      if (about === undefined) context.print(plugin?.pluginHelp(COMMANDS) ?? generalHelp(COMMANDS));
      else context.print(commandHelp(commandOf(about)));
      return ExitCode.ok;
    }
    const command = commandOf(name);
    checkOptions(given, command.name, [...pluginOptions, ...command.options, ...COMMON_OPTIONS]);
    if (plugin === undefined) return await run(command, context, given);
    return await plugin.runForPods({ command, commands: COMMANDS, operands, given });
  } catch (error) {
    const problem = problemOf(error);
    if (!(problem instanceof Problem)) throw error;
    context.complain(problem);
    return problem.exitCode;
  } finally {
    context.close();
  }
}

const KNOWN_OPTIONS = [...COMMON_OPTIONS, VERSION_OPTION, ...COMMANDS.flatMap(({ options }) => options)];

async function run(command: Command, context: Context, given: CommandLine['given']): Promise<ExitCode> {
  checkOperands(command, context.operands);
  const hosts = context.options('host');
  const named = hosts.length > 0 || given.has('socket') ? hosts : [process.env.MY_INIT_HOST ?? ''].filter(Boolean);
  if (named.length === 0 || command.hosts === 'none') return await command.run(context, COMMANDS);
  if (given.has('socket')) throw usage('--host or --socket, not both');
  const { runOnHosts } = await import('./hosts/run.js');
  return await runOnHosts({ command, commands: COMMANDS, operands: context.operands, given, hosts: named });
}

function commandOf(name: string | undefined): Command {
  const [standard] = COMMANDS;
  if (name === undefined) return standard;
  const command = [...COMMANDS, dialStdio, listHosts].find((candidate) => candidate.name === name);
  if (command !== undefined) return command;
  const meant = nearest(name, [...COMMANDS.map((candidate) => candidate.name), 'help']);
  throw usage(
    `no command "${name}"${meant === undefined ? '' : `. Did you mean ${meant}?`}`,
    'svctl --help lists the commands.',
  );
}

/** kubectl calls its plugins by their names; start.c has another argv[1] and says so. */
function isPlugin(): boolean {
  const name = process.env.SVCTL_CALLED_AS ?? basename(process.argv[1] ?? '');
  delete process.env.SVCTL_CALLED_AS;
  return name === 'kubectl-svctl';
}

/**
 * A reader that has seen enough (`svctl status | head -1`) is no error: the exit code stays that of
 * the command.
 */
function tolerateBrokenPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') return;
      if (stream === process.stdout) process.stderr.write(`svctl: cannot write: ${error.message}\n`);
      process.exit(ExitCode.failed);
    });
  }
}

/**
 * As the only process of a sidecar it is PID 1, which the kernel shields from a TERM that nobody
 * listens to.
 */
function endOnTerm(): void {
  if (process.pid === 1) process.once('SIGTERM', () => process.exit(128 + 15));
}

/** For ps and top: newer versions of Node name their process MainThread. */
function nameProcess(): void {
  try {
    writeFileSync('/proc/self/comm', 'svctl');
  } catch {
    // A system that has no such file.
  }
}

tolerateBrokenPipe();
endOnTerm();
nameProcess();
void main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
