import { LogStream, LogsService, RunSelector } from '../../gen/my_init/v1/logs.js';
import type { Context } from './context.js';

/** As many as fit under a line of a table. */
const LINES = 5;
/** They are an extra: nobody waits long for them. */
const TIMEOUT_MS = 2_000;

/**
 * The last lines of each of these services, since a time if it is given. Without the right to read logs, or if they cannot be
 * had for another reason, there are none.
 */
export async function lastLines(
  context: Context,
  names: readonly string[],
  since?: Date,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const lines = new Map<string, string[]>();
  if (names.length === 0) return lines;
  const request = {
    selector: { names: [...names], globs: [], all: false },
    tail: LINES,
    since,
    until: undefined,
    cursor: undefined,
    follow: false,
    stream: LogStream.LOG_STREAM_UNSPECIFIED,
    run: RunSelector.RUN_SELECTOR_UNSPECIFIED,
    grep: '',
    heartbeatInterval: undefined,
  };
  try {
    for await (const { event } of context.stream(LogsService.read, request, { timeoutMs: TIMEOUT_MS })) {
      if (event?.$case !== 'lines') continue;
      for (const { service, text } of event.value.lines)
        lines.set(service, [...(lines.get(service) ?? []), text.toString()]);
    }
  } catch {
    // What was asked for has been answered without them.
  }
  return lines;
}
