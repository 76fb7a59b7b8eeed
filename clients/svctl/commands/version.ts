import { Init } from '../../typescript/src/index.js';
import type { Command } from '../command.js';
import type { Context } from '../context.js';
import { ExitCode } from '../exit-code.js';
import { outputOption, timeoutOption } from '../options.js';
import { Problem, problemOf } from '../problem.js';

/** Set by the build, from package.json. */
declare const SVCTL_VERSION: string;

export const version: Command = {
  name: 'version',
  summary: 'show the versions of svctl and my_init',
  usage: '',
  operands: 'none',
  hosts: 'reads',
  description: 'Shows the versions of svctl and of my_init. svctl --version shows its own, without a connection.',
  examples: ['svctl version'],
  options: [outputOption(['table', 'json', 'jsonl']), timeoutOption('how long to wait for an answer')],
  run: showVersion,
};

/** The line of `svctl --version`. */
export function ownVersion(): string {
  return `svctl ${SVCTL_VERSION}`;
}

async function showVersion(context: Context): Promise<ExitCode> {
  const table = context.format === 'table';
  if (table) context.line(ownVersion());
  try {
    const info = await context.ask(Init.getInfo, {});
    if (table) context.line(`my_init ${info.version} (Node ${info.nodeVersion})`);
    else context.json({ svctl: SVCTL_VERSION, myInit: info.version, node: info.nodeVersion });
  } catch (error) {
    const problem = problemOf(error);
    if (!(problem instanceof Problem) || problem.exitCode !== ExitCode.unreachable) throw error;
    if (!table) context.json({ svctl: SVCTL_VERSION });
    context.note(problem.message);
  }
  return ExitCode.ok;
}
