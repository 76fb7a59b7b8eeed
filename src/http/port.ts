import { createServer, type Server, type Socket } from 'node:net';
import { type ListenAddress, parseListenAddress } from './listen-address.js';

/** A port that is taken is usually free again soon: the one before us is ending. */
const RETRY_MS = 3000;

export interface PortOptions {
  /** `HOST:PORT`, `:PORT` or `[IPV6]:PORT`. */
  readonly listen: string;
  /** A listening socket that is taken over instead of making one. */
  readonly inheritedFd?: number;
  readonly onConnection: (socket: Socket) => void;
  /** It listens, at once or at a later attempt; `fd` is what to hold for the next controller. */
  readonly onListening?: (fd: number) => void;
  readonly log: (message: string) => void;
}

/** A TCP port that is being listened on, or will be as soon as that is possible. */
export interface Port {
  /** `HOST:PORT` while it listens, else ''. */
  address(): string;
  close(): Promise<void>;
}

/**
 * Listens. Resolves after the first attempt, whatever came of it: a port that cannot be had is reported once and tried again.
 *
 * @throws ListenAddressError
 */
export async function openPort(options: PortOptions): Promise<Port> {
  const wanted = parseListenAddress(options.listen);
  let server: Server | undefined;
  let retry: NodeJS.Timeout | undefined;
  let closed = false;
  let reported = false;

  const attempt = async (): Promise<void> => {
    try {
      const listening = await listen(wanted, options);
      if (closed) return void listening.close();
      server = listening;
      if (reported) options.log(`http: listening on ${addressOf(listening, wanted)} now`);
      options.onListening?.(fdOf(listening));
    } catch (error) {
      if (closed) return;
      if (!reported) options.log(warning(options.listen, error));
      reported = true;
      retry = setTimeout(attempt, RETRY_MS);
    }
  };

  await attempt();
  return {
    address: () => (server?.listening ? addressOf(server, wanted) : ''),
    close: async () => {
      closed = true;
      clearTimeout(retry);
      const open = server;
      if (open?.listening) await new Promise<void>((resolve) => open.close(() => resolve()));
    },
  };
}

async function listen(wanted: ListenAddress, options: PortOptions): Promise<Server> {
  const { inheritedFd, onConnection } = options;
  if (inheritedFd !== undefined) {
    try {
      return await listenOn({ fd: inheritedFd }, onConnection);
    } catch (error) {
      options.log(`http: the inherited socket (descriptor ${inheritedFd}) cannot be used: ${text(error)}`);
    }
  }
  return listenOn(wanted, onConnection);
}

/** Without a host Node listens on `::`, which takes IPv4 too, and on `0.0.0.0` where there is no IPv6. */
function listenOn(
  where: { readonly fd: number } | ListenAddress,
  onConnection: (socket: Socket) => void,
): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, onConnection);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, () => {
      server.off('error', reject);
      server.on('error', () => {});
      resolve(server);
    });
  });
}

function addressOf(server: Server, wanted: ListenAddress): string {
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : wanted.port;
  const host = wanted.host ?? '';
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Node has no public name for the descriptor of a server. */
function fdOf(server: Server): number {
  return (server as unknown as { readonly _handle: { readonly fd: number } })._handle.fd;
}

const warning = (listenText: string, error: unknown): string =>
  `http: cannot listen on ${listenText}: ${text(error)}; no probes and metrics until it can be done (tried every ${RETRY_MS / 1000} s)`;

const text = (error: unknown): string => (error instanceof Error ? error.message : String(error));
