import type { Socket } from 'node:net';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { HealthService } from '../../gen/grpc/health/v1/health.js';
import { DefinitionsService } from '../../gen/my_init/v1/definitions.js';
import { InitService } from '../../gen/my_init/v1/init.js';
import { LogsService } from '../../gen/my_init/v1/logs.js';
import { ServicesService } from '../../gen/my_init/v1/services.js';
import { addHealth } from '../grpc/grpc-health.js';
import { rpcInterceptor } from '../grpc/rpc-interceptor.js';
import type { RpcStats } from '../grpc/rpc-stats.js';
import { within } from '../process/within.js';
import type { DefinitionControl } from '../types/definitions.js';
import type { LogSources } from '../types/logs.js';
import { type Access, type Peer, peerOf } from './access.js';
import { Calls, type CloseReason } from './call.js';
import { Connections } from './connections.js';
import { definitionsServer } from './definitions.js';
import { initServer } from './init.js';
import { logsServer, logsService } from './logs.js';
import { addReflection } from './reflection.js';
import { type Backend, servicesServer } from './services.js';
import type { Surroundings } from './to-proto.js';
import { servicesService } from './watch.js';

const SERVICES = [ServicesService, InitService, HealthService];

const MAX_STREAMS_PER_CONNECTION = 100;

const DEFAULT_TIMEOUTS = { prefaceMs: 10_000, keepaliveMs: 60_000 };

/**
 * Node stops reading a connection with a broken header block, and so misses its end; the missing
 * keepalive answer closes the connection after this time.
 */
const KEEPALIVE_ANSWER_MS = 20_000;

/** The names of all services fit in a tenth of it. */
const MAX_REQUEST_BYTES = 1 << 20;

export interface ApiOptions extends Backend, Surroundings {
  /** The logs; without them there is no `Logs`. */
  readonly logs?: LogSources | undefined;
  /** The definitions; without them there is no `Definitions`. */
  readonly definitions?: DefinitionControl;
  /** Members of this group may change things and read logs, beside root and my_init's own user. */
  readonly fullAccessGroupId?: number;
  /** Counts the calls, for metrics. */
  readonly rpc?: RpcStats;
  /**
   * The time in which a connection must send its preface, and the interval at which a silent
   * connection is asked whether it is alive.
   */
  readonly timeouts?: { readonly prefaceMs: number; readonly keepaliveMs: number };
  /** Takes what nobody foresaw, with its stack. */
  readonly log: (message: string) => void;
}

export interface Api {
  /** Serves an accepted connection of a Unix socket: the `connection` listener of a net.Server. */
  readonly accept: (socket: Socket) => void;
  /** Ends all streams and connections; connections that do not read are cut off after `graceMs`. */
  close(graceMs: number, why?: CloseReason): Promise<void>;
}

/**
 * The API of my_init. The credentials of the client's process, read when it connects, decide on its
 * access.
 */
export function serveApi(options: ApiOptions): Api {
  const servers = { full: serverFor('full', options), read: serverFor('read', options) };
  const connections = new Connections((options.timeouts ?? DEFAULT_TIMEOUTS).prefaceMs);
  return {
    accept: (socket) => {
      // A connection that breaks before HTTP/2 has taken it over is nobody's fault.
      socket.on('error', () => undefined);
      const peer = tryPeerOf(socket, options);
      if (peer === undefined || !connections.admit(socket, peer.access)) return;
      // grpc-js tells handlers the remote address as the peer; a Unix socket has none of its own.
      Object.defineProperty(socket, 'remoteAddress', { value: peer.actor });
      servers[peer.access].inject(socket);
    },
    close: async (graceMs, why = 'SHUTTING_DOWN') => {
      const both = [servers.full, servers.read];
      // Since Node 24 a session counts as closed before its last frames are written: wait for the
      // connections too.
      const ended = Promise.all(both.map((server) => server.end(why))).then(() => connections.closed());
      await within(ended, graceMs);
      for (const server of both) server.cutOff();
      connections.destroyAll();
    },
  };
}

function tryPeerOf(socket: Socket, { fullAccessGroupId, log }: ApiOptions): Peer | undefined {
  try {
    return peerOf(socket, fullAccessGroupId);
  } catch (error) {
    log(`a connection to the API was closed: cannot tell who it is: ${(error as Error).message}`);
    socket.destroy();
    return undefined;
  }
}

function serverFor(access: Access, options: ApiOptions) {
  const { rpc, system, view, control, limits } = options;
  const { keepaliveMs } = options.timeouts ?? DEFAULT_TIMEOUTS;
  const server = new Server({
    'grpc.max_concurrent_streams': MAX_STREAMS_PER_CONNECTION,
    'grpc.max_receive_message_length': MAX_REQUEST_BYTES,
    'grpc.keepalive_time_ms': keepaliveMs,
    'grpc.keepalive_timeout_ms': Math.min(keepaliveMs, KEEPALIVE_ANSWER_MS),
    'grpc.enable_channelz': 0,
    interceptors: rpc === undefined ? [] : [rpcInterceptor(rpc)],
  });
  const { logs, definitions } = options;
  const services = [...SERVICES, ...(logs ? [LogsService] : []), ...(definitions ? [DefinitionsService] : [])];
  for (const service of services) rpc?.declare(service);
  const calls = new Calls(options.log);
  server.addService(servicesService, servicesServer(options, calls, access));
  server.addService(InitService, initServer({ system, control, surroundings: options, limits, logs }, calls, access));
  if (logs) server.addService(logsService, logsServer({ logs, control: options.control }, calls, access));
  if (definitions) server.addService(DefinitionsService, definitionsServer(definitions, calls, access));
  const endHealth = addHealth(server, { view, system });
  addReflection(server, services.map(nameOf), calls);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  return {
    inject: (socket: Socket) => injector.injectConnection(socket),
    /** Ends all streams; resolves when the sessions are closed. */
    end: (why: CloseReason) =>
      new Promise<void>((resolve) => {
        calls.end(why);
        endHealth();
        server.tryShutdown(() => resolve());
      }),
    cutOff: () => server.forceShutdown(),
  };
}

/** `my_init.v1.Services`, from the path of any of its methods. */
function nameOf(service: object): string {
  const [method] = Object.values(service) as { readonly path: string }[];
  return method?.path.split('/')[1] ?? '';
}
