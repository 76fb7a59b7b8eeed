import type { ServerWritableStream } from '@grpc/grpc-js';
import {
  type LogMarker,
  LogMarkerKind,
  LogStream,
  LogsService,
  type ReadRequest,
  ReadResponse,
  RunSelector,
} from '../../gen/my_init/v1/logs.js';
import { CursorError } from '../logs/read/cursor.js';
import { PatternError } from '../logs/read/pattern/syntax.js';
import { LogReader, type ReadOptions, type ReadResult } from '../logs/read/reader.js';
import type { Stream } from '../logs/store/cri.js';
import { matchesGlob } from '../text/glob.js';
import type { LogSources, Marker } from '../types/logs.js';
import type { Selector, ServiceControl } from '../types/operations.js';
import type { Access } from './access.js';
import type { Calls } from './call.js';
import { ApiError, badArgument } from './errors.js';
import { heartbeatOf, selectorOf } from './from-proto.js';
import { LineEncoder } from './log-lines.js';
import { expanded, matcherOf } from './selector.js';
import { exitStatusFields } from './to-proto.js';

type ReadCall = ServerWritableStream<ReadRequest, Buffer>;

/**
 * `my_init.v1.Logs`, whose answers come encoded: one object for each line would cost more than all
 * the rest.
 */
export const logsService = {
  read: { ...LogsService.read, responseSerialize: (message: Buffer): Buffer => message },
} as const;

interface Sources {
  readonly logs: LogSources;
  /** Says whether there is a service, and which name was meant when not. */
  readonly control: ServiceControl;
}

/** Serves the log to clients with full access: the log may hold secrets. */
export function logsServer(sources: Sources, calls: Calls, access: Access) {
  return {
    read: calls.stream((call: ReadCall) => {
      requireReadersAccess(access, call.getPeer());
      return sendLogs(call, readerFor(call.request, sources), (error) => calls.fail(call, error));
    }),
  };
}

/**
 * Sends the lines of the reader, one message at a time: until the client has read the last one,
 * nothing more is read and nothing is kept.
 *
 * @returns the function that ends the call
 */
function sendLogs(call: ReadCall, reader: LogReader, fail: (error: unknown) => void): () => void {
  const heartbeatMs = heartbeatOf(call.request);
  const encoder = new LineEncoder();
  let [writing, scheduled, ended] = [false, false, false];

  const send = (message: Buffer) => {
    writing = true;
    heartbeat.refresh();
    call.write(message, () => {
      writing = false;
      schedule();
    });
  };

  const sendEvent = (event: ReadResponse['event']) => send(messageOf(event, reader));

  const sendResult = (result: ReadResult) => {
    switch (result.kind) {
      case 'lines':
        return send(encoder.finish(messageOf(undefined, reader)));
      case 'gap': {
        const { lines, bytes } = result.loss;
        return sendEvent({ $case: 'gap', value: { service: result.name, lines: BigInt(lines), bytes: BigInt(bytes) } });
      }
      case 'marker':
        return sendEvent({ $case: 'marker', value: markerMessage(result.name, result.marker) });
      case 'caught_up':
        return sendEvent({ $case: 'caughtUp', value: {} });
      case 'busy':
        return schedule();
      case 'idle':
        return;
      case 'end':
        stop();
        call.end();
        return;
      default:
        return result satisfies never;
    }
  };

  const goOn = () => {
    scheduled = false;
    if (ended || writing) return;
    try {
      sendResult(reader.next(encoder));
    } catch (error) {
      stop();
      fail(error);
    }
  };

  /** In a turn of its own: others have theirs, and many appends become one message. */
  const schedule = () => {
    if (scheduled || writing || ended) return;
    scheduled = true;
    setImmediate(goOn);
  };

  const heartbeat = setInterval(() => {
    if (!writing) sendEvent({ $case: 'heartbeat', value: { time: new Date() } });
  }, heartbeatMs);

  const stop = () => {
    ended = true;
    clearInterval(heartbeat);
    reader.close();
  };

  reader.subscribe(schedule);
  schedule();
  return stop;
}

/** With the cursors of those services whose place has changed. */
function messageOf(event: ReadResponse['event'], reader: LogReader): Buffer {
  const cursors = reader.changedCursors();
  const cursor = cursors.size === 0 ? undefined : { services: Object.fromEntries(cursors) };
  return Buffer.from(ReadResponse.encode({ event, cursor }).finish());
}

