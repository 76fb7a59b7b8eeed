import type { Service } from '../../typescript/src/index.js';
import type { Host } from '../model/host.js';
import type { HostView, Sample, StateMessage } from './protocol.js';
import { serviceView } from './service-view.js';

/** All hosts as one page knows them; {@link news} returns the changes since the last call. */
export class States {
  readonly #hosts: readonly Host[];
  readonly #view: (host: Host) => HostView;
  readonly #readOnly: boolean;
  readonly #known: readonly Known[];
  #hostsSent = '';

  constructor(hosts: readonly Host[], view: (host: Host) => HostView, readOnly: boolean) {
    this.#hosts = hosts;
    this.#view = view;
    this.#readOnly = readOnly;
    this.#known = hosts.map(() => new Known());
  }

  *news(): Generator<StateMessage> {
    const hosts = this.#hosts.map(this.#view);
    const said = JSON.stringify(hosts);
    if (said !== this.#hostsSent) {
      this.#hostsSent = said;
      yield { kind: 'hosts', hosts, readOnly: this.#readOnly };
    }
    for (const [index, host] of this.#hosts.entries()) {
      const known = this.#known[index];
      if (known !== undefined) yield* known.news(index, host);
    }
  }
}

/** Of one host. */
class Known {
  #services = new Map<string, Service>();
  #spans = new Map<string, number>();
  #usageAtMs = 0;
  #happenings = 0;

  *news(index: number, host: Host): Generator<StateMessage> {
    const changed = [...host.services.values()].filter((service) => this.#isNew(service, host));
    const removed = [...this.#services.keys()].filter((name) => !host.services.has(name));
    if (changed.length + removed.length > 0) {
      this.#services = new Map(host.services);
      for (const { name } of changed) this.#spans.set(name, host.timeline.of(name)[0]?.fromMs ?? 0);
      const views = changed.map((service) => serviceView(service, host.timeline.of(service.name)));
      yield { kind: 'services', host: index, changed: views, removed };
    }
    yield* this.#usage(index, host);
    const { happenings, dropped } = host.timeline;
    const end = dropped + happenings.length;
    if (end > this.#happenings) {
      const news = happenings.slice(Math.max(0, this.#happenings - dropped));
      this.#happenings = end;
      yield { kind: 'happenings', host: index, happenings: news };
    }
  }

  /** Also one whose earlier states have become known. */
  #isNew(service: Service, { timeline }: Host): boolean {
    const { name } = service;
    return this.#services.get(name) !== service || this.#spans.get(name) !== (timeline.of(name)[0]?.fromMs ?? 0);
  }

  *#usage(index: number, { usage, services }: Host): Generator<StateMessage> {
    const { latest, latestAtMs } = usage;
    if (latestAtMs === this.#usageAtMs) return;
    const isFirst = this.#usageAtMs === 0;
    this.#usageAtMs = latestAtMs;
    if (isFirst) {
      const samples = Object.fromEntries([...services.keys()].map((name) => [name, usage.of(name)]));
      yield { kind: 'history', host: index, services: samples };
    }
    const entries = [...latest].map(([name, { cpus, memoryBytes, processes, openDescriptors }]): [string, Sample] => [
      name,
      [cpus ?? 0, Number(memoryBytes), processes, openDescriptors ?? -1],
    ]);
    yield { kind: 'usage', host: index, atMs: latestAtMs, services: Object.fromEntries(entries) };
  }
}
