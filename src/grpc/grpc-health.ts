import { status as codes, type Server, type ServerWritableStream } from '@grpc/grpc-js';
import {
  type HealthCheckRequest,
  type HealthCheckResponse,
  type HealthServer,
  HealthService,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '../../gen/grpc/health/v1/health.js';
import { type HealthSources, onHealthChange, PROBES, probe, serviceHealth } from '../health/health.js';

/** How many may watch at one time. A kubelet asks, it does not watch. */
const MAX_WATCHERS = 100;

const SERVICE_PREFIX = 'service/';

/**
 * Serves `grpc.health.v1.Health` (https://github.com/grpc/grpc/blob/master/doc/health-checking.md)
 * under the names `""` and `liveness` (my_init itself), `readiness`, `startup` and `service/NAME`.
 *
 * @returns the function that ends the watching streams, for the end of the server
 */
export function addHealth(server: Server, sources: HealthSources): () => void {
  const watching = new Set<() => void>();
  const health: HealthServer = {
    check: (call, callback) => {
      const status = statusOf(call.request.service, sources);
      if (status === undefined) callback({ code: codes.NOT_FOUND, details: NAMES });
      else callback(null, { status });
    },

    list: (_call, callback) => {
      const names = ['', ...PROBES, ...sources.view.list().map(({ name }) => SERVICE_PREFIX + name)];
      const statuses = names.map((name) => [name, { status: statusOf(name, sources) ?? UNKNOWN_NAME }] as const);
      callback(null, { statuses: Object.fromEntries(statuses) });
    },

    watch: (call) => {
      if (watching.size >= MAX_WATCHERS) {
        call.emit('error', { code: codes.RESOURCE_EXHAUSTED, details: `${MAX_WATCHERS} clients watch already` });
        return;
      }
      const stop = watch(call, sources);
      const end = () => {
        watching.delete(end);
        stop();
        call.emit('error', { code: codes.UNAVAILABLE, details: 'my_init ends' });
      };
      watching.add(end);
      call.once('cancelled', () => {
        if (watching.delete(end)) stop();
      });
    },
  };
  server.addService(HealthService, health);
  return () => {
    for (const end of watching) end();
  };
}

const NAMES = `there is no health of this name: there is "", ${PROBES.join(', ')} and ${SERVICE_PREFIX}NAME`;

const UNKNOWN_NAME = ServingStatus.SERVICE_UNKNOWN;

/**
 * Sends the status now and at each change of it; a client that reads slowly gets the latest only.
 */
function watch(
  call: ServerWritableStream<HealthCheckRequest, HealthCheckResponse>,
  sources: HealthSources,
): () => void {
  let [blocked, scheduled, ended] = [false, false, false];
  let sent: ServingStatus | undefined;
  const send = () => {
    scheduled = false;
    const status = statusOf(call.request.service, sources) ?? UNKNOWN_NAME;
    if (ended || blocked || status === sent) return;
    sent = status;
    blocked = !call.write({ status });
  };
  const unsubscribe = onHealthChange(sources, () => {
    if (scheduled) return;
    scheduled = true;
    queueMicrotask(send);
  });
  call.on('drain', () => {
    blocked = false;
    send();
  });
  send();
  return () => {
    ended = true;
    unsubscribe();
  };
}

function statusOf(name: string, sources: HealthSources): ServingStatus | undefined {
  const health = healthOf(name, sources);
  if (health === undefined) return undefined;
  return health.serving ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
}

function healthOf(name: string, sources: HealthSources) {
  if (name === '') return probe('liveness', sources);
  const asked = PROBES.find((one) => one === name);
  if (asked !== undefined) return probe(asked, sources);
  const service = name.startsWith(SERVICE_PREFIX) ? sources.view.get(name.slice(SERVICE_PREFIX.length)) : undefined;
  return service && serviceHealth(service);
}
