import type { ContainerOutput } from '../logs/forward/container-output.js';
import { type InitLink, PROTOCOL } from '../process/init-link.js';
import { installed } from '../process/native.js';
import type { ProcessHost } from '../process/process-host.js';
import { type ProgramEnd, succeeded } from '../process/run-program.js';
import { signalName } from '../process/signals.js';
import { EXIT } from '../settings/exit-codes.js';
import type { Settings } from '../settings/settings.js';
import { VERSION } from '../settings/version.js';
import { SLOTS_VERSION } from '../state/slots.js';
import { OperationError } from '../supervisor/operation-error.js';
import type { Reexec } from '../types/system.js';
import type { ContainerShutdown } from './shutdown/container-shutdown.js';

/** Asks a controller that is started by hand which records it can take over. */
export const COMPATIBILITY = '--compatibility';

/** Node starts in 20 to 200 ms, on a machine that is busy in seconds. */
const ANSWER_MS = 10_000;
/** A line of JSON, or the trace of an error. */
const MAX_ANSWER_BYTES = 16 * 1024;
/** Earlier messages are written first, if somebody reads them; for this long at most. */
const FLUSH_MS = 500;

/** Versions that must match between two controllers and init. */
interface Compatibility {
  readonly version: string;
  readonly protocol: number;
  readonly slots: number;
}

export const ownCompatibility = (): Compatibility => ({ version: VERSION, protocol: PROTOCOL, slots: SLOTS_VERSION });

export interface ReexecDependencies {
  readonly host: ProcessHost;
  readonly link: InitLink;
  readonly settings: Settings;
  readonly output: ContainerOutput;
  readonly shutdown: ContainerShutdown;
  /** From now on no event of a service is acted on, until the returned function is called. */
  standStill(): () => void;
}

/**
 * Prepares the takeover by the program on disk, and tries that program first: init would start a
 * broken one five times, and then end the container. `stopServing` accepts no more clients, without
 * refusing any.
 *
 * @throws OperationError CANNOT_REPLACE, SHUTTING_DOWN
 */
export async function prepareReexec(
  dependencies: ReexecDependencies,
  actor: string,
  stopServing: () => Promise<void>,
): Promise<Pick<Reexec, 'version' | 'leave'>> {
  const { version } = judge(await askProgram(dependencies.host));
  if (dependencies.shutdown.begun) throw new OperationError('SHUTTING_DOWN', 'my_init is shutting down');
  const { messages } = dependencies.settings;
  messages.info(`The controller is replaced by version ${version}, as asked by ${actor}.`);
  return {
    version,
    leave: () => void leave(dependencies, stopServing).catch((error: unknown) => fail(dependencies, error)),
  };
}

/** All that there is to know is on record at every moment: only clients have to be put in order. */
async function leave(
  { output, link, shutdown, standStill }: ReexecDependencies,
  stopServing: () => Promise<void>,
): Promise<void> {
  await output.flush(FLUSH_MS);
  // Clients learn of each change from this controller or from the next.
  const goOn = standStill();
  await stopServing();
  // A container that ends meanwhile is not left alone.
  if (shutdown.begun) {
    goOn();
    return;
  }
  await link.reexec();
  process.exit(EXIT.ok);
}

/** The old controller serves nobody any more: the next one does. */
function fail({ settings }: ReexecDependencies, error: unknown): never {
  settings.messages.error(`The controller could not leave in order: ${String(error)}`);
  process.exit(EXIT.internal);
}

/** The version and compatibility of the program on disk, or why it does not report them. */
async function askProgram(host: ProcessHost): Promise<Compatibility | string> {
  const { PATH = '', TZ } = process.env;
  const end = await host.run(
    {
      purpose: 'compatibility',
      program: process.argv0,
      args: [...process.execArgv, installed('controller.js'), COMPATIBILITY],
      environment: new Map([['PATH', PATH], ...(TZ === undefined ? [] : [['TZ', TZ] as const])]),
      as: 'session',
    },
    { timeoutMs: ANSWER_MS, graceMs: 0, captureBytes: MAX_ANSWER_BYTES },
  );
  return succeeded(end) ? answerIn(end.stdout) : (whyOf(end.stderr) ?? whyNot(end));
}

function answerIn(stdout: string): Compatibility | string {
  try {
    return JSON.parse(stdout) as Compatibility;
  } catch {
    return `it says ${JSON.stringify(stdout.trim().slice(0, 100))}`;
  }
}

function whyNot({ cutShort, status, failure }: ProgramEnd): string {
  if (failure !== undefined) return `it cannot be executed (${failure.stage}: ${failure.code})`;
  if (cutShort !== undefined) return `it does not answer within ${ANSWER_MS / 1000} s`;
  if (status.kind === 'signaled') return `it was killed by SIG${signalName(status.signal)}`;
  return status.kind === 'exited' ? `it ends with code ${status.code}` : 'nobody can say how it ended';
}

/** Of what Node says of a program that it cannot load, the line with the error. */
function whyOf(stderr: string): string | undefined {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  return lines.find((line) => /^\w*Error\b/.test(line)) ?? lines[0];
}

function judge(program: Compatibility | string): Compatibility {
  const own = ownCompatibility();
  if (typeof program === 'string') throw cannot(`the program on disk does not run: ${program}`);
  if (program.protocol !== own.protocol)
    throw cannot(
      `version ${program.version} speaks protocol ${program.protocol} with init, and this init speaks ${own.protocol}: the container has to be started again`,
    );
  if (program.slots < own.slots)
    throw cannot(`version ${program.version} is older and cannot read what this one leaves (slots ${own.slots})`);
  return program;
}

const cannot = (why: string): OperationError => new OperationError('CANNOT_REPLACE', why);
