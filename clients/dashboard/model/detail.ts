import { markerWords, originWords } from '../../svctl/phrases.js';
import { dateTime } from '../../svctl/text/duration.js';
import { Definitions, type LogMarker, logBatches } from '../../typescript/src/index.js';
import type { Host } from './host.js';

/** The facts of one service beside its status. */
export interface Detail {
  readonly explanation: readonly { readonly service: string; readonly lines: readonly string[] }[];
  readonly definition: readonly { readonly key: string; readonly value: string; readonly from: string }[];
  /** The latest first. */
  readonly history: readonly string[];
}

const TIMEOUT_MS = 5_000;

export async function detailOf(host: Host, name: string): Promise<Detail> {
  const [explained, defined, markers] = await Promise.all([
    host.client.connection.call(Definitions.explain, { name }, { timeoutMs: TIMEOUT_MS }),
    host.client.connection.call(Definitions.get, { names: [name] }, { timeoutMs: TIMEOUT_MS }),
    // Without the right to read logs there is no history either.
    markersOf(host, [name]).catch(() => []),
  ]);
  return {
    explanation: explained.steps.map(({ service, facts, next, remedies }) => ({
      service,
      lines: [...facts, ...(next === '' ? [] : [next]), ...remedies.map((remedy) => `→ ${remedy}`)],
    })),
    definition: (defined.definitions[0]?.values ?? []).map((value) => ({
      key: value.key,
      value: value.value,
      from: originWords(value),
    })),
    history: markers.reverse().map(datedWords),
  };
}

/** A pattern that no line matches, so that only the markers remain. */
const NO_LINE = '$x';

/** The events of services, as far as their logs reach back. */
export async function markersOf(host: Host, names: readonly string[]): Promise<LogMarker[]> {
  const markers: LogMarker[] = [];
  const options = { grep: NO_LINE, signal: AbortSignal.timeout(TIMEOUT_MS) };
  for await (const { event } of logBatches(host.logs.connection, names, options)) {
    if (event?.$case === 'marker') markers.push(event.value);
  }
  return markers;
}

/** The time, and what happened then. */
export function datedWords(marker: LogMarker): string {
  return `${marker.time === undefined ? '' : `${dateTime(marker.time)}  `}${markerWords(marker)}`;
}
