import type { Connection } from './connection.js';
import { durationOf } from './duration.js';
import { GrpcCode, MyInitError } from './errors.js';
import {
  type LogCursor,
  type LogGap,
  type LogLine,
  type LogMarker,
  LogStream,
  ReadRequest,
  type ReadResponse,
  RunSelector,
} from './gen/my_init/v1/logs.js';
import { Logs } from './methods.js';
import { reconnect } from './reconnect.js';
import { type Names, selectorOf } from './selector.js';

export interface LogOptions {
  /** Go on with new lines as they come. */
  readonly follow?: boolean;
  /** The last so many lines of each service; all when undefined. */
  readonly tail?: number;
  readonly since?: Date;
  readonly until?: Date;
  /** A regular expression; the server filters. */
  readonly grep?: string;
  readonly stream?: 'stdout' | 'stderr';
  readonly run?: 'current' | 'previous';
  /** Continue where an earlier reading ended: its last {@link LogEvent} cursor. */
  readonly cursor?: LogCursor;
  /** Ends the reading; the iterator throws CANCELLED. */
  readonly signal?: AbortSignal;
}

export type LogEvent =
  | ({ readonly kind: 'line' } & LogLine)
  /** Lines that were overwritten, or not stored, before they could be read. */
  | ({ readonly kind: 'gap' } & LogGap)
  /** A run began, was ready or ended. */
  | { readonly kind: 'marker'; readonly marker: LogMarker }
  /** All that was there at the beginning has been read; what follows is live. */
  | { readonly kind: 'caught_up'; readonly cursor: LogCursor };

const HEARTBEAT_MS = 15_000;
/** Two heartbeats may be missed. */
const SILENCE_MS = 2.5 * HEARTBEAT_MS;

/** The lines of services, one by one, merged by time. See {@link logBatches}. */
export async function* logs(
  connection: Connection,
  names: Names | undefined,
  options: LogOptions = {},
): AsyncGenerator<LogEvent, void, undefined> {
  let cursor: LogCursor = options.cursor ?? { services: {} };
  for await (const { event, cursor: advanced } of logBatches(connection, names, options)) {
    if (advanced !== undefined) cursor = merged(cursor, advanced);
    switch (event?.$case) {
      case 'lines':
        for (const line of event.value.lines) yield { kind: 'line', ...line };
        break;
      case 'gap':
        yield { kind: 'gap', ...event.value };
        break;
      case 'marker':
        yield { kind: 'marker', marker: event.value };
        break;
      case 'caughtUp':
        yield { kind: 'caught_up', cursor };
        break;
      case 'heartbeat':
      case undefined:
        break;
      default:
        event satisfies never;
    }
  }
}

/**
 * The log as it arrives: many lines in one answer. When the controller, the container or the link
 * is replaced, the reading continues at its cursor; what was lost is a gap.
 */
export async function* logBatches(
  connection: Connection,
  names: Names | undefined,
  options: LogOptions = {},
): AsyncGenerator<ReadResponse, void, undefined> {
  const first = requestOf(names, options);
  let { cursor } = options;
  const stream = reconnect(connection, Logs.read, {
    request: () => (cursor === undefined ? first : { ...first, tail: undefined, cursor }),
    endless: first.follow,
    silenceMs: () => SILENCE_MS,
    retries: (error) => {
      // OUT_OF_RANGE: the cursor is of another boot. Everything there is new.
      if (!(error instanceof MyInitError) || error.code !== GrpcCode.outOfRange) return false;
      cursor = { services: {} };
      return true;
    },
    signal: options.signal,
  });
  for await (const response of stream) {
    yield response;
    if (response.cursor !== undefined) cursor = merged(cursor, response.cursor);
    if (!first.follow && response.event?.$case === 'caughtUp') return;
  }
}

const merged = (known: LogCursor | undefined, advanced: LogCursor): LogCursor => ({
  services: { ...known?.services, ...advanced.services },
});

function requestOf(names: Names | undefined, options: LogOptions): ReadRequest {
  const { follow = false, tail, since, until, grep, stream, run } = options;
  return ReadRequest.fromPartial({
    selector: selectorOf(names),
    tail,
    since,
    until,
    follow,
    stream: stream === undefined ? undefined : STREAMS[stream],
    run: run === undefined ? undefined : RUNS[run],
    grep,
    heartbeatInterval: durationOf(HEARTBEAT_MS),
  });
}

const STREAMS = { stdout: LogStream.LOG_STREAM_STDOUT, stderr: LogStream.LOG_STREAM_STDERR } as const;
const RUNS = { current: RunSelector.RUN_SELECTOR_CURRENT, previous: RunSelector.RUN_SELECTOR_PREVIOUS } as const;
