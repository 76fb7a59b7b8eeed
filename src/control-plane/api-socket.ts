import { rmSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import { join } from 'node:path';
import { keepTrying } from '../listen/keep-trying.js';
import { listenUnix } from '../listen/unix.js';
import { descriptorOf } from '../process/node-handle.js';
import { runDirectory } from '../process/run-directory.js';

/** A volume may be mounted late; another my_init may end. */
const RETRY_MS = 5_000;

export interface ApiSocketOptions {
  /** undefined: the usual place, or one of this user's own where /run may not be written. */
  readonly path: string | undefined;
  readonly mode: number;
  readonly groupId: number | undefined;
  /** A socket that already listens, from an earlier controller. */
  readonly inheritedFd: number | undefined;
  readonly onConnection: (socket: Socket) => void;
  /** Gets the descriptor that init is to hold for the next controller. */
  readonly onListening: (path: string, fd: number | undefined) => void;
  readonly warn: (text: string) => void;
  readonly info: (text: string) => void;
}

/** The socket of the API, which my_init listens on, or will as soon as that is possible. */
export interface ApiSocket {
  /** '' while nobody listens. */
  path(): string;
  /** Removes the name. Nobody can connect any more. */
  close(): void;
  /** Stops accepting and leaves the name: a client that connects waits for the next controller. */
  leave(): void;
}

interface Listening {
  readonly server: Server;
  readonly path: string;
}

/**
 * Listens. Resolves after the first attempt; a socket that cannot be opened is reported once and
 * tried again.
 */
export async function openApiSocket(options: ApiSocketOptions): Promise<ApiSocket> {
  const { mode, groupId, inheritedFd, onConnection, onListening, warn, info } = options;
  let keepName = false;
  const socket = await keepTrying<Listening>({
    open: async () => {
      const path = options.path ?? join(runDirectory(), 'my_init.sock');
      const server = await listenUnix({
        path,
        mode,
        ...(groupId !== undefined && { groupId }),
        ...(inheritedFd !== undefined && { inheritedFd }),
      });
      return { server, path };
    },
    onOpen: ({ server, path }, late) => {
      server.on('connection', onConnection);
      if (late) info(`svctl can reach my_init now, at ${path}`);
      onListening(path, descriptorOf(server));
    },
    onFailure: (message) => warn(`svctl cannot reach my_init: ${message}; next attempt every ${RETRY_MS / 1000} s`),
    close: ({ server, path }) => {
      if (!keepName) rmSync(path, { force: true });
      server.close();
    },
    retryMs: RETRY_MS,
  });
  return {
    path: () => socket.opened?.path ?? '',
    close: socket.stop,
    leave: () => {
      keepName = true;
      socket.stop();
    },
  };
}