/** @throws ApiError READ_ONLY_ACCESS */
function requireReadersAccess(access: Access, actor: string): void {
  if (access === 'full') return;
  const who = "root, my_init's own user and the members of the socket's group";
  throw new ApiError('READ_ONLY_ACCESS', `${actor} may not read logs, which may hold secrets: only ${who} may`, {
    actor,
  });
}

function optionsOf(request: ReadRequest, sources: Sources): ReadOptions {
  const { tail, since, until, follow, grep } = request;
  const cursors = request.cursor === undefined ? undefined : new Map(Object.entries(request.cursor.services));
  const stream = STREAMS[request.stream];
  const run = RUNS[request.run];
  if (stream === undefined) throw badArgument('stream', 'must be STDOUT or STDERR, or unset');
  if (run === undefined) throw badArgument('run', 'must be CURRENT or PREVIOUS, or unset');
  if (cursors !== undefined && tail !== undefined) throw badArgument('tail', 'a cursor says where to begin already');
  if (follow && until !== undefined) throw badArgument('until', 'nothing is to be followed before a time');
  if (follow && run === 'previous')
    throw badArgument('run', 'the previous run says nothing new that could be followed');
  return {
    selected: selectedBy(selectorOf(request.selector), sources),
    follow,
    ...(tail !== undefined && { tail }),
    ...(since !== undefined && { sinceMs: timeOf(since, 'since') }),
    ...(until !== undefined && { untilMs: timeOf(until, 'until') }),
    ...(stream !== 'both' && { stream }),
    ...(run !== 'all' && { run }),
    ...(grep !== '' && { grep }),
    ...(cursors !== undefined && { cursors }),
  };
}

const STREAMS: Readonly<Record<number, 'both' | Stream>> = {
  [LogStream.LOG_STREAM_UNSPECIFIED]: 'both',
  [LogStream.LOG_STREAM_STDOUT]: 'stdout',
  [LogStream.LOG_STREAM_STDERR]: 'stderr',
};

const RUNS: Readonly<Record<number, 'all' | 'current' | 'previous'>> = {
  [RunSelector.RUN_SELECTOR_UNSPECIFIED]: 'all',
  [RunSelector.RUN_SELECTOR_CURRENT]: 'current',
  [RunSelector.RUN_SELECTOR_PREVIOUS]: 'previous',
};

const MARKERS: Readonly<Record<Marker['kind'], LogMarkerKind>> = {
  started: LogMarkerKind.LOG_MARKER_KIND_STARTED,
  ready: LogMarkerKind.LOG_MARKER_KIND_READY,
  exited: LogMarkerKind.LOG_MARKER_KIND_EXITED,
};

function markerMessage(service: string, { kind, time, run, runId, status }: Marker): LogMarker {
  const at = new Date(time);
  const exit =
    status === undefined ? undefined : { run, at, runSeconds: 0, expected: false, ...exitStatusFields(status) };
  return { service, kind: MARKERS[kind], time: at, run, runId, exit };
}

/** @throws ApiError INVALID_ARGUMENT: a date that Date does not have */
function timeOf(date: Date, field: string): number {
  const ms = date.getTime();
  if (Number.isNaN(ms)) throw badArgument(field, 'is no time');
  return ms;
}

/** @throws OperationFailure SERVICE_NOT_FOUND, NO_MATCH: neither a source nor a service */
function selectedBy(selector: Selector, { logs, control }: Sources): (name: string) => boolean {
  const unknown = {
    names: selector.names.filter((name) => logs.get(name) === undefined),
    globs: selector.globs.filter((glob) => !logs.list().some(({ name }) => matchesGlob(glob, name))),
    all: false,
  };
  // A service without a log yet will have one.
  if (unknown.names.length === 0 && unknown.globs.length === 0) return matcherOf(selector);
  const known = expanded(unknown, control);
  const names = selector.names.filter((name) => !unknown.names.includes(name));
  return matcherOf({ ...selector, names: [...names, ...known.names], globs: [...selector.globs, ...known.globs] });
}

/** @throws OperationFailure, ApiError */
function readerFor(request: ReadRequest, sources: Sources): LogReader {
  try {
    return new LogReader(sources.logs, optionsOf(request, sources));
  } catch (error) {
    if (error instanceof PatternError) throw badArgument('grep', error.message);
    if (!(error instanceof CursorError)) throw error;
    if (error.kind === 'boot') throw new ApiError('BOOT_CHANGED', error.message);
    throw badArgument('cursor', error.message);
  }
}
