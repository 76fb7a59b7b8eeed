import type { ServiceName } from '../types/service.js';
import type { Dependency } from './definition/definition.js';
import { Graph, type GraphService } from './dependencies.js';
import { loggedBy, loggerOf } from './service-directory.js';

/**
 * The graph with the edges that no definition has: from each service to the logger that reads its
 * output, and to the services that the startup directory has links to, in their order. Such a
 * service, and all that it waits for, comes before the others.
 */
export function withStartup(services: readonly GraphService[], early: readonly ServiceName[]): readonly GraphService[] {
  const positions = positionsOf(services, early);
  const names = new Set(services.map(({ name }) => name));
  return services.map(({ name, dependsOn, ...rest }) => {
    const owner = (loggedBy(name) ?? name) as ServiceName;
    const before = early.slice(0, positions.get(owner));
    const implied = [...before, ...(owner === name ? [loggerOf(name)] : [])].filter((on) => names.has(on));
    return { ...rest, name, dependsOn: [...dependsOn, ...implied.map(inOrder)] };
  });
}

/** The first of the early services that waits for a service, by its place among them. */
function positionsOf(services: readonly GraphService[], early: readonly ServiceName[]): Map<ServiceName, number> {
  const positions = new Map<ServiceName, number>();
  if (early.length === 0) return positions;
  const graph = new Graph(services);
  for (const [position, first] of early.entries())
    for (const name of graph.waitedFor([first])) if (!positions.has(name)) positions.set(name, position);
  return positions;
}

const inOrder = (on: ServiceName): Dependency => ({ on, condition: 'started', required: false, restart: false });
