import type { Command, Commands } from '../command.js';
import { bashCompletion } from '../completion/bash.js';
import { fishCompletion } from '../completion/fish.js';
import type { Vocabulary } from '../completion/vocabulary.js';
import { zshCompletion } from '../completion/zsh.js';
import type { Context } from '../context.js';
import { ExitCode } from '../exit-code.js';
import { COMMON_OPTIONS, FORMATS, usage } from '../options.js';
import { OWN_CHECKS } from './health.js';
import { SIGNALS } from './signal.js';

const SHELLS = ['bash', 'zsh', 'fish'];

export const completion: Command = {
  name: 'completion',
  summary: 'print a completion script for a shell',
  usage: SHELLS.join(' | '),
  operands: 'shell',
  hosts: 'none',
  description:
    'Prints a script that completes commands, options and, when my_init can be reached, the names of services.',
  examples: [
    'source <(svctl completion bash)',
    'svctl completion bash > /etc/bash_completion.d/svctl',
    'source <(svctl completion zsh)',
    'svctl completion fish | source',
  ],
  options: [],
  run: printCompletion,
};

async function printCompletion(context: Context, commands: Commands): Promise<ExitCode> {
  const [shell, ...more] = context.operands;
  if (more.length > 0) throw usage('completion: one shell at a time');
  context.print(script(shell, commands));
  return ExitCode.ok;
}

function script(shell: string | undefined, commands: Commands): string {
  const vocabulary: Vocabulary = {
    commands,
    common: COMMON_OPTIONS,
    formats: FORMATS,
    signals: SIGNALS,
    checks: OWN_CHECKS,
    shells: SHELLS,
  };
  switch (shell) {
    case 'bash':
      return bashCompletion(vocabulary);
    case 'zsh':
      return zshCompletion(vocabulary);
    case 'fish':
      return fishCompletion(vocabulary);
    default:
      throw usage(
        shell === undefined ? 'completion: for which shell?' : `no completion for "${shell}"`,
        `svctl completion ${SHELLS.join(' | ')}`,
      );
  }
}
