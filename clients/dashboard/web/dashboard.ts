import type { Address } from '../../typescript/src/index.js';
import { carryOut } from '../model/action.js';
import { detailOf, markersOf } from '../model/detail.js';
import { Host } from '../model/host.js';
import { type Order, VERBS } from '../model/order.js';
import { bootAnswer, graphAnswer, processesAnswer } from './answers.js';
import { LogStream } from './log-stream.js';
import { Output } from './output.js';
import type { HostView, OrderAnswer } from './protocol.js';
import { BadRequest, PageServer } from './server.js';
import { States } from './states.js';

/** Changes that come together are drawn together. */
const STATES_MS = 50;
const LOGS_MS = 30;

type Info = Pick<HostView, 'version' | 'mayChange' | 'bootedAtMs' | 'controllerRestarts'>;
const UNKNOWN: Info = { version: '', mayChange: false, bootedAtMs: 0, controllerRestarts: 0 };

/** The hosts, and the server of the page that shows them. */
export class Dashboard {
  readonly #hosts: readonly Host[];
  readonly #readOnly: boolean;
  readonly #server: PageServer;
  readonly #pages = new Set<Output>();
  readonly #info = new Map<Host, Info>();
  /** The hosts that were current when they changed last. */
  readonly #live = new Set<Host>();

  constructor(addresses: readonly Address[], readOnly: boolean) {
    this.#readOnly = readOnly;
    this.#hosts = addresses.map((address) => {
      const host: Host = new Host(address, () => this.#changed(host));
      return host;
    });
    const of = (query: URLSearchParams): Host => this.#host(Number(query.get('host')));
    this.#server = new PageServer({
      streams: {
        '/api/states': (_query, response) => {
          const states = new States(this.#hosts, (host) => this.#view(host), readOnly);
          const output: Output = new Output(
            response,
            STATES_MS,
            () => states.news(),
            () => this.#pages.delete(output),
          );
          this.#pages.add(output);
        },
        '/api/logs': (query, response) => {
          const logs = new LogStream(this.#hosts, this.#logQuery(query), () => output.changed());
          const output: Output = new Output(
            response,
            LOGS_MS,
            () => logs.news(),
            () => logs.close(),
          );
        },
      },
      answers: {
        '/api/detail': (query) => detailOf(of(query), query.get('name') ?? ''),
        '/api/boot': (query) => bootAnswer(of(query)),
        '/api/graph': (query) => graphAnswer(of(query)),
        '/api/processes': (query) => processesAnswer(of(query)),
      },
      orders: { '/api/order': (body) => this.#order(body) },
    });
  }

  /** Listens and begins to follow the hosts; the URL to open. */
  async start(port: number): Promise<string> {
    await this.#server.listen(port);
    for (const host of this.#hosts) void host.follow();
    return this.#server.url;
  }

  close(): void {
    this.#server.close();
    for (const host of this.#hosts) host.close();
  }

  #changed(host: Host): void {
    const isLive = host.link.kind === 'live';
    if (isLive && !this.#live.has(host)) {
      this.#live.add(host);
      void this.#learn(host);
    } else if (!isLive) this.#live.delete(host);
    this.#tell();
  }

  #tell(): void {
    for (const page of this.#pages) page.changed();
  }

  /** The facts that change with a new controller or container, and the time before this one. */
  async #learn(host: Host): Promise<void> {
    const [info, markers] = await Promise.all([
      host.client.info().catch(() => undefined),
      // Without the right to read logs the time before is not known.
      markersOf(host, []).catch(() => []),
    ]);
    host.timeline.seed(markers);
    if (info !== undefined)
      this.#info.set(host, {
        version: info.version,
        mayChange: info.mayChange,
        bootedAtMs: info.bootedAt?.getTime() ?? 0,
        controllerRestarts: info.controllerRestarts,
      });
    this.#tell();
  }

  #view(host: Host): HostView {
    const { name, to, link } = host;
    const info = this.#info.get(host) ?? UNKNOWN;
    return {
      name,
      to,
      lost: link.kind === 'lost' ? link.problem : '',
      connecting: link.kind === 'connecting',
      ...info,
      mayChange: info.mayChange && !this.#readOnly,
    };
  }

  #host(index: number): Host {
    const host = this.#hosts[index];
    if (host === undefined) throw new BadRequest('there is no such host', 404);
    return host;
  }

  /** `service=HOST/NAME`, repeated; without any, all services of all hosts. */
  #logQuery(query: URLSearchParams): ConstructorParameters<typeof LogStream>[1] {
    const wanted = query.getAll('service').map((service) => {
      const slash = service.indexOf('/');
      return { host: this.#host(Number(service.slice(0, slash))), name: service.slice(slash + 1) };
    });
    const hosts = wanted.length === 0 ? this.#hosts : [...new Set(wanted.map(({ host }) => host))];
    const from = hosts.map((host) => ({
      host,
      names: wanted.filter((one) => one.host === host).map(({ name }) => name),
    }));
    const run = query.get('run') === 'previous' ? ('previous' as const) : undefined;
    const stream = query.get('stream') === 'stderr' ? ('stderr' as const) : undefined;
    return { from, options: { grep: query.get('grep') || undefined, run, stream } };
  }

  async #order(body: unknown): Promise<OrderAnswer> {
    if (this.#readOnly) throw new BadRequest('the dashboard was started with --read-only', 403);
    const { order, targets } = body as { order?: unknown; targets?: unknown };
    if (!isOrder(order) || !Array.isArray(targets)) throw new BadRequest('this is no order');
    const actions = targets.map((target: unknown) => {
      const { host, names } = target as { host?: unknown; names?: unknown };
      const isNames = Array.isArray(names) && names.length > 0 && names.every((name) => typeof name === 'string');
      if (!isNames) throw new BadRequest('an order names services');
      return { order, host: this.#host(Number(host)), names };
    });
    return { lines: await carryOut(actions) };
  }
}

function isOrder(value: unknown): value is Order {
  if (typeof value !== 'object' || value === null) return false;
  const { verb, signal, time, reason } = value as Record<string, unknown>;
  if (verb === 'signal') return typeof signal === 'string';
  if (verb === 'hold') return typeof time === 'string' && typeof reason === 'string';
  return (VERBS as readonly unknown[]).includes(verb);
}
