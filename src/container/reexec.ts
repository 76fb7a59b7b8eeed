import { type ExecFileException, execFile } from 'node:child_process';
import { PROTOCOL } from '../process/init-link.js';
import { installed } from '../process/native.js';
import { EXIT } from '../settings/exit-codes.js';
import { VERSION } from '../settings/version.js';
import { SLOTS_VERSION } from '../state/slots.js';
import { OperationError } from '../types/service.js';
import type { Reexec } from '../types/system.js';
import type { Container } from './container.js';

/** Asks a controller that is started by hand what it can take over. */
export const COMPATIBILITY = '--compatibility';

/** Node starts in 20 to 200 ms, on a machine that is busy in seconds. */
const ANSWER_MS = 10_000;
/** What was said until now is to be written, where somebody reads it. */
const FLUSH_MS = 500;

/** What has to fit between two controllers and init. */
interface Compatibility {
  readonly version: string;
  readonly protocol: number;
  readonly slots: number;
}

export const ownCompatibility = (): Compatibility => ({ version: VERSION, protocol: PROTOCOL, slots: SLOTS_VERSION });

/**
 * Prepares that the program on disk takes over. It is asked first whether it can: one that cannot even be started would be started
 * five times, and then the container would end. `stopServing` takes no more clients, without refusing any.
 *
 * @throws OperationError CANNOT_REPLACE, SHUTTING_DOWN
 */
export async function prepareReexec(
  container: Container,
  actor: string,
  stopServing: () => Promise<void>,
): Promise<Reexec> {
  const { version } = judge(await askProgram());
  if (container.ending.begun) throw new OperationError('SHUTTING_DOWN', 'my_init is shutting down');
  const { messages } = container.settings;
  messages.info(`The controller is replaced by version ${version}, as asked by ${actor}.`);
  return {
    version,
    leave: () => void leave(container, stopServing).catch((error: unknown) => fail(container, error)),
  };
}

/** All that there is to know is on record at every moment: only clients have to be put in order. */
async function leave({ output, link, ending }: Container, stopServing: () => Promise<void>): Promise<void> {
  await stopServing();
  await output.flush(FLUSH_MS);
  // A container that ends meanwhile is not left alone.
  if (ending.begun) return;
  await link.reexec();
  process.exit(EXIT.ok);
}

/** It serves nobody any more: the next one does. */
function fail({ settings }: Container, error: unknown): never {
  settings.messages.error(`The controller could not leave in order: ${String(error)}`);
  process.exit(EXIT.internal);
}

/** What the program on disk says of itself, or why it says nothing. Nothing is loaded for it: what this program was loaded from may be gone. */
function askProgram(): Promise<Compatibility | string> {
  const { PATH = '', TZ } = process.env;
  const words = [...process.execArgv, installed('controller.js'), COMPATIBILITY];
  const options = {
    env: { PATH, ...(TZ !== undefined && { TZ }) },
    timeout: ANSWER_MS,
    killSignal: 'SIGKILL',
  } as const;
  return new Promise((resolve) => {
    const program = execFile(process.argv0, words, options, (error, stdout, stderr) =>
      resolve(error === null ? answerIn(stdout) : (whyOf(stderr) ?? whyNot(error))),
    );
    program.stdin?.end();
  });
}

function answerIn(stdout: string): Compatibility | string {
  try {
    return JSON.parse(stdout) as Compatibility;
  } catch {
    return `it says ${JSON.stringify(stdout.trim().slice(0, 100))}`;
  }
}

function whyNot({ killed, signal, code, message }: ExecFileException): string {
  if (killed) return `it does not answer within ${ANSWER_MS / 1000} s`;
  if (signal) return `it was killed by ${signal}`;
  return typeof code === 'number' ? `it ends with code ${code}` : message;
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
