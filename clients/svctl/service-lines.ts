import { logBatches } from '../typescript/src/index.js';
import type { Context } from './context.js';

/** As many as fit under a line of a table. */
const LINES = 5;
/** The lines are an extra: nobody waits long for them. */
const TIMEOUT_MS = 2_000;

/**
 * The last lines of each of these services, since a time if it is given. Without the right to read
 * logs, or if they cannot be had for another reason, there are none.
 */
export async function serviceLines(
  context: Context,
  names: readonly string[],
  { since, tail = LINES }: { readonly since?: Date | undefined; readonly tail?: number } = {},
): Promise<ReadonlyMap<string, readonly string[]>> {
  const lines = new Map<string, string[]>();
  if (names.length === 0) return lines;
  const options = { tail, since, signal: AbortSignal.timeout(TIMEOUT_MS) };
  try {
    for await (const { event } of logBatches(context.connection, names, options)) {
      if (event?.$case !== 'lines') continue;
      for (const { service, text } of event.value.lines)
        lines.set(service, [...(lines.get(service) ?? []), text.toString()]);
    }
  } catch {
    // The question has been answered without them.
  }
  return lines;
}
