// All data of the page, as signals: a component that reads a signal is drawn again when the signal
// changes.
import { computed, signal } from '@preact/signals';
import type { Happening, HostView, Sample, Samples, ServiceView, StateMessage } from '../web/protocol.js';
import { Refused, stream } from './server.js';

const RETRY_MS = 1000;
/** Ten minutes of samples, as the server holds. */
const HELD_SAMPLES = 300;
const HELD_HAPPENINGS = 2000;

/** A service of one of the hosts. */
export interface Entry {
  readonly host: number;
  readonly service: ServiceView;
}

export type DatedHappening = Happening & { readonly host: number };

export const hosts = signal<readonly HostView[]>([]);
export const readOnly = signal(false);
export const entries = signal<readonly Entry[]>([]);
export const usage = signal<ReadonlyMap<string, Sample>>(new Map());
export const samples = signal<ReadonlyMap<string, Samples>>(new Map());
export const happenings = signal<readonly DatedHappening[]>([]);
/** Why the page is not current: svctl cannot be reached. '' while it can. */
export const lost = signal('');
/** The token is no good: only a new URL helps. */
export const refused = signal('');
/** The states have arrived once. */
export const loaded = signal(false);
/** Draws what counts on by itself. */
export const nowMs = signal(Date.now());

export const several = computed(() => hosts.value.length > 1);
export const maySend = computed(() => lost.value === '' && hosts.value.some(({ mayChange }) => mayChange));

export const idOf = (host: number, name: string): string => `${host}/${name}`;

export function entryOf(id: string): Entry | undefined {
  return entries.value.find(({ host, service }) => idOf(host, service.name) === id);
}

/** Follows the states until the page is left. */
export async function follow(): Promise<never> {
  setInterval(() => {
    nowMs.value = Date.now();
  }, 1000);
  for (;;) {
    try {
      let isFirst = true;
      for await (const messages of stream<StateMessage>('/api/states', new AbortController().signal)) {
        if (isFirst) forget();
        isFirst = false;
        for (const message of messages) take(message);
        lost.value = '';
      }
      lost.value = 'svctl dashboard has ended';
    } catch (error) {
      if (error instanceof Refused) refused.value = error.message;
      lost.value = 'svctl dashboard has ended, or cannot be reached';
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** A new stream tells everything again. */
function forget(): void {
  entries.value = [];
  happenings.value = [];
}

function take(message: StateMessage): void {
  switch (message.kind) {
    case 'hosts':
      hosts.value = message.hosts;
      readOnly.value = message.readOnly;
      loaded.value = true;
      break;
    case 'services': {
      const gone = new Set([...message.removed, ...message.changed.map(({ name }) => name)]);
      const left = entries.value.filter(({ host, service }) => host !== message.host || !gone.has(service.name));
      const changed = message.changed.map((service) => ({ host: message.host, service }));
      entries.value = [...left, ...changed].sort(
        (a, b) => a.host - b.host || (a.service.name < b.service.name ? -1 : 1),
      );
      break;
    }
    case 'history': {
      const all = new Map(samples.value);
      for (const [name, history] of Object.entries(message.services)) all.set(idOf(message.host, name), history);
      samples.value = all;
      break;
    }
    case 'usage':
      addUsage(message);
      break;
    case 'happenings': {
      const more = message.happenings.map((happening) => ({ ...happening, host: message.host }));
      happenings.value = [...happenings.value, ...more].sort((a, b) => a.atMs - b.atMs).slice(-HELD_HAPPENINGS);
      break;
    }
    case 'beat':
      break;
    default:
      message satisfies never;
  }
}

function addUsage({ host, atMs, services }: Extract<StateMessage, { kind: 'usage' }>): void {
  const latest = new Map(usage.value);
  const all = new Map(samples.value);
  for (const [name, sample] of Object.entries(services)) {
    const id = idOf(host, name);
    latest.set(id, sample);
    const before = all.get(id) ?? { atMs: [], cpus: [], memory: [] };
    if (before.atMs.at(-1) === atMs) continue;
    all.set(id, {
      atMs: [...before.atMs, atMs].slice(-HELD_SAMPLES),
      cpus: [...before.cpus, sample[0]].slice(-HELD_SAMPLES),
      memory: [...before.memory, sample[1]].slice(-HELD_SAMPLES),
    });
  }
  usage.value = latest;
  samples.value = all;
}
