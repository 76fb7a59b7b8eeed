import type { Marker, Position } from '../../types/logs.js';

/** Where in a log a reading ends: before this record, and before this marker. */
export interface Limit {
  readonly position: Position;
  readonly marker: number;
}

export const UNLIMITED: Limit = {
  position: { offset: Number.POSITIVE_INFINITY, record: Number.POSITIVE_INFINITY },
  marker: Number.POSITIVE_INFINITY,
};

const KINDS: Readonly<Record<Marker['kind'], number>> = { started: 0, ready: 1, exited: 2 };

/** Numbers the markers of a source in the order in which they come: three for each run. */
export const markerOrdinal = ({ run, kind }: Marker): number => run * 3 + KINDS[kind];

/** The part of a log that belongs to a run: from its `started` marker to that of the next run. */
export interface RunPart {
  /** undefined: the marker is forgotten, and the run begins with the oldest record. */
  readonly begin: Marker | undefined;
  /** undefined: the reading is not limited. */
  readonly limit: Limit | undefined;
}

/** `oldest`: where reading would begin otherwise. */
export function partOfRun(run: 'current' | 'previous', markers: readonly Marker[], oldest: Position): RunPart {
  const started = markers.filter(({ kind }) => kind === 'started');
  const current = started.at(-1);
  if (run === 'current') {
    // A source without runs, my_init itself, has been in one since boot.
    return { begin: current, limit: undefined };
  }
  if (current === undefined) return { begin: undefined, limit: { position: oldest, marker: 0 } };
  const limit = { position: current.position, marker: markerOrdinal(current) };
  // The marker of a run may be forgotten while lines of it are still held.
  const begin = started.at(-2) ?? (current.run > 1 ? undefined : current);
  return { begin, limit };
}
