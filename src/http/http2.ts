import type { Socket } from 'node:net';
import type { RpcStats } from '../grpc/rpc-stats.js';
import type { HealthSources } from '../health/health.js';
import type { Connections } from './connections.js';
import type { HealthServer } from './health-server.js';

/**
 * Half of the port's places at most, so that gRPC clients cannot keep `/livez` from being reached.
 */
const MAX_HTTP2_CONNECTIONS = 32;
/** How long the library may take to load until a connection is given up. */
const LOAD_MS = 15_000;

export interface Http2Options {
  readonly health: HealthSources;
  readonly rpc: RpcStats;
  readonly connections: Connections;
  readonly log: (message: string) => void;
}

/** Answers `grpc.health.v1` on HTTP/2 connections that are handed to it. */
export interface Http2 {
  serve(socket: Socket): void;
  close(): void;
}

/** grpc-js is loaded when the first connection comes. */
export function http2({ health, rpc, connections, log }: Http2Options): Http2 {
  let loading: Promise<HealthServer> | undefined;
  let open = 0;
  return {
    serve: (socket) => {
      if (open >= MAX_HTTP2_CONNECTIONS) return void socket.destroy();
      open += 1;
      socket.once('close', () => {
        open -= 1;
      });
      // Otherwise a client that has said its last word keeps the connection.
      socket.allowHalfOpen = false;
      connections.busy(socket, LOAD_MS);
      loading ??= loadHealthServer(health, rpc);
      loading.then(
        ({ injector }) => {
          if (socket.destroyed) return;
          connections.busy(socket);
          injector.injectConnection(socket);
        },
        (error) => {
          loading = undefined;
          socket.destroy();
          log(`http: gRPC cannot be served: ${String(error)}`);
        },
      );
    },
    close: () => void loading?.then(({ end }) => end()).catch(() => {}),
  };
}

/**
 * A module of its own, because only that can be loaded late: the library as such has no names when
 * it is bundled.
 */
async function loadHealthServer(health: HealthSources, rpc: RpcStats): Promise<HealthServer> {
  const { healthServer } = await import('./health-server.js');
  return healthServer(health, rpc);
}
