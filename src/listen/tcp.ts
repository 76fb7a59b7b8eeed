import { createServer, type Server } from 'node:net';
import { formatListenAddress, type ListenAddress } from './address.js';

/** A server whose `connection` listener is to be attached in the turn in which it is returned. */
export async function listenTcp(address: ListenAddress): Promise<Server> {
  try {
    return await listenOn(address);
  } catch (error) {
    throw new Error(`cannot listen on ${formatListenAddress(address)}: ${(error as Error).message}`);
  }
}

/** Listens on a socket that an earlier controller opened. */
export function adoptTcp(fd: number): Promise<Server> {
  return listenOn({ fd });
}

/** The address that the server has: the port is known also where any free one was asked for. */
export function tcpAddressOf(server: Server, wanted: ListenAddress): string {
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : wanted.port;
  return formatListenAddress({ host: wanted.host, port });
}

/**
 * Without a host Node listens on `::`, which takes IPv4 too, and on `0.0.0.0` where there is no
 * IPv6.
 */
function listenOn(where: { readonly fd: number } | ListenAddress): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, () => {
      server.off('error', reject);
      // An accept that fails (EMFILE) costs one connection, not the server.
      server.on('error', () => undefined);
      resolve(server);
    });
  });
}
