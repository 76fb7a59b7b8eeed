import { setTimeout as delay } from 'node:timers/promises';
import {
  type Address,
  Connection,
  defaultSocket,
  GrpcCode,
  MyInit,
  MyInitError,
  type Service,
} from '../../typescript/src/index.js';
import { Timeline } from './timeline.js';
import { UsageHistory } from './usage-history.js';

/** Whether the view of a host is current. */
export type Link = { readonly kind: 'connecting' } | { readonly kind: 'live' } | Lost;
interface Lost {
  readonly kind: 'lost';
  /** Why, in words. */
  readonly problem: string;
}

/** Short enough to see a cut link before a person wonders. */
const HEARTBEAT_MS = 5_000;
const RETRY_MS = 2_000;

/** One my_init as a view knows it: its services, kept current, and the connection to it. */
export class Host {
  readonly name: string;
  readonly client: MyInit;
  /** A connection of its own: a reader that falls behind in the logs must not hold up the rest. */
  readonly logs: MyInit;
  services: ReadonlyMap<string, Service> = new Map();
  link: Link = { kind: 'connecting' };
  readonly usage = new UsageHistory();
  readonly timeline = new Timeline();
  /** The words that lead to it on a command line. */
  readonly to: readonly string[];
  readonly #changed: () => void;
  readonly #end = new AbortController();

  constructor(address: Address, changed: () => void) {
    this.name = address.name;
    this.#changed = changed;
    this.to = wordsTo(address.name);
    this.client = new MyInit(new Connection(this.#observed(address)));
    this.logs = new MyInit(new Connection(address));
  }

  /**
   * Watches the services and their resource use until {@link close}. Reconnects while my_init is
   * away.
   */
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
        // Without a change nothing else tells that the next controller is there.
        const onHello = (): void => {
          if (this.link.kind === 'lost') this.#is({ kind: 'live' });
        };
        for await (const event of this.client.watch([], { signal, heartbeatMs: HEARTBEAT_MS, onHello })) {
          if (event.kind === 'gap' || event.kind === 'limits') continue;
          if (event.kind === 'snapshot') {
            this.services = new Map(event.services.map((service) => [service.name, service]));
            this.timeline.know(event.services);
          } else {
            const services = new Map(this.services);
            this.timeline.add(event.service, event.removed, event.time);
            if (event.removed) services.delete(event.service.name);
            else services.set(event.service.name, event.service);
            this.services = services;
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
    this.#is({ kind: 'lost', problem });
  }

  #is(link: Link): void {
    this.link = link;
    this.#changed();
  }
}

function wordsTo(name: string): readonly string[] {
  if (name.includes('://')) return ['-H', name];
  return name === defaultSocket() ? [] : ['--socket', name];
}
