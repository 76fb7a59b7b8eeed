import type { Environment } from '../process/environment.js';
import type { ProcessOutput, SpawnOrder } from '../process/process-host.js';
import type { ProgramEnd } from '../process/run-program.js';
import { serviceEnvironment } from './definition/environment.js';
import { describeExit } from './describe-exit.js';
import { explainLaunch } from './explain-launch.js';
import { pidOf } from './machine.js';
import type { ServiceCore } from './service-context.js';

/**
 * A program that runs as the service would run: its user, its directory, its environment, and
 * MAINPID as with systemd.
 */
export function commandOrder(
  { context, definition, machine }: ServiceCore,
  purpose: string,
  argv: readonly string[],
  output?: ProcessOutput,
): SpawnOrder {
  const { execution } = definition;
  const [program = '', ...args] = argv;
  const environment: Environment = new Map([
    ...serviceEnvironment(definition, context.environment()),
    ['MAINPID', String(pidOf(machine))],
  ]);
  return {
    purpose,
    program,
    args,
    searchPath: true,
    directory: execution.workingDirectory ?? definition.directory ?? '/',
    environment,
    as: 'session',
    identity: execution,
    output,
  };
}

/** Why such a program could not be executed. */
export const explainCommand = (
  { definition }: ServiceCore,
  argv: readonly string[],
  failure: NonNullable<ProgramEnd['failure']>,
): string => explainLaunch({ ...definition, command: { kind: 'argv', argv } }, failure);

let reloads = 0;

/**
 * Runs the command of `reload`; its output is in the log of the service. Resolves to why that
 * failed, if it did.
 */
export async function runReload(service: ServiceCore, argv: readonly string[]): Promise<string | undefined> {
  const { name, context, definition } = service;
  const program = argv[0] ?? '';
  reloads += 1;
  try {
    const order = commandOrder(service, `reload ${name} ${reloads}`, argv, context.output());
    const { status, failure, cutShort } = await context.host.run(order, { timeoutMs: definition.scriptTimeoutMs });
    if (failure !== undefined) return explainCommand(service, argv, failure);
    if (cutShort !== undefined) return `${program}: did not end in time and was killed`;
    return status.kind === 'exited' && status.code === 0 ? undefined : `${program} ${describeExit(status)}`;
  } catch (error) {
    return (error as Error).message;
  }
}
