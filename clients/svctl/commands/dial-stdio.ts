import { openSocket } from '../../typescript/src/index.js';
import type { Command } from '../command.js';
import type { Context } from '../context.js';
import { ExitCode } from '../exit-code.js';

/** Connects standard input and output with the socket: the other end of `svctl -H`. */
export const dialStdio: Command = {
  name: 'dial-stdio',
  summary: 'connect standard input and output with my_init (for svctl -H)',
  usage: '',
  operands: 'none',
  hosts: 'none',
  description:
    'Connects standard input and output with the socket of my_init. svctl -H runs it at the other end, through docker, podman, kubectl or ssh.',
  examples: ['docker exec -i web svctl dial-stdio'],
  options: [],
  run: dial,
};

async function dial(context: Context): Promise<ExitCode> {
  const { GREETING, Link } = await import('../hosts/link.js');
  const socket = await openSocket(context.address);
  process.stdout.write(GREETING);
  const link = new Link(process.stdin, process.stdout);
  socket.pipe(link);
  link.pipe(socket);
  // A link that is cut or silent is over, like a link that ends.
  link.on('error', () => undefined);
  link.once('end', () => socket.destroy());
  link.once('close', () => socket.destroy());
  socket.on('error', () => link.end());
  await new Promise((resolve) => socket.once('close', resolve));
  link.destroy();
  process.stdin.destroy();
  return ExitCode.ok;
}
