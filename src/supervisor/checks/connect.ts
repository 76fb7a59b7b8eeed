import { connect, type NetConnectOpts } from 'node:net';
import type { Probe } from '../definition/definition.js';
import type { Checker } from './checker.js';

/** Passes when a connection is accepted. Nothing is sent: the connection is closed at once. */
export const tcpChecker = ({ host, port }: Extract<Probe, { kind: 'tcp' }>): Checker =>
  connects({ host, port }, `${host.includes(':') ? `[${host}]` : host}:${port}`);

export const unixChecker = ({ path }: Extract<Probe, { kind: 'unix' }>): Checker => connects({ path }, path);

const connects = (target: NetConnectOpts, name: string): Checker => ({
  check: (signal) =>
    new Promise((resolve) => {
      const socket = connect(target);
      const settle = (problem: string | undefined): void => {
        signal.removeEventListener('abort', abort);
        socket.destroy();
        resolve(problem);
      };
      const abort = (): void => settle(`${name}: does not accept the connection`);
      signal.addEventListener('abort', abort);
      socket.once('connect', () => settle(undefined));
      socket.on('error', (error) => settle(explainConnection(name, error)));
    }),
});

/** Why nobody could be reached, in words. */
export function explainConnection(name: string, error: NodeJS.ErrnoException): string {
  // With several addresses of one name Node collects an error of each.
  const code = error.code ?? (error as { errors?: readonly NodeJS.ErrnoException[] }).errors?.[0]?.code;
  switch (code) {
    case 'ECONNREFUSED':
      return `${name}: connection refused`;
    case 'ECONNRESET':
    case 'EPIPE':
      return `${name}: closed the connection without an answer`;
    case 'ENOENT':
      return `${name}: does not exist`;
    case 'EACCES':
      return `${name}: permission denied`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${name}: the host name cannot be resolved (${code})`;
    default:
      return `${name}: ${code ?? error.message}`;
  }
}
