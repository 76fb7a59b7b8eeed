import type { Command } from '../command.js';
import type { Context } from '../context.js';
import { ExitCode } from '../exit-code.js';

/** Words that can stand after `-H`, for the completions of the shells. */
export const listHosts: Command = {
  name: 'list-hosts',
  summary: 'list the hosts that there are (for the completion)',
  usage: '[START]',
  operands: 'shell',
  hosts: 'none',
  description:
    'Lists what svctl -H can reach and begins with START: containers of docker and podman, pods, hosts of the ssh configuration.',
  examples: ['svctl list-hosts podman://'],
  options: [],
  run: printHosts,
};

async function printHosts(context: Context): Promise<ExitCode> {
  const { hostsFrom } = await import('../hosts/list.js');
  for (const host of await hostsFrom(context.operands[0] ?? '')) context.line(host);
  return ExitCode.ok;
}
