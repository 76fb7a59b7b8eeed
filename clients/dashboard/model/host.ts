import { setTimeout as delay } from 'node:timers/promises';
import {
  type Address,
  Connection,
  Definitions,
  type DefinitionsGetResponse,
  type GetInfoResponse,
  GrpcCode,
  MyInit,
  MyInitError,
  type Service,
} from '../../typescript/src/index.js';
import { UsageHistory } from './usage-history.js';

/** Whether the view of a host is current. */
export type Link = { readonly kind: 'connecting' } | { readonly kind: 'live' } | Lost;
interface Lost {
  readonly kind: 'lost';
  /** Why, in words. */
  readonly problem: string;
  readonly sinceMs: number;
}

/** A change of a service, as a timeline and a list of events show it. */
export interface HostEvent {
  readonly atMs: number;
  readonly service: Service;
  readonly before: Service | undefined;
  readonly removed: boolean;
}

/** Short enough to see a cut link before a person wonders. */
const HEARTBEAT_MS = 5_000;
const RETRY_MS = 2_000;
const MAX_EVENTS = 2_000;
const ANSWER_MS = 10_000;

/** One my_init as a view knows it: its services, kept current, and the way to it. */
export class Host {
  readonly name: string;
  readonly client: MyInit;
  /** A connection of its own: a reader that falls behind in the logs must not hold up the rest. */
  readonly logs: MyInit;
  services: ReadonlyMap<string, Service> = new Map();
  info: GetInfoResponse | undefined;
  link: Link = { kind: 'connecting' };
  readonly events: HostEvent[] = [];
  readonly usage = new UsageHistory();
  /** The tags of each service. */
  tags: ReadonlyMap<string, readonly string[]> = new Map();
  readonly #changed: () => void;
  readonly #end = new AbortController();

  constructor(address: Address, changed: () => void) {
    this.name = address.name;
    this.#changed = changed;
    this.client = new MyInit(new Connection(this.#observed(address)));
    this.logs = new MyInit(new Connection(address));
  }

  /** Watches the services and what they use until {@link close}. A my_init that is not there is tried again. */
  async follow(): Promise<void> {
    await Promise.all([this.#watch(), this.#sample()]);
  }

  async #sample(): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted) {
      try {
        for await (const { services } of this.client.usage([], { signal })) {
          this.usage.add(services);
          this.#changed();
        }
      } catch (error) {
        // A my_init of an earlier version does not count.
        if (error instanceof MyInitError && error.code === GrpcCode.unimplemented) return;
      }
      await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  async #watch(): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted) {
      try {
        for await (const event of this.client.watch([], { signal, heartbeatMs: HEARTBEAT_MS })) {
          if (event.kind === 'gap') continue;
          if (event.kind === 'snapshot') {
            this.services = new Map(event.services.map((service) => [service.name, service]));
            for (const change of event.changes) this.#note(change, change.service.stateSince);
            void this.#learn();
          } else {
            const services = new Map(this.services);
            if (event.removed) services.delete(event.service.name);
            else services.set(event.service.name, event.service);
            const known = this.services.has(event.service.name);
            this.services = services;
            this.#note(event, event.time);
            if (!known) void this.#learn();
          }
          this.#is({ kind: 'live' });
        }
      } catch (error) {
        if (signal.aborted) return;
        this.#lost(error instanceof Error ? error.message : String(error));
      }
      await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  close(): void {
    this.#end.abort();
    this.client.close();
    this.logs.close();
  }

  async #learn(): Promise<void> {
    const { signal } = this.#end;
    // Without an answer the view goes on with what it knew; the next snapshot asks again.
    this.info = await this.client.info({ signal }).catch(() => this.info);
    const timeoutMs = ANSWER_MS;
    const definitions = this.client.connection.call(Definitions.get, { names: [] }, { timeoutMs, signal });
    this.tags = await definitions.then(tagsOf).catch(() => this.tags);
    this.#changed();
  }

  #note({ service, before, removed }: Omit<HostEvent, 'atMs'>, at: Date | undefined): void {
    this.events.push({ atMs: (at ?? new Date()).getTime(), service, before, removed });
    if (this.events.length > MAX_EVENTS) this.events.splice(0, this.events.length - MAX_EVENTS);
  }

  /** The watch dials again by itself; a view has to know meanwhile. */
  #observed(address: Address): Address {
    return {
      name: address.name,
      open: async (signal) => {
        try {
          const stream = await address.open(signal);
          stream.once('close', () => this.#lost('the connection was closed'));
          return stream;
        } catch (error) {
          this.#lost(error instanceof Error ? error.message : String(error));
          throw error;
        }
      },
    };
  }

  #lost(problem: string): void {
    if (this.#end.signal.aborted) return;
    this.#is({ kind: 'lost', problem, sinceMs: this.link.kind === 'lost' ? this.link.sinceMs : Date.now() });
  }

  #is(link: Link): void {
    this.link = link;
    this.#changed();
  }
}

function tagsOf({ definitions }: DefinitionsGetResponse): ReadonlyMap<string, readonly string[]> {
  return new Map(
    definitions.map(({ name, values }) => [name, JSON.parse(values.find(({ key }) => key === 'tags')?.value ?? '[]')]),
  );
}
