import { constants } from 'node:os';
import type { Command } from '../command.js';
import type { Context } from '../context.js';
import { ExitCode } from '../exit-code.js';
import { usage } from '../options.js';
import { Terminal } from '../terminal.js';

export const top: Command = {
  name: 'top',
  summary: 'services, resources and logs on the whole terminal',
  usage: '[TEXT]',
  operands: 'services',
  description:
    'Shows the services on the whole terminal, kept current: state, readiness, uptime, restarts, the last exit; the detail and the history of each, and logs with search. Services are started, stopped, restarted, reloaded, signalled, held, released and reset after a confirmation. TEXT is the initial filter of the list. The last line shows the most important keys, ? all of them.',
  examples: ['svctl top', 'svctl top web', 'svctl -H ssh://server/app top'],
  hosts: 'follows',
  options: [],
  run: (context) => showTop([context], context),
  runOnHosts: showTop,
};

async function showTop(hosts: readonly Context[], { colours, operands }: Context): Promise<ExitCode> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    throw usage('top needs a terminal', 'svctl status and svctl watch -o jsonl are for programs and pipes.');
  }
  // The library for terminals is larger than the rest of svctl.
  const { top: show } = await import('../../dashboard/top/top.js');
  const filter = operands.join(' ');
  Terminal.fillScreen(true);
  const signal = await show(
    hosts.map(({ target }) => target),
    { colours, filter },
  ).finally(() => Terminal.fillScreen(false));
  if (signal !== undefined) process.exit(128 + constants.signals[signal]);
  return ExitCode.ok;
}
