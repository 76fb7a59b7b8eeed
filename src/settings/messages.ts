import { fstatSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { standardError } from '../process/last-words.js';
import { reopenForWriting } from '../process/reopen.js';
import { printable } from '../text/printable.js';
import { LOG_LEVELS, type LogLevel } from './options.js';

/** A pipe takes this much at once or not at all, pipe(7): no half lines. */
const LINE_BYTES = 4_096;
/**
 * A reader of standard error that is behind this far loses messages: a slow reader must neither
 * hold us up nor fill our memory.
 */
const SOCKET_BUFFER_BYTES = 64 * 1024;

/**
 * my_init's own messages: standard error, a line each, after `*** ` as in baseimage-docker. Never
 * blocks.
 */
export class Messages {
  #level: LogLevel = 'info';
  readonly #fd: () => number;
  #writer: { readonly fd: number; readonly write: (line: string) => boolean } | undefined;
  #keep: ((line: string) => void) | undefined;
  #lost = 0;

  constructor(fd: () => number = standardError) {
    this.#fd = fd;
  }

  /**
   * From now on messages are kept in a log, which brings them to standard error; undefined: not any
   * more.
   */
  keepIn(log: ((line: string) => void) | undefined): void {
    this.#keep = log;
  }

  set level(level: LogLevel) {
    this.#level = level;
  }

  error(text: string): void {
    this.say('error', text);
  }

  warn(text: string): void {
    this.say('warn', text);
  }

  info(text: string): void {
    this.say('info', text);
  }

  debug(text: string): void {
    this.say('debug', text);
  }

  /** Says it where it is important enough for the chosen level. */
  say(level: LogLevel, text: string): void {
    if (LOG_LEVELS.indexOf(level) > LOG_LEVELS.indexOf(this.#level)) return;
    if (this.#keep !== undefined) {
      for (const line of text.split('\n')) this.#keep(`*** ${fitting(line)}`);
      return;
    }
    if (this.#lost > 0 && this.#write(`*** ${this.#lost} messages were lost: nobody read standard error\n`))
      this.#lost = 0;
    for (const line of text.split('\n')) if (this.#lost > 0 || !this.#write(`*** ${fitting(line)}\n`)) this.#lost++;
  }

  /** Standard error is not always the same descriptor. */
  #write(line: string): boolean {
    const fd = this.#fd();
    if (this.#writer?.fd !== fd) this.#writer = { fd, write: writer(fd) };
    return this.#writer.write(line);
  }
}

/**
 * Safe on a terminal, since names and paths may hold control characters, and short enough for one
 * write.
 */
function fitting(line: string): string {
  const clean = printable(line);
  const fits = LINE_BYTES - '*** \n'.length;
  return Buffer.byteLength(clean) <= fits
    ? clean
    : `${Buffer.from(clean)
        .subarray(0, fits - 8)
        .toString('utf8')}...`;
}

/**
 * A file is used directly: it never makes its writer wait, and a second description would have an
 * offset of its own. Pipes and terminals are opened again for a description of our own, because
 * O_NONBLOCK on the inherited one would affect every process that shares it. A socket cannot be
 * opened again, and goes through a buffer with a limit.
 */
function writer(fd: number): (line: string) => boolean {
  const kind = statOrNothing(fd);
  if (kind?.isSocket()) {
    const socket = new Socket({ fd, readable: false, writable: true });
    socket.on('error', () => {});
    socket.unref();
    return (line) => {
      if (socket.writableLength > SOCKET_BUFFER_BYTES) return false;
      socket.write(line);
      return true;
    };
  }
  const own = kind?.isFile() ? fd : reopenForWriting(fd);
  return (line) => {
    try {
      writeSync(own, line);
      return true;
    } catch (error) {
      // Where standard error is closed, nothing is lost.
      return (error as NodeJS.ErrnoException).code !== 'EAGAIN';
    }
  };
}

function statOrNothing(fd: number) {
  try {
    return fstatSync(fd);
  } catch {
    return undefined;
  }
}
