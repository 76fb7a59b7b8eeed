import { numberOf, wordOf } from '../../state/fields.js';
import { runIdOf } from '../../text/run-id.js';
import type { Marker } from '../../types/logs.js';
import type { ExitStatus } from '../../types/service.js';

/**
 * A marker on record, short: kind, offset, record, time, run, exit code or 256 + signal (-1:
 * lost; 256 more: killed for lack of memory).
 */
export type MarkerRecord = readonly [Marker['kind'], number, number, string, number, number?];

const KINDS: readonly Marker['kind'][] = ['started', 'ready', 'exited'];

/** undefined for a record that is no marker of this version. */
export function readMarker(value: unknown): MarkerRecord | undefined {
  if (!Array.isArray(value)) return undefined;
  const [kind, offset, record, time, run, end] = value as readonly unknown[];
  const known = wordOf(kind, KINDS);
  const [at, index, number] = [numberOf(offset), numberOf(record), numberOf(run)];
  if (known === undefined || at === undefined || index === undefined || number === undefined) return undefined;
  if (typeof time !== 'string') return undefined;
  const status = numberOf(end);
  return status === undefined ? [known, at, index, time, number] : [known, at, index, time, number, status];
}

export function toRecord({ kind, position, time, run, status }: Marker): MarkerRecord {
  const marker = [kind, position.offset, position.record, time, run] as const;
  if (status === undefined) return marker;
  if (status.kind === 'exited') return [...marker, status.code];
  if (status.kind === 'lost') return [...marker, -1];
  return [...marker, 256 + status.signal + (status.coreDumped ? 128 : 0) + (status.oom ? 256 : 0)];
}

export function fromRecord([kind, offset, record, time, run, end]: MarkerRecord, name: string, bootId: string): Marker {
  const marker: Marker = { kind, position: { offset, record }, time, run, runId: runIdOf(bootId, name, run) };
  return end === undefined ? marker : { ...marker, status: statusOf(end) };
}

function statusOf(end: number): ExitStatus {
  if (end < 0) return { kind: 'lost' };
  if (end < 256) return { kind: 'exited', code: end };
  const killed = { kind: 'signaled', signal: (end - 256) & 127, coreDumped: (end & 128) !== 0 } as const;
  return end < 512 ? killed : { ...killed, oom: {} };
}
