import { monotonicMs } from '../../process/clock.js';
import type { ServiceSet } from '../../supervisor/service-set.js';
import type { ContainerState } from '../container-state.js';

/**
 * Every service has its order to start. Startup is over, for good, when each service that is
 * started at boot has been ready once, or is no longer wanted up.
 */
export function watchStartup(set: ServiceSet, state: ContainerState): void {
  if (state.now.started) return;
  const awaited = new Set<string>();
  for (const { name, autostart, optional, ready } of set.list())
    if (autostart && !optional && !ready) awaited.add(name);
  const end = (): void => state.save({ started: true, startedAtMs: monotonicMs() });
  if (awaited.size === 0) {
    end();
    return;
  }
  const stop = set.subscribe(({ status: { name, ready, desired, state: now }, removed }) => {
    if (!ready && desired === 'up' && now !== 'completed' && !removed) return;
    awaited.delete(name);
    if (awaited.size > 0 || state.now.phase !== 'running') return;
    stop();
    end();
  });
}
