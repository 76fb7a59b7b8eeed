import { accessSync, closeSync, constants, openSync, readFileSync, readSync, realpathSync, statSync } from 'node:fs';
import { printable } from '../text/printable.js';
import { danglingLink } from './dangling-link.js';

/** The kernel reads no more of a `#!` line, execve(2). */
const SHEBANG_BYTES = 256;

/** The reason why the kernel cannot execute a program. */
export interface ProgramFault {
  /** Stable: `not-executable`, `no-interpreter-line`, `crlf`. */
  readonly id: string;
  /** The text that follows the path of the program: `permission denied`. */
  readonly message: string;
  /** The remedy; '' if there is none. */
  readonly remedy: string;
}

/**
 * Why the kernel would not execute a program, and what to do about it; undefined when nothing
 * speaks against it.
 */
export function checkProgram(path: string): string | undefined {
  const fault = programFault(path);
  return fault && `${path}: ${fault.message}${fault.remedy === '' ? '' : ` (${fault.remedy})`}`;
}

/**
 * The same in parts. `execve` says ENOENT for a missing file, a missing interpreter and a carriage
 * return alike: this function tells them apart. `locate` returns the place of a path on this
 * machine, which differs for another root.
 */
export function programFault(
  path: string,
  locate: (path: string) => string = (same) => same,
): ProgramFault | undefined {
  const file = locate(path);
  try {
    const stat = statSync(file);
    if (stat.isDirectory()) return fault('not-a-program', 'is a directory, a program is needed');
    if (!stat.isFile()) return fault('not-a-program', 'is not a regular file');
    accessSync(file, constants.X_OK);
  } catch (error) {
    return describe(path, file, error);
  }
  const start = readStart(path, file);
  if ('id' in start) return start;
  const { bytes } = start;
  if (bytes === undefined || isBinary(bytes)) return undefined;
  if (bytes.length === 0) return fault('empty', 'is empty', 'it needs a first line like #!/bin/sh');
  const line = bytes.toString('latin1').split('\n', 1)[0] ?? '';
  if (!line.startsWith('#!'))
    return fault('no-interpreter-line', 'has no interpreter line', 'its first line must be like #!/bin/sh');
  if (line.endsWith('\r'))
    return fault('crlf', 'has Windows line ends, CRLF', `remove them: sed -i 's/\\r$//' ${path}`);
  const interpreter = line.slice(2).trim().split(/[ \t]/, 1)[0] ?? '';
  return interpreterFault(interpreter, locate);
}

const fault = (id: string, message: string, remedy = ''): ProgramFault => ({ id, message, remedy });

function interpreterFault(interpreter: string, locate: (path: string) => string): ProgramFault | undefined {
  if (interpreter === '') return fault('no-interpreter', 'names no interpreter after #!');
  const shown = printable(interpreter);
  try {
    const file = locate(interpreter);
    if (!statSync(file).isFile()) return fault('no-interpreter', `its interpreter ${shown} is not a regular file`);
    accessSync(file, constants.X_OK);
    return undefined;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT')
      return fault(
        'no-interpreter',
        `its interpreter ${shown} ${danglingLink(locate(interpreter)) ?? 'does not exist'}`,
      );
    return fault('no-interpreter', `its interpreter ${shown} cannot be executed (${code})`);
  }
}

/**
 * The first bytes; undefined when they may not be read, which does not keep the kernel from
 * executing a binary.
 */
function readStart(path: string, file: string): { readonly bytes: Buffer | undefined } | ProgramFault {
  let fd: number;
  try {
    fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? { bytes: undefined } : describe(path, file, error);
  }
  try {
    const buffer = Buffer.alloc(SHEBANG_BYTES);
    return { bytes: buffer.subarray(0, readSync(fd, buffer, 0, SHEBANG_BYTES, 0)) };
  } catch (error) {
    return describe(path, file, error);
  } finally {
    closeSync(fd);
  }
}

/** ELF, or something of binfmt_misc: not for us to judge. */
const isBinary = (start: Buffer): boolean => start.length > 0 && (start[0] === 0x7f || start.includes(0));

function describe(path: string, file: string, error: unknown): ProgramFault {
  const code = (error as NodeJS.ErrnoException).code;
  switch (code) {
    case 'ENOENT':
      return fault('missing', danglingLink(file) ?? 'does not exist');
    case 'EACCES':
      return denied(path, file);
    case 'ELOOP':
      return fault('missing', 'is a link that leads in a circle');
    default:
      return fault('unreadable', code ?? String(error));
  }
}

/**
 * Where an x bit is set and access(2) still says no, the mount or a directory on the way forbids
 * it.
 */
function denied(path: string, file: string): ProgramFault {
  const forbidden = (remedy: string): ProgramFault => fault('not-executable', 'permission denied', remedy);
  try {
    const mode = statSync(file).mode & 0o111;
    if (mode === 0) return forbidden(`make it executable: chmod +x ${path}`);
    if (isNoExec(file))
      return fault(
        'noexec',
        'is on a file system that is mounted noexec',
        'mount it without noexec, or keep the program elsewhere',
      );
    return forbidden(
      mode === 0o111 ? 'a security module may forbid it' : `only some users may execute it: chmod a+x ${path}`,
    );
  } catch {
    return forbidden('a directory on the way may not be searched: chmod a+x');
  }
}

/**
 * Whether the mount of a file has the option noexec, proc(5): the last mount whose directory is a
 * prefix of its path.
 */
function isNoExec(path: string): boolean {
  const real = realpathSync(path);
  const mounts = readFileSync('/proc/self/mountinfo', 'latin1')
    .split('\n')
    .map((line) => line.split(' '));
  let options = '';
  let longest = 0;
  for (const [, , , , encoded = '', each = ''] of mounts) {
    const directory = encoded.replace(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    );
    const isAbove = directory === '/' || real === directory || real.startsWith(`${directory}/`);
    if (!isAbove || directory.length < longest) continue;
    longest = directory.length;
    options = each;
  }
  return options.split(',').includes('noexec');
}
