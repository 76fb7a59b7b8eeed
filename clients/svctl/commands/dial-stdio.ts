import { once } from 'node:events';
import { openSocket } from '../../typescript/src/index.js';
import type { Command } from '../command.js';
import type { Context } from '../context.js';
import { ExitCode } from '../exit-code.js';

/** What comes before the bytes of the connection: a shell may have printed something before. */
export const GREETING = '\0my_init dial-stdio 1\n';

/** Connects standard input and output with the socket: the other end of `svctl -H`. */
export const dialStdio: Command = {
  name: 'dial-stdio',
  summary: 'connect standard input and output with my_init (for svctl -H)',
  usage: '',
  operands: 'none',
  description:
    'Connects standard input and output with the socket of my_init. svctl -H runs it at the other end, through docker, podman, kubectl or ssh.',
  examples: ['docker exec -i web svctl dial-stdio'],
  options: [],
  run: dial,
};

async function dial(context: Context): Promise<ExitCode> {
  const socket = await openSocket(context.address);
  process.stdout.write(GREETING);
  // The end of either direction is the end: a half-closed exec may never tell.
  process.stdin.once('end', () => socket.destroy());
  process.stdin.pipe(socket);
  socket.pipe(process.stdout);
  await once(socket, 'close');
  process.stdin.destroy();
  return ExitCode.ok;
}
