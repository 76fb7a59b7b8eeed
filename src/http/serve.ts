import type { Socket } from 'node:net';
import type { RpcStats } from '../grpc/rpc-stats.js';
import type { HealthSources } from '../health/health.js';
import type { ListenAddress } from '../listen/address.js';
import type { ContainerLimits } from '../resources/container-limits.js';
import type { ServiceUsage } from '../resources/service-usage.js';
import type { LogStatistics } from '../types/logs.js';
import type { ServiceView } from '../types/service.js';
import type { System } from '../types/system.js';
import { Connections } from './connections.js';
import { detectProtocol } from './detect-protocol.js';
import { http1 } from './http1.js';
import { http2 } from './http2.js';
import { Metrics } from './metrics.js';
import { openPort } from './port.js';

const MAX_CONNECTIONS = 64;
/** From the connection to the end of the first request's head: a probe sends it at once. */
const FIRST_REQUEST_MS = 5000;

export interface HttpOptions {
  readonly listen: ListenAddress;
  /** A listening socket that init kept from an earlier controller. */
  readonly inheritedFd?: number;
  readonly system: System;
  readonly services: ServiceView;
  readonly rpc: RpcStats;
  readonly logs: LogStatistics;
  readonly limits: ContainerLimits;
  readonly usage: ServiceUsage;
  /** Gets the descriptor that init is to hold for the next controller. */
  readonly onListening?: (fd: number) => void;
  readonly log: (message: string) => void;
}

/**
 * The HTTP port: `/metrics`, `/livez`, `/readyz`, `/startupz`, and `grpc.health.v1` over HTTP/2.
 * The port changes nothing.
 */
export interface HttpEndpoint {
  /** `HOST:PORT` while it listens, else ''. */
  address(): string;
  /** Closes the port and its connections. */
  close(): void;
}

/**
 * Serves probes and metrics. A port that cannot be opened is logged once and tried again, without
 * an error.
 */
export async function serveHttp(options: HttpOptions): Promise<HttpEndpoint> {
  const { listen, inheritedFd, system, services, rpc, logs, limits, usage, onListening, log } = options;
  const health: HealthSources = { view: services, system };
  const connections = new Connections(MAX_CONNECTIONS);
  const metrics = new Metrics({ services, system, rpc, logs, limits, usage, log });
  const overHttp1 = http1({ health, connections, metrics, log });
  const overHttp2 = http2({ health, rpc, connections, log });

  const onConnection = (socket: Socket): void => {
    if (!connections.admit(socket, FIRST_REQUEST_MS)) return;
    detectProtocol(socket, (protocol) => {
      switch (protocol) {
        case 'http2':
          return overHttp2.serve(socket);
        case 'http1':
          return overHttp1.serve(socket);
        default:
          return protocol satisfies never;
      }
    });
  };

  const port = await openPort({ listen, inheritedFd, onConnection, onListening, log });
  return {
    address: port.address,
    close: () => {
      port.close();
      overHttp2.close();
      connections.destroyAll();
    },
  };
}
