import { fullState, isInTrouble } from '../../svctl/phrases.js';
import type { Service, ServiceUsage } from '../../typescript/src/index.js';
import type { Host } from '../model/host.js';

/** A service of one of the hosts. */
export interface Entry {
  readonly host: Host;
  readonly service: Service;
}

export const STATES = ['all', 'running', 'in trouble', 'not running'] as const;
export const SORTS = ['name', 'state', 'restarts', 'uptime', 'CPU', 'memory'] as const;

export type StateFilter = (typeof STATES)[number];
export type Sort = (typeof SORTS)[number];

/** The services of all hosts that fit a filter, in order. */
function entriesOf(hosts: readonly Host[], text: string, state: StateFilter, sort: Sort): Entry[] {
  const all = hosts.flatMap((host) => [...host.services.values()].map((service) => ({ host, service })));
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = all.filter(
    (entry) => fitsState(entry.service, state) && words.every((word) => haystack(entry).includes(word)),
  );
  return shown.sort(
    (a, b) => order(sort, a, b) || compare(a.service.name, b.service.name) || compare(a.host.name, b.host.name),
  );
}

/** {@link entriesOf}, recomputed only when one of its inputs has changed. */
export class Entries {
  readonly #hosts: readonly Host[];
  #of: readonly unknown[] = [];
  #entries: readonly Entry[] = [];

  constructor(hosts: readonly Host[]) {
    this.#hosts = hosts;
  }

  select(text: string, state: StateFilter, sort: Sort): readonly Entry[] {
    // Both maps of a host are replaced at each change.
    const of = [text, state, sort, ...this.#hosts.flatMap(({ services, usage }) => [services, usage.latest])];
    if (of.some((value, index) => value !== this.#of[index])) {
      this.#of = of;
      this.#entries = entriesOf(this.#hosts, text, state, sort);
    }
    return this.#entries;
  }
}

export const idOf = ({ host, service }: Entry): string => `${host.name}\n${service.name}`;
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const haystack = ({ host, service }: Entry): string =>
  [service.name, fullState(service), host.name, ...service.tags].join(' ').toLowerCase();

function fitsState(service: Service, filter: StateFilter): boolean {
  switch (filter) {
    case 'all':
      return true;
    case 'running':
      return service.pid !== 0;
    case 'in trouble':
      return isInTrouble(service);
    case 'not running':
      return service.pid === 0;
    default:
      return filter satisfies never;
  }
}

function order(sort: Sort, one: Entry, other: Entry): number {
  const { service: a } = one;
  const { service: b } = other;
  switch (sort) {
    case 'CPU':
      return (usageOf(other)?.cpus ?? 0) - (usageOf(one)?.cpus ?? 0);
    case 'memory':
      return Number((usageOf(other)?.memoryBytes ?? 0n) - (usageOf(one)?.memoryBytes ?? 0n));
    case 'name':
      return 0;
    case 'state':
      return Number(isInTrouble(b)) - Number(isInTrouble(a)) || a.state - b.state;
    case 'restarts':
      return b.restartsTotal - a.restartsTotal;
    case 'uptime':
      return (b.startedAt?.getTime() ?? 0) - (a.startedAt?.getTime() ?? 0);
    default:
      return sort satisfies never;
  }
}

export const usageOf = ({ host, service }: Entry): ServiceUsage | undefined => host.usage.latest.get(service.name);
