import * as grpc from '@grpc/grpc-js';
import { HealthService } from '../../gen/grpc/health/v1/health.js';
import { addHealth } from '../grpc/grpc-health.js';
import { rpcInterceptor } from '../grpc/rpc-interceptor.js';
import type { RpcStats } from '../grpc/rpc-stats.js';
import type { HealthSources } from '../health/health.js';

/** How long a connection without a call is kept. */
const IDLE_MS = 60_000;
/** A health check is a name of some bytes. */
const MAX_MESSAGE_BYTES = 4096;

const OPTIONS = {
  'grpc.enable_channelz': 0,
  'grpc.max_concurrent_streams': 16,
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  'grpc.max_connection_idle_ms': IDLE_MS,
  // A watcher whose host is gone would otherwise keep its place for ever.
  'grpc.keepalive_time_ms': 60_000,
  'grpc.keepalive_timeout_ms': 10_000,
} as const;

/** `grpc.health.v1` for connections that are injected. */
export interface HealthServer {
  readonly injector: grpc.ConnectionInjector;
  readonly end: () => void;
}

export function healthServer(health: HealthSources, rpc: RpcStats): HealthServer {
  rpc.declare(HealthService);
  const server = new grpc.Server({ ...OPTIONS, interceptors: [rpcInterceptor(rpc)] });
  const endStreams = addHealth(server, health);
  const injector = server.createConnectionInjector(grpc.ServerCredentials.createInsecure());
  return {
    injector,
    end: () => {
      endStreams();
      injector.destroy();
      server.forceShutdown();
    },
  };
}
