import { rmSync, writeFileSync } from 'node:fs';
import { type HealthSources, onHealthChange, probe } from '../health/health.js';

/**
 * A file is there while my_init is ready: a probe that needs no more than `test -f`. Returns what
 * ends it.
 */
export function keepReadyFile(path: string, sources: HealthSources): () => void {
  let there: boolean | undefined;
  const look = (): void => {
    const { serving } = probe('readiness', sources);
    if (serving === there) return;
    there = serving;
    try {
      if (serving) writeFileSync(path, '');
      else rmSync(path, { force: true });
    } catch {
      // A full disk: the other probes still answer.
    }
  };
  look();
  return onHealthChange(sources, look);
}
