import type { ServiceName } from '../../types/service.js';
import type { Definition } from './definition.js';

/** The variable in which a replica finds its number. */
export const REPLICA_VARIABLE = 'MY_INIT_REPLICA';

export const MAX_REPLICAS = 100;

/** The name of a replica: `web@1`. */
export const replicaName = (of: string, number: number): string => `${of}@${number}`;

/**
 * The name that a replica shares with its siblings, `web` of `web@1`; undefined for a service that
 * is not one of several.
 */
export const replicaOf = ({ name, replicas }: Pick<Definition, 'name' | 'replicas'>): ServiceName | undefined =>
  replicas === undefined ? undefined : (name.slice(0, name.lastIndexOf('@')) as ServiceName);

/** The number of a replica: 1 of `web@1`. */
export const replicaNumber = (name: string): number => Number(name.slice(name.lastIndexOf('@') + 1));

/** The names of the replicas, by the name that they share. */
export function replicasByName(
  services: Iterable<Pick<Definition, 'name' | 'replicas'>>,
): ReadonlyMap<ServiceName, readonly ServiceName[]> {
  const replicas = new Map<ServiceName, ServiceName[]>();
  for (const service of services) {
    const of = replicaOf(service);
    if (of === undefined) continue;
    const others = replicas.get(of);
    if (others) others.push(service.name);
    else replicas.set(of, [service.name]);
  }
  return replicas;
}
