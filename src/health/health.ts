/**
 * Whether my_init and its services are healthy, for probes of every kind. Pure functions without
 * memory.
 */
import type { ServiceStatus, ServiceView } from '../types/service.js';
import type { System } from '../types/system.js';

/** The probes: my_init's liveness, its readiness, its startup. */
export const PROBES = ['liveness', 'readiness', 'startup'] as const;
export type Probe = (typeof PROBES)[number];

/** The sources that health is judged by. */
export interface HealthSources {
  readonly view: ServiceView;
  readonly system: System;
}

export interface Health {
  readonly serving: boolean;
  /**
   * Why it is not serving, a sentence each, without names of secrets: `memcached is starting`.
   * Empty when it serves.
   */
  readonly reasons: readonly string[];
}

const SERVING: Health = { serving: true, reasons: [] };

/** The health that a probe asks for. */
export function probe(name: Probe, sources: HealthSources): Health {
  switch (name) {
    case 'liveness':
      return SERVING;
    case 'readiness':
      return readiness(sources);
    case 'startup':
      return startup(sources);
    default:
      return name satisfies never;
  }
}

/** The health of one service. */
export function serviceHealth(service: ServiceStatus): Health {
  const why = unreadiness(service);
  return why === undefined ? SERVING : { serving: false, reasons: [why] };
}

/**
 * Calls the listener whenever {@link probe} or {@link serviceHealth} may answer otherwise. Returns
 * what ends it.
 */
export function onHealthChange({ view, system }: HealthSources, listener: () => void): () => void {
  const ends = [view.subscribe(listener), system.subscribe(listener)];
  return () => {
    for (const end of ends) end();
  };
}

/** False from the first moment of a shutdown on, in spite of running services. */
function readiness(sources: HealthSources): Health {
  const { view, system } = sources;
  if (system.phase() === 'shutting_down') return { serving: false, reasons: ['the container is shutting down'] };
  const reasons = [...startup(sources).reasons];
  for (const service of view.list()) {
    const why = isWanted(service) ? unreadiness(service) : undefined;
    if (why !== undefined) reasons.push(why);
  }
  return { serving: reasons.length === 0, reasons };
}

function startup({ system }: HealthSources): Health {
  if (system.started()) return SERVING;
  const reasons = [system.phase() === 'booting' ? 'startup scripts run' : 'the services start'];
  return { serving: false, reasons };
}

/**
 * Notes for a person who reads the readiness: `memcached is held by uid 0 (root), pid 312: heap
 * dump`.
 */
export const holdNotes = ({ view }: HealthSources): readonly string[] =>
  view
    .list()
    .flatMap(({ name, hold }) =>
      hold === undefined
        ? []
        : [`${name} is held${hold.actor && ` by ${hold.actor}`}${hold.reason && `: ${hold.reason}`}`],
    );

/** A service that somebody took down, or asked to run once, does not make the container unready. */
const isWanted = (service: ServiceStatus): boolean => service.desired === 'up' && !service.optional;

function unreadiness(service: ServiceStatus): string | undefined {
  const { name } = service;
  if (service.paused) return `${name} is paused`;
  if (service.ready) return undefined;
  const trouble = service.trouble === '' ? '' : `: ${service.trouble}`;
  switch (service.state) {
    case 'up':
      return `${name} is up and not ready yet${trouble}`;
    case 'backoff':
      return `${name} waits for its next attempt${trouble}`;
    case 'failed':
      return `${name} cannot be started${trouble}`;
    case 'completed':
      return undefined;
    case 'waiting':
      if (service.waitsFor.length === 0) return `${name} is held, and not started`;
      return `${name} waits for ${service.waitsFor.map(({ on }) => on).join(', ')}${trouble}`;
    case 'down':
    case 'starting':
    case 'stopping':
    case 'finishing':
      return `${name} is ${service.state}${trouble}`;
    default:
      return service.state satisfies never;
  }
}
