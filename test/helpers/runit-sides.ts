import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Ended, run, TestContainer } from './container.js';
import { shapeOf, sv } from './sv.js';

/** The label of a second of TAI64, less the ten seconds that TAI was ahead of UTC in 1970. */
const TAI64_OF_EPOCH = 2n ** 62n + 10n;

/** A file's content by its path; one that begins with `#!` is made executable. */
export type Files = Readonly<Record<string, string>>;

/** Something that supervises service directories: runit's own programs, or my_init. */
export interface Side {
  readonly services: string;
  /** Runs a command in the namespace of the services. */
  exec(...command: readonly string[]): Promise<Ended>;
  dispose(): Promise<void>;
}

/** my_init as PID 1 of a namespace. */
export const ours = (services: Readonly<Record<string, Files>>): Promise<TestContainer> =>
  TestContainer.boot({ services, args: ['--finish-timeout', '0'] });

/** runsvdir(8) of Debian as PID 1 of a namespace. */
export class Runsvdir implements Side {
  readonly services: string;
  readonly #process: ChildProcess;
  readonly #exit: Promise<unknown>;

  constructor(services: Readonly<Record<string, Files>>) {
    this.services = join(mkdtempSync('/tmp/my_init-runit-'), 'service');
    for (const [name, files] of Object.entries(services))
      for (const [path, content] of Object.entries(files)) write(join(this.services, name, path), content);
    const namespace = ['--mount', '--pid', '--fork', '--mount-proc', '--kill-child'];
    this.#process = spawn('unshare', [...namespace, 'runsvdir', '-P', this.services], { stdio: 'ignore' });
    this.#exit = new Promise((resolve) => this.#process.once('exit', resolve));
  }

  exec(...command: readonly string[]): Promise<Ended> {
    return run('nsenter', ['--target', String(this.#pid), '--pid', '--mount', '--', ...command]);
  }

  /** As the test sees it. */
  get #pid(): number {
    return Number(readFileSync(`/proc/${this.#process.pid}/task/${this.#process.pid}/children`, 'utf8'));
  }

  async dispose(): Promise<void> {
    // PID 1 is gone when all others of its namespace are, and unshare waits for it.
    process.kill(this.#pid, 'SIGKILL');
    await this.#exit;
    rmSync(dirname(this.services), { recursive: true, force: true, maxRetries: 20 });
  }
}

function write(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content, { mode: content.startsWith('#!') ? 0o755 : 0o644 });
}

/** The visible state of a service, without asking anybody. */
export interface Seen {
  /** The pid of `run` or `finish`, in the namespace of the service; 0 when there is none. */
  readonly pid: number;
  /** The process takes signals. */
  readonly takesSignals: boolean;
  /** The content of `supervise/stat`. */
  readonly stat: string;
  /**
   * The content of `supervise/status`, without the time and the number of the process: `pid
   * paused=0 want=u term=0 state=1`.
   */
  readonly status: string;
  /** Since when, in seconds since 1970: what sv(8) compares with its own time. */
  readonly since: number;
  /** The notes that its programs write. */
  readonly trace: string;
}

/**
 * Looks at a service. `status` comes first: if the rest has changed since, that process is gone.
 */
export function see(side: Side, name: string): Seen {
  const directory = join(side.services, name);
  const bytes = Buffer.from(read(join(directory, 'supervise/status'), 'latin1'), 'latin1');
  const since = bytes.length === 20 ? Number(bytes.readBigUInt64BE(0) - TAI64_OF_EPOCH) : 0;
  const pid = bytes.length === 20 ? bytes.readUInt32LE(12) : 0;
  const text = (path: string): string => read(join(directory, path));
  return {
    pid,
    since,
    status: statusOf(bytes),
    stat: text('supervise/stat'),
    trace: text('trace'),
    takesSignals: text('told') === String(pid),
  };
}

function statusOf(bytes: Buffer): string {
  if (bytes.length !== 20) return `${bytes.length} bytes`;
  const want = String.fromCharCode(bytes[17] ?? 0);
  return `${bytes.readUInt32LE(12) === 0 ? '-' : 'pid'} paused=${bytes[16]} want=${want} term=${bytes[18]} state=${bytes[19]}`;
}

/** The output and exit code of sv. */
export async function say(side: Side, ...args: readonly string[]): Promise<string> {
  const { stdout, stderr, code } = await sv(side.services, ...args);
  return `${shapeOf(stdout + stderr).replaceAll(side.services, 'DIR')} (${code})`;
}

function read(path: string, encoding: BufferEncoding = 'utf8'): string {
  try {
    const text = readFileSync(path, encoding);
    return encoding === 'utf8' ? text.trimEnd() : text;
  } catch {
    return '';
  }
}
