import { rmSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import { join } from 'node:path';
import { ListenError, listeningFd, listenUnix } from '../api/listen.js';
import { runDirectory } from '../process/run-directory.js';

/** A volume may come late, another my_init may end. */
const RETRY_MS = 5_000;

export interface ApiSocketOptions {
  /** undefined: the usual place, or one of our own where /run may not be written. */
  readonly path: string | undefined;
  readonly mode: number;
  readonly groupId: number | undefined;
  /** A socket that already listens, from an earlier controller. */
  readonly inheritedFd: number | undefined;
  readonly onConnection: (socket: Socket) => void;
  /** It listens, at once or at a later attempt; `fd` is what to hold for the next controller. */
  readonly onListening: (path: string, fd: number | undefined) => void;
  readonly warn: (text: string) => void;
  readonly info: (text: string) => void;
}

/** The socket of the API, which is being listened on, or will be as soon as that is possible. */
export interface ApiSocket {
  /** '' while nobody listens. */
  path(): string;
  /** Takes the name away. Nobody can connect any more. */
  close(): void;
  /** Accepts nobody any more; the name stays, and who connects waits for the next controller. */
  leave(): void;
}

/** Listens. Resolves after the first attempt, whatever came of it: a socket that cannot be had is reported and tried again. */
export async function openApiSocket(options: ApiSocketOptions): Promise<ApiSocket> {
  let server: Server | undefined;
  let path = '';
  let trouble = '';
  let retry: NodeJS.Timeout | undefined;
  let closed = false;

  const attempt = async (): Promise<void> => {
    const wanted = options.path ?? join(runDirectory(), 'my_init.sock');
    try {
      const opened = await listenUnix({
        path: wanted,
        mode: options.mode,
        ...(options.groupId !== undefined && { groupId: options.groupId }),
        ...(options.inheritedFd !== undefined && { inheritedFd: options.inheritedFd }),
      });
      opened.on('connection', options.onConnection);
      server = opened;
      path = wanted;
      if (closed) return close();
      if (trouble !== '') options.info(`svctl can reach my_init now, at ${path}`);
      options.onListening(path, listeningFd(opened));
    } catch (error) {
      if (!(error instanceof ListenError)) throw error;
      if (error.message !== trouble)
        options.warn(`svctl cannot reach my_init: ${error.message}; trying again every ${RETRY_MS / 1000} s`);
      trouble = error.message;
      if (!closed) retry = setTimeout(() => void attempt(), RETRY_MS);
    }
  };
  const leave = (): void => {
    closed = true;
    clearTimeout(retry);
    server?.close();
  };
  const close = (): void => {
    if (path !== '') rmSync(path, { force: true });
    leave();
    path = '';
  };

  await attempt();
  return { path: () => path, close, leave };
}
