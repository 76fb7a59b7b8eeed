import { commandOrder, explainCommand } from '../service-command.js';
import type { ServiceCore } from '../service-context.js';
import type { CheckEnd } from './exec.js';

/** Enough for one line of what a check says. */
const CAPTURE_BYTES = 512;

let count = 0;

/**
 * Runs a check program as the service would run: its user, its directory, its environment. The
 * abort kills it.
 */
export async function runCheck(service: ServiceCore, argv: readonly string[], signal: AbortSignal): Promise<CheckEnd> {
  count += 1;
  const { status, failure, stdout, stderr } = await service.context.host.run(
    commandOrder(service, `check ${service.name} ${count}`, argv),
    { timeoutMs: Number.POSITIVE_INFINITY, stop: signal, graceMs: 0, captureBytes: CAPTURE_BYTES },
  );
  if (failure !== undefined) return { failure: explainCommand(service, argv, failure) };
  return { status, lastLine: lastLineOf(stderr) || lastLineOf(stdout) };
}

const lastLineOf = (text: string): string => text.trimEnd().split('\n').at(-1)?.trim() ?? '';
