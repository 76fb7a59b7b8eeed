import type { Connection } from './connection.js';
import { durationOf } from './duration.js';
import type { Service, ServiceState } from './gen/my_init/v1/service.js';
import { type WatchLimits, WatchRequest, type WatchResponse } from './gen/my_init/v1/services.js';
import { Services } from './methods.js';
import { reconnect } from './reconnect.js';
import { type Names, selectorOf } from './selector.js';

/** A service before and after. */
export interface ServiceChange {
  /** The service after the change; as it was last, when it was removed. */
  readonly service: Service;
  /** Undefined for a service that is new to this watch. */
  readonly before: Service | undefined;
  readonly removed: boolean;
}

export type WatchEvent =
  /**
   * All services. `changes` has the differences from the services known before: empty in the first
   * snapshot.
   */
  | {
      readonly kind: 'snapshot';
      readonly revision: bigint;
      readonly services: readonly Service[];
      readonly changes: readonly ServiceChange[];
    }
  | (ServiceChange & {
      readonly kind: 'change';
      readonly revision: bigint;
      readonly time: Date | undefined;
      readonly previousState: ServiceState;
    })
  /** The limits of the container have changed; 0: none. */
  | ({ readonly kind: 'limits' } & WatchLimits)
  /** Changes were lost; a snapshot follows. After a new boot the lost revisions have no meaning. */
  | { readonly kind: 'gap'; readonly fromRevision: bigint; readonly toRevision: bigint; readonly newBoot: boolean };

export interface WatchOptions {
  /** Ends the watch; the iterator throws CANCELLED. */
  readonly signal?: AbortSignal;
  /**
   * The time between heartbeats, 1 s to 10 min; 15 s when undefined. A connection that misses them
   * is replaced.
   */
  readonly heartbeatMs?: number;
  /** Called when my_init answers: at first, and each time after a connection was lost. */
  readonly onHello?: () => void;
}

/** The connection counts as dead after so many heartbeats were missed. */
const HEARTBEATS_MISSED = 2.5;

/**
 * The services, then each change of them. When the controller, the container or the link is
 * replaced, the watch continues after the last revision; missed changes are a gap.
 */
export async function* watch(
  connection: Connection,
  names: Names | undefined,
  { signal, heartbeatMs, onHello }: WatchOptions = {},
): AsyncGenerator<WatchEvent, void, undefined> {
  const view = new View(names, heartbeatMs);
  const stream = reconnect(connection, Services.watch, {
    request: () => view.request(),
    endless: true,
    silenceMs: ({ event }) =>
      event?.$case === 'hello' ? event.value.heartbeatSeconds * 1000 * HEARTBEATS_MISSED : undefined,
    signal,
  });
  for await (const response of stream) {
    if (response.event?.$case === 'hello') onHello?.();
    const event = view.take(response);
    if (event !== undefined) yield event;
  }
}

/** The known services, and up to which revision. */
class View {
  readonly #services = new Map<string, Service>();
  readonly #request: WatchRequest;
  #bootId = '';
  #newBoot = true;
  #revision = 0n;
  #known = false;

  constructor(names: Names | undefined, heartbeatMs: number | undefined) {
    const heartbeatInterval = durationOf(heartbeatMs);
    this.#request = WatchRequest.fromPartial({ selector: selectorOf(names), heartbeatInterval });
  }

  /** Continues after the last change that arrived. */
  request(): WatchRequest {
    return { ...this.#request, sinceRevision: this.#revision, bootId: this.#bootId };
  }

  take({ event }: WatchResponse): WatchEvent | undefined {
    switch (event?.$case) {
      case 'hello':
        this.#newBoot = event.value.bootId !== this.#bootId;
        this.#bootId = event.value.bootId;
        return undefined;
      case 'snapshot': {
        const { services, revision } = event.value;
        this.#revision = revision;
        return { kind: 'snapshot', revision, services, changes: this.#replace(services) };
      }
      case 'change': {
        const { revision, time, service, removed, previousState } = event.value;
        this.#revision = revision;
        if (service === undefined) return undefined;
        const before = this.#services.get(service.name);
        if (removed) this.#services.delete(service.name);
        else this.#services.set(service.name, service);
        return { kind: 'change', revision, time, service, before, removed, previousState };
      }
      case 'heartbeat':
        if (event.value.revision > this.#revision) this.#revision = event.value.revision;
        return undefined;
      case 'gap':
        return { kind: 'gap', ...event.value, newBoot: this.#newBoot };
      case 'limits':
        return { kind: 'limits', ...event.value };
      case undefined:
        return undefined;
      default:
        return event satisfies never;
    }
  }

  #replace(services: readonly Service[]): readonly ServiceChange[] {
    const gone = new Map(this.#services);
    const changes: ServiceChange[] = [];
    for (const service of services) {
      changes.push({ service, before: gone.get(service.name), removed: false });
      gone.delete(service.name);
      this.#services.set(service.name, service);
    }
    for (const service of gone.values()) {
      this.#services.delete(service.name);
      changes.push({ service, before: service, removed: true });
    }
    const known = this.#known;
    this.#known = true;
    return known ? changes : [];
  }
}
