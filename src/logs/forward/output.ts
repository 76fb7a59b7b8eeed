import { fstatSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { isatty, WriteStream } from 'node:tty';
import { standardError } from '../../process/last-words.js';
import { handleOf } from '../../process/node-handle.js';
import { reopenForWriting } from '../../process/reopen.js';

/** Where the container's output goes, without ever waiting for its reader. */
export interface Output {
  /** Tells one output from another: standard output and error may be the same. */
  readonly identity: string;
  /**
   * Writes the first `length` bytes. True when all of them are taken; else `done` is called later,
   * when the buffer may be used again, which may be never.
   */
  write(buffer: Buffer, length: number, done: () => void): boolean;
  /** How much of the last write has not been taken yet. */
  pendingBytes(): number;
}

/**
 * Standard output or error on a description of our own: O_NONBLOCK on the inherited description
 * would affect every process that shares it, the main command first of all.
 */
export function openOutput(fd: number): Output {
  const { identity, kind } = describe(fd);
  if (kind === 'closed') return { identity, write: () => true, pendingBytes };
  // A file never makes its writer wait, and a second description would have an offset of its own.
  if (kind === 'file') {
    const write = (buffer: Buffer, length: number): boolean => {
      writeSome(fd, buffer.subarray(0, length));
      return true;
    };
    return { identity, write, pendingBytes };
  }
  const own = kind === 'socket' ? fd : reopenForWriting(fd);
  const stream = openStream(own);
  // The stream of a terminal may have opened it once more, and leaves this description blocking.
  const isDirect = !isatty(own);
  let broken = false;
  stream.on('error', () => {
    // The output will never have a reader again: drop everything from now on.
    broken = true;
  });
  stream.unref();
  return {
    identity,
    write: (buffer, length, done) => {
      if (broken) return true;
      const taken = isDirect ? writeNow(own, buffer, length) : 0;
      if (taken < length) stream.write(buffer.subarray(taken, length), () => done());
      return taken === length;
    },
    pendingBytes: () => handleOf(stream)?.writeQueueSize ?? 0,
  };
}

/**
 * Takes `process.stdout` and `process.stderr` out of Node's hands: Node's first look at them
 * (loading node:assert is enough) makes the inherited descriptions non-blocking. The replacements
 * never wait either, and drop what does not fit.
 */
export function shieldStandardStreams(): void {
  for (const [name, fd] of [['stdout', 1] as const, ['stderr', standardError()] as const]) {
    const { kind } = describe(fd);
    const own = kind === 'stream' ? reopenForWriting(fd) : fd;
    const writes = kind === 'file' || own !== fd;
    const value = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        if (writes) writeSome(own, chunk);
        done();
      },
    });
    Object.defineProperty(process, name, { value, configurable: true, enumerable: true });
  }
}

const pendingBytes = (): number => 0;

function openStream(fd: number): Socket {
  if (!isatty(fd)) return new Socket({ fd, readable: false, writable: true });
  const terminal = new WriteStream(fd);
  // A terminal that is stopped with Ctrl-S would stop us.
  handleOf(terminal)?.setBlocking?.(false);
  return terminal;
}

/** As much as there is room for. The stream finds out why there is none. */
function writeNow(fd: number, buffer: Buffer, length: number): number {
  try {
    return writeSync(fd, buffer, 0, length);
  } catch {
    return 0;
  }
}

function writeSome(fd: number, bytes: Buffer): void {
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at);
  } catch {
    // A full disk, or a pipe without room: the store still has it.
  }
}

function describe(fd: number): { readonly identity: string; readonly kind: 'file' | 'socket' | 'stream' | 'closed' } {
  try {
    const stat = fstatSync(fd);
    const identity = `${stat.dev}:${stat.ino}`;
    if (stat.isSocket()) return { identity, kind: 'socket' };
    const waits = stat.isFIFO() || isatty(fd);
    return { identity, kind: waits ? 'stream' : 'file' };
  } catch {
    return { identity: `closed ${fd}`, kind: 'closed' };
  }
}
