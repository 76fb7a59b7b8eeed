/** Whether services can stop in the time that they ask for. */

import { formatDuration } from '../text/duration.js';
import type { ServiceName } from '../types/service.js';
import type { Definition } from './definition/definition.js';
import { Graph } from './dependencies.js';

export interface ShutdownTimes {
  /** Of the whole shutdown. */
  readonly shutdownMs: number;
  /** The part that services have at most. */
  readonly servicesMs: number;
}

/** A service that a shutdown kills before its time is over. */
export interface CutShort {
  readonly name: ServiceName;
  readonly message: string;
}

/**
 * The services that ask with `stop_grace_period` for more than a shutdown has, together with those
 * that stop before them: the times of a chain add up.
 */
export function cutShort(
  definitions: Iterable<Definition>,
  { shutdownMs, servicesMs }: ShutdownTimes,
): readonly CutShort[] {
  const all = new Map([...definitions].map((definition) => [definition.name, definition]));
  const graph = new Graph(all.values());
  const graceOf = (of: ServiceName): number => {
    const definition = all.get(of);
    return definition?.origins.has('stop_grace_period') ? definition.stop.graceMs : 0;
  };
  const longestOf = (name: ServiceName): number => {
    const longest = new Map<ServiceName, number>();
    // Dependents come first, so those that a service waits for are known when it is reached.
    for (const of of graph.withDependents([name]))
      longest.set(
        of,
        graceOf(of) + Math.max(0, ...graph.dependentsOf(of).map((dependent) => longest.get(dependent.name) ?? 0)),
      );
    return longest.get(name) ?? 0;
  };
  return [...all.keys()]
    .filter((name) => graceOf(name) > 0)
    .map((name) => ({ name, totalMs: longestOf(name), isAlone: longestOf(name) === graceOf(name) }))
    .filter(({ totalMs }) => totalMs > servicesMs)
    .map(({ name, totalMs, isAlone }) => {
      const who = isAlone ? name : `${name} and the services that stop before it`;
      const needed = isAlone ? `${formatDuration(totalMs)} to stop` : formatDuration(totalMs);
      const there = `a shutdown of ${formatDuration(shutdownMs)} gives services ${formatDuration(servicesMs)}`;
      return { name, message: `${who} may take ${needed}, and ${there}` };
    });
}

/** The way out, for the log and `my_init check`. */
export const CUT_SHORT_REMEDY =
  'lengthen --shutdown-timeout (and what the runtime allows), or shorten stop_grace_period';
