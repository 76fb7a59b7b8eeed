import type { Server, Socket } from 'node:net';
import type { ListenAddress } from '../listen/address.js';
import { keepTrying } from '../listen/keep-trying.js';
import { adoptTcp, listenTcp, tcpAddressOf } from '../listen/tcp.js';
import { descriptorOf } from '../process/node-handle.js';

/** A port in use is usually free again soon: the process before us is ending. */
const RETRY_MS = 3_000;

export interface PortOptions {
  readonly listen: ListenAddress;
  /** A listening socket of an earlier controller. */
  readonly inheritedFd?: number;
  readonly onConnection: (socket: Socket) => void;
  /** Gets the descriptor that init is to hold for the next controller. */
  readonly onListening?: (fd: number) => void;
  readonly log: (message: string) => void;
}

/** A TCP port that my_init listens on, or will as soon as that is possible. */
export interface Port {
  /** `HOST:PORT` while it listens, else ''. */
  address(): string;
  close(): void;
}

/**
 * Listens. Resolves after the first attempt; a port that cannot be opened is reported once and
 * tried again.
 */
export async function openPort(options: PortOptions): Promise<Port> {
  const { listen, onConnection, onListening, log } = options;
  const port = await keepTrying<Server>({
    open: async () => (await adopted(options)) ?? listenTcp(listen),
    onOpen: (server, late) => {
      server.on('connection', onConnection);
      if (late) log(`http: listening on ${tcpAddressOf(server, listen)} now`);
      const fd = descriptorOf(server);
      if (fd !== undefined) onListening?.(fd);
    },
    onFailure: (message) =>
      log(`http: ${message}; probes and metrics are not served; next attempt every ${RETRY_MS / 1000} s`),
    close: (server) => server.close(),
    retryMs: RETRY_MS,
  });
  return {
    address: () => (port.opened?.listening ? tcpAddressOf(port.opened, listen) : ''),
    close: port.stop,
  };
}

async function adopted({ inheritedFd, log }: PortOptions): Promise<Server | undefined> {
  if (inheritedFd === undefined) return undefined;
  try {
    return await adoptTcp(inheritedFd);
  } catch (error) {
    log(`http: cannot use the inherited socket (descriptor ${inheritedFd}): ${(error as Error).message}`);
    return undefined;
  }
}
