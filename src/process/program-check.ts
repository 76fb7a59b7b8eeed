import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs';
import { printable } from '../text/printable.js';

/** The kernel reads no more of a `#!` line, execve(2). */
const SHEBANG_BYTES = 256;

/**
 * Why the kernel would not execute a program, and what to do about it; undefined when nothing speaks against it.
 * `execve` says ENOENT for a missing file, a missing interpreter and a carriage return alike: here they are told apart.
 */
export function checkProgram(path: string): string | undefined {
  try {
    const stat = statSync(path);
    if (stat.isDirectory()) return `${path}: is a directory, a program is needed`;
    if (!stat.isFile()) return `${path}: is not a regular file`;
    accessSync(path, constants.X_OK);
  } catch (error) {
    return describe(path, error);
  }
  const start = readStart(path);
  if (typeof start === 'string') return start;
  if (start === undefined || isBinary(start)) return undefined;
  if (start.length === 0) return `${path}: is empty (it needs a first line like #!/bin/sh)`;
  const line = start.toString('latin1').split('\n', 1)[0] ?? '';
  if (!line.startsWith('#!')) return `${path}: has no interpreter line (its first line must be like #!/bin/sh)`;
  if (line.endsWith('\r')) return `${path}: has Windows line ends, CRLF (remove them: sed -i 's/\\r$//' ${path})`;
  const interpreter = line.slice(2).trim().split(/[ \t]/, 1)[0] ?? '';
  return checkInterpreter(path, interpreter);
}

function checkInterpreter(path: string, interpreter: string): string | undefined {
  if (interpreter === '') return `${path}: names no interpreter after #!`;
  try {
    if (!statSync(interpreter).isFile())
      return `${path}: its interpreter ${printable(interpreter)} is not a regular file`;
    accessSync(interpreter, constants.X_OK);
    return undefined;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') return `${path}: its interpreter ${printable(interpreter)} does not exist`;
    return `${path}: its interpreter ${printable(interpreter)} cannot be executed (${code})`;
  }
}

/** The first bytes; undefined when they may not be read, which does not keep the kernel from executing a binary. */
function readStart(path: string): Buffer | string | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? undefined : describe(path, error);
  }
  try {
    const buffer = Buffer.alloc(SHEBANG_BYTES);
    return buffer.subarray(0, readSync(fd, buffer, 0, SHEBANG_BYTES, 0));
  } catch (error) {
    return describe(path, error);
  } finally {
    closeSync(fd);
  }
}

/** ELF, or something of binfmt_misc: not for us to judge. */
const isBinary = (start: Buffer): boolean => start.length > 0 && (start[0] === 0x7f || start.includes(0));

function describe(path: string, error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  switch (code) {
    case 'ENOENT':
      return `${path}: does not exist`;
    case 'EACCES':
      return `${path}: permission denied (make it executable: chmod +x ${path})`;
    case 'ELOOP':
      return `${path}: is a link that leads in a circle`;
    default:
      return `${path}: ${code ?? String(error)}`;
  }
}
