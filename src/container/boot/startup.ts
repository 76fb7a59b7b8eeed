import type { ServiceSet } from '../../supervisor/service-set.js';
import type { ContainerState } from '../container-state.js';

/**
 * The services have been told to start. Startup is over when each of those that are started at boot has been ready once, or
 * was told otherwise; it stays over.
 */
export function watchStartup(set: ServiceSet, state: ContainerState): void {
  const awaited = new Set<string>();
  for (const { name, autostart, optional, ready } of set.list())
    if (autostart && !optional && !ready) awaited.add(name);
  state.save({ started: state.now.started || awaited.size === 0 });
  if (state.now.started) return;
  const stop = set.subscribe(({ status: { name, ready, desired, state: now }, removed }) => {
    if (!ready && desired === 'up' && now !== 'completed' && !removed) return;
    awaited.delete(name);
    if (awaited.size > 0 || state.now.phase !== 'running') return;
    stop();
    state.save({ started: true });
  });
}
