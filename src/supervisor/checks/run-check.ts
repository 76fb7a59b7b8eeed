import { serviceEnvironment } from '../definition/environment.js';
import { explainLaunch } from '../explain-launch.js';
import type { ServiceCore } from '../service-context.js';
import type { CheckEnd } from './exec.js';

/** Enough for one line of what a check says. */
const CAPTURE_BYTES = 512;

let count = 0;

/** Runs a check program as the service would run: its user, its directory, its environment. The abort kills it. */
export async function runCheck(
  { name, context, definition }: ServiceCore,
  argv: readonly string[],
  signal: AbortSignal,
): Promise<CheckEnd> {
  const { execution } = definition;
  const [program = '', ...args] = argv;
  count += 1;
  const { status, failure, stdout, stderr } = await context.host.run(
    {
      purpose: `check ${name} ${count}`,
      program,
      args,
      searchPath: true,
      directory: execution.workingDirectory ?? definition.directory ?? '/',
      environment: serviceEnvironment(definition, context.environment()),
      as: 'session',
      identity: execution,
    },
    { timeoutMs: Number.POSITIVE_INFINITY, stop: signal, graceMs: 0, captureBytes: CAPTURE_BYTES },
  );
  if (failure !== undefined)
    return { failure: explainLaunch({ ...definition, command: { kind: 'argv', argv } }, failure) };
  return { status, lastLine: lastLineOf(stderr) || lastLineOf(stdout) };
}

const lastLineOf = (text: string): string => text.trimEnd().split('\n').at(-1)?.trim() ?? '';
