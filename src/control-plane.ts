import { dirname, join } from 'node:path';
import type { CloseReason } from './api/call.js';
import { type Api, serveApi } from './api/server.js';
import type { Container } from './container/container.js';
import { ContainerSystem } from './container/container-system.js';
import { ContainerDefinitions } from './container/definition-control.js';
import { type ApiSocket, openApiSocket } from './control-plane/api-socket.js';
import { keepReadyFile } from './control-plane/ready-file.js';
import { RpcStats } from './grpc/rpc-stats.js';
import { type HttpEndpoint, serveHttp } from './http/serve.js';
import type { ContainerLimits } from './resources/container-limits.js';
import { ServiceUsage } from './resources/service-usage.js';
import { groupId } from './settings/group-id.js';
import { Operations } from './supervisor/operations.js';
import { Replicas } from './supervisor/replicas.js';
import { TransientServices } from './supervisor/transient-services.js';
import { describeChange } from './text/limits.js';
import type { System } from './types/system.js';

/** For clients that do not end their streams by themselves. */
const CLOSE_GRACE_MS = 100;

/**
 * Opens all doors of my_init: the API on its socket, probes and metrics on their port. Called once:
 * a door that cannot be opened now is tried again by itself. `booted` settles when every
 * service has its order to start.
 */
export async function openControlPlane(container: Container, booted: Promise<void>): Promise<void> {
  const rpc = new RpcStats();
  const { limits } = container;
  watchLimits(container);
  let socket: ApiSocket | undefined;
  let http: HttpEndpoint | undefined;
  const system = new ContainerSystem(container, booted, async () => {
    // A client that connects from now on waits until the next controller accepts.
    socket?.leave();
    await closeAll('CONTROLLER_REPLACED');
  });
  const usage = new ServiceUsage(container.set, system);
  const api = openApi(
    container,
    system,
    { rpc, usage, limits },
    {
      socket: () => socket?.path() ?? '',
      http: () => http?.address() ?? '',
    },
  );
  const closeAll = async (why: CloseReason): Promise<void> => {
    http?.close();
    await Promise.race([
      api.close(CLOSE_GRACE_MS, why),
      new Promise((resolve) => setTimeout(resolve, 2 * CLOSE_GRACE_MS)),
    ]);
  };
  container.shutdown.beforeExit(async () => {
    await closeAll('SHUTTING_DOWN');
    socket?.close();
    container.groups.removeAll();
  });
  socket = await openSocket(container, system, api);
  if (!container.shutdown.over) http = await openPort(container, system, { rpc, usage, limits });
}

interface Measured {
  readonly rpc: RpcStats;
  readonly usage: ServiceUsage;
  readonly limits: ContainerLimits;
}

function openApi(
  { settings, set, logs, definitions, scales, watch, orders }: Container,
  system: System,
  { rpc, usage, limits }: Measured,
  addresses: { readonly socket: () => string; readonly http: () => string },
): Api {
  const group = fullAccessGroup(settings);
  const control = new Operations(set, {
    transient: new TransientServices(set, definitions),
    replicas: new Replicas({ set, scales, definitions, watch }),
  });
  return serveApi({
    view: set,
    control,
    definitions: new ContainerDefinitions({ set, definitions, watch, control, applying: orders.apply }),
    system,
    usage,
    limits,
    get socket() {
      return addresses.socket();
    },
    httpAddress: addresses.http,
    ...(group !== undefined && { fullAccessGroupId: group }),
    logs,
    rpc,
    log: (text) => settings.messages.warn(text),
  });
}

function openSocket({ settings, link, handover, set }: Container, system: System, api: Api): Promise<ApiSocket> {
  const { config, messages } = settings;
  const group = fullAccessGroup(settings);
  if (config.socketGroup !== undefined && group === undefined)
    messages.warn(
      `--socket-group: there is no group ${config.socketGroup}; only root and my_init's own user may change anything`,
    );
  return openApiSocket({
    path: config.socket,
    mode: config.socketMode,
    groupId: group,
    inheritedFd: handover.held.get('listen.api'),
    onConnection: api.accept,
    onListening: (path, fd) => {
      if (fd !== undefined) link.hold('listen.api', fd);
      keepReadyFile(join(dirname(path), 'ready'), { view: set, system });
    },
    warn: (text) => messages.warn(text),
    info: (text) => messages.info(text),
  });
}

async function openPort(
  { settings, link, handover, set, logs }: Container,
  system: System,
  measured: Measured,
): Promise<HttpEndpoint | undefined> {
  const listen = settings.config.httpListen;
  if (listen === undefined) return undefined;
  const inheritedFd = handover.held.get('listen.http');
  return serveHttp({
    listen,
    ...(inheritedFd !== undefined && { inheritedFd }),
    system,
    services: set,
    logs,
    ...measured,
    onListening: (fd) => link.hold('listen.http', fd),
    log: (text) => settings.messages.warn(text),
  });
}

/** Looks at the limits of the container when a run has ended, beside each scrape and heartbeat. */
function watchLimits({ settings, handover, set, limits }: Container): void {
  const { messages } = settings;
  const warning = limits.warning();
  if (handover.generation === 1 && warning !== undefined) messages.warn(warning);
  limits.subscribe((before, now) => {
    for (const text of describeChange(before, now)) messages.warn(text);
  });
  // While there was no controller.
  limits.look();
  set.subscribe(({ status, previousState }) => {
    if (status.state === 'finishing' && previousState !== 'finishing') limits.look();
  });
}

function fullAccessGroup({ config }: Container['settings']): number | undefined {
  return config.socketGroup === undefined ? undefined : groupId(config.socketGroup);
}
