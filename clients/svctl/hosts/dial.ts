import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { cancelled, MyInitError, openSocket } from '../../typescript/src/index.js';
import { ExitCode } from '../exit-code.js';
import { Problem } from '../problem.js';
import { GREETING, Link } from './link.js';
import { nameOf, type Single } from './target.js';
import { endWords, SvctlMissing, toolProblem } from './tool-error.js';
import { type CommandLine, dialCommand, SVCTL_PATHS } from './transport.js';

/** The first word of svctl inside may wait for a slow link and a slow start of Node. */
export const HANDSHAKE_MS = 20_000;
/** A shell's banner may come first; more than this is no svctl. */
const MAX_NOISE_BYTES = 64 * 1024;
/** How long a tool may take to end after the link has. */
const END_MS = 2_000;
/** The words of a tool come a moment after the end of its output. */
const LAST_WORDS_MS = 1_000;
const MAX_WORDS = 4_000;

/** Connects to the my_init of a target. Throws {@link MyInitError}. */
export async function dial(target: Single, handshakeMs: number, signal?: AbortSignal): Promise<Duplex> {
  if (target.kind === 'socket') return openSocket(target.path, signal);
  const host = nameOf(target);
  let missing: unknown;
  for (const svctl of SVCTL_PATHS) {
    const command = dialCommand(target, svctl);
    if (command === undefined) break;
    try {
      return await started(host, command, handshakeMs, signal);
    } catch (error) {
      if (!(error instanceof SvctlMissing)) throw unreachable(host, error);
      missing = error;
    }
  }
  throw unreachable(host, missing);
}

/** A link that was cut is dialled again: the library tells by the reason. */
function unreachable(host: string, error: unknown): unknown {
  if (!(error instanceof Problem)) return error;
  return new MyInitError('UNREACHABLE', error.message, { metadata: { address: host }, cause: error });
}

async function started(
  host: string,
  [program, ...args]: CommandLine,
  handshakeMs: number,
  signal: AbortSignal | undefined,
): Promise<Duplex> {
  if (signal?.aborted) throw cancelled(signal);
  // The child ends with its input. Killed at svctl's exit, it would not deliver the last frame.
  const child = execa(program, args, {
    stdin: 'pipe',
    buffer: false,
    reject: false,
    stripFinalNewline: false,
    cleanup: false,
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-MAX_WORDS);
  });
  child.stdin.on('error', () => undefined);
  // Something that the tool started may keep its output open.
  child.once('exit', () => setTimeout(() => child.stdout.destroy(), LAST_WORDS_MS).unref());
  const ended = child.then(({ code, exitCode, originalMessage }) => {
    const end = { host, program, code: exitCode, said };
    if (code === undefined) return { words: endWords(end), problem: toolProblem(end) };
    const why = code === 'ENOENT' ? `${program} is not installed here` : (originalMessage ?? code);
    return { words: why, problem: new Problem(ExitCode.unreachable, `cannot reach ${host}: ${why}`) };
  });
  const whyCut = async (): Promise<string> => {
    const end = await Promise.race([ended, delay(LAST_WORDS_MS, undefined, { ref: false })]);
    return `the link to ${host} was cut${end === undefined ? '' : ` (${end.words})`}`;
  };
  const letGo = (): void => {
    child.unref();
    child.stdout.destroy();
    child.stderr.destroy();
  };
  try {
    await greeted(child.stdout, { host, program, limitMs: handshakeMs, signal, ended });
  } catch (error) {
    child.kill('SIGKILL');
    letGo();
    throw error;
  }
  const link = new Link(child.stdout, child.stdin, { whyCut });
  link.once('close', () => {
    setTimeout(() => child.kill('SIGKILL'), END_MS).unref();
    // svctl does not wait for it.
    letGo();
  });
  return link;
}

interface Handshake {
  readonly host: string;
  readonly program: string;
  readonly limitMs: number;
  readonly signal: AbortSignal | undefined;
  readonly ended: Promise<{ readonly problem: Problem }>;
}

/**
 * Resolves when svctl at the other end has a connection to my_init. Throws {@link Problem}, or
 * {@link MyInitError} when the caller gives up.
 */
function greeted(
  output: NodeJS.ReadableStream & { unshift(chunk: Buffer): void },
  { host, program, limitMs, signal, ended }: Handshake,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    let settled = false;
    const settle = (error?: Error): void => {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      output.off('data', look);
      output.pause();
      if (error === undefined) resolve();
      else reject(error);
    };
    const abort = (): void => settle(cancelled(signal));
    signal?.addEventListener('abort', abort);
    const timer = setTimeout(() => {
      const message = `cannot reach ${host}: ${program} gave no answer within ${limitMs / 1000} s`;
      settle(new Problem(ExitCode.timedOut, message));
    }, limitMs);
    const look = (chunk: Buffer): void => {
      received = Buffer.concat([received, chunk]);
      const at = received.indexOf(GREETING);
      if (at >= 0) {
        settle();
        const rest = received.subarray(at + GREETING.length);
        if (rest.length > 0) output.unshift(rest);
      } else if (received.length > MAX_NOISE_BYTES) {
        settle(new Problem(ExitCode.unreachable, `cannot reach ${host}: the program that answered is not svctl`));
      }
    };
    output.on('data', look);
    void ended.then(({ problem }) => settle(problem));
  });
}
