/** my_init from its tree in other root file systems: no file of this machine is visible there. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe } from '@jest/globals';
import { statusesOf } from './ask.js';
import { type Ended, run } from './container.js';
import { leftOut } from './left-out.js';
import { childrenOf, commandOf } from './processes.js';
import { waitFor } from './wait-for.js';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const SOURCES = join(PROJECT, 'test/packaging');
/** Roots that take a minute to make, kept for this user's later runs. */
const CACHE = `/var/tmp/my_init-roots-${process.getuid?.()}`;

export const DISTRIBUTIONS = ['debian-bookworm', 'debian-trixie', 'ubuntu-noble'] as const;

const BINFMT = '/proc/sys/fs/binfmt_misc';
/**
 * The kernel gives an arm64 executable to qemu, which is opened now: it is not in the root. Linux,
 * admin-guide/binfmt-misc.
 */
const EMULATE_ARM64 = [
  ':arm64:M::',
  String.raw`\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xb7\\x00:`,
  String.raw`\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff:`,
  '/usr/bin/qemu-aarch64-static:F',
].join('');

/** The parts that all roots share, made once for a test file and removed at its end. */
export class Workshop {
  readonly directory = mkdtempSync(join(tmpdir(), 'my_init-packaging-'));

  /** Lays out the tree for arm64, from what is built. */
  arm64Tree(): string {
    const root = join(this.directory, 'tree-arm64');
    const command = [join(PROJECT, 'packaging/package.mjs'), '--tree', root, '--arch', 'arm64'];
    if (!existsSync(root)) execFileSync('node', command, { stdio: ['ignore', 'ignore', 'inherit'] });
    return root;
  }

  /** Compiles a static program. */
  program(name: string, cc = 'cc'): string {
    const program = join(this.directory, `${name}-${cc}`);
    if (!existsSync(program)) execFileSync(cc, ['-O1', '-static', '-o', program, join(SOURCES, `${name}.c`)]);
    return program;
  }

  /** A root with nothing in it. */
  emptyRoot(): string {
    return this.#directory('empty');
  }

  /** A root like Alpine's: musl, and busybox for everything else. */
  muslRoot(): string {
    const root = this.#directory('musl');
    if (existsSync(join(root, 'bin'))) return root;
    for (const directory of ['bin', 'sbin', 'lib', 'usr/bin', 'usr/sbin', 'etc'])
      mkdirSync(join(root, directory), { recursive: true });
    const loader = `lib/ld-musl-${process.arch === 'x64' ? 'x86_64' : 'aarch64'}.so.1`;
    copyFileSync(join('/', loader), join(root, loader));
    cpSync('/bin/busybox', join(root, 'bin/busybox'));
    for (const applet of execFileSync('/bin/busybox', ['--list'], { encoding: 'utf8' }).split('\n').filter(Boolean))
      if (applet !== 'busybox') symlinkSync('busybox', join(root, 'bin', applet));
    writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
    return root;
  }

  dispose(): void {
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 20 });
  }

  #directory(name: string): string {
    const root = join(this.directory, name);
    mkdirSync(root, { recursive: true });
    return root;
  }
}

/**
 * `describe` for tests with root file systems; where they are impossible, reports that they are
 * left out.
 */
export function describeWithRoots(title: string, tests: () => void): void {
  const why = obstacle();
  if (why === undefined) {
    describe(title, tests);
    return;
  }
  if (process.env.CI) throw new Error(`The tests of the packages cannot be run: ${why}`);
  leftOut(title, why);
  describe.skip(title, tests);
}

function obstacle(): string | undefined {
  if (process.getuid?.() !== 0) return 'they need root';
  const missing = ['/bin/busybox', '/usr/bin/musl-gcc', '/usr/bin/mmdebstrap'].filter((path) => !existsSync(path));
  return missing.length === 0
    ? undefined
    : `${missing.join(', ')} not found (Debian: apt-get install busybox-static musl-tools mmdebstrap)`;
}

/** The root of a distribution; undefined where its mirror cannot be reached. */
export function distributionRoot(name: (typeof DISTRIBUTIONS)[number]): string | undefined {
  const root = join(CACHE, name);
  mkdirSync(CACHE, { recursive: true, mode: 0o700 });
  const script = 'test -d "$2" || exec "$0" "$1" "$2"';
  try {
    // Several test files may ask for it at once.
    execFileSync('flock', [`${root}.lock`, 'sh', '-c', script, join(SOURCES, 'make-root'), name, root], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    return root;
  } catch (error) {
    leftOut(name, `its root cannot be made here: ${lastLine(error)}`);
    return undefined;
  }
}

function lastLine(error: unknown): string {
  const { stderr } = error as { readonly stderr?: Buffer };
  return stderr?.toString().trim().split('\n').pop() ?? String(error);
}

export interface RootedOptions {
  /** Directories mounted over each other, the first on top. */
  readonly layers: readonly string[];
  /** Further files. One that begins with `#!` is executable; a path of a program is copied. */
  readonly files?: Readonly<Record<string, string | { readonly program: string }>>;
  /** Directories mounted into it, read-only: `{ '/opt/my_init': '…' }`. */
  readonly volumes?: Readonly<Record<string, string>>;
  readonly command?: readonly string[];
  readonly uid?: number;
  readonly readOnly?: boolean;
  readonly withoutCapabilities?: boolean;
  readonly svctl?: string;
  /** The programs in the root are those of arm64. */
  readonly arm64?: boolean;
}

/** my_init as PID 1 of a root file system. */
export class Rooted {
  readonly #directory = mkdtempSync(join(tmpdir(), 'my_init-rooted-'));
  readonly #process: ChildProcess;
  readonly #options: RootedOptions;
  readonly exit: Promise<number>;

  constructor(enter: string, options: RootedOptions) {
    this.#options = options;
    const top = join(this.#directory, 'top');
    for (const path of ['proc', 'dev', 'run', 'tmp', ...Object.keys(options.volumes ?? {})])
      mkdirSync(join(top, path), { recursive: true });
    for (const [path, content] of Object.entries(options.files ?? {})) {
      mkdirSync(join(top, path, '..'), { recursive: true });
      if (typeof content !== 'string') cpSync(content.program, join(top, path));
      else writeFileSync(join(top, path), content, { mode: content.startsWith('#!') ? 0o755 : 0o644 });
    }
    for (const name of ['upper', 'work', 'root']) mkdirSync(join(this.#directory, name));
    const log = openSync(this.#logPath, 'w');
    const {
      uid = 0,
      withoutCapabilities = false,
      command = ['/usr/sbin/my_init', '--http-listen', '127.0.0.1:0'],
    } = options;
    this.#process = spawn(
      'unshare',
      [
        // Emulators can be registered in a user namespace of its own without touching those of this
        // machine.
        ...(options.arm64 ? ['--user', '--map-root-user'] : []),
        ...['--mount', '--pid', '--fork', '--kill-child', 'sh', '-ec', this.#mounts(top), 'sh'],
        ...[enter, join(this.#directory, 'root'), withoutCapabilities ? 'none' : 'all', String(uid), ...command],
      ],
      { stdio: ['ignore', log, log], env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' } },
    );
    this.exit = new Promise((resolve) => this.#process.once('exit', (code) => resolve(code ?? 255)));
  }

  log(): string {
    return readFileSync(this.#logPath, 'utf8');
  }

  /** The pid of my_init as the test sees it. */
  get pid(): number {
    return childOf(this.#process.pid ?? 0);
  }

  get controllerPid(): number {
    return childOf(this.pid, 'controller.js');
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  exec(...command: readonly string[]): Promise<Ended> {
    const { uid = 0 } = this.#options;
    const user = uid === 0 ? [] : ['--setuid', String(uid), '--setgid', String(uid)];
    return run('nsenter', [
      ...(this.#options.arm64 ? ['--user'] : []),
      '--target',
      String(this.pid),
      '--pid',
      '--mount',
      '--root',
      '--wd=/',
      ...user,
      '--',
      ...command,
    ]);
  }

  svctl(...args: readonly string[]): Promise<Ended> {
    return this.exec(this.#options.svctl ?? '/usr/bin/svctl', ...args);
  }

  /** The output of svctl, which has to succeed. */
  async says(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.svctl(...args);
    if (code !== 0) throw new Error(`svctl ${args.join(' ')}: ${code}\n${stdout}${stderr}\n${this.log()}`);
    return stdout;
  }

  /** Waits until so many services are up. Returns their pids by their names. */
  async up(count: number): Promise<ReadonlyMap<string, number>> {
    return waitFor(
      `${count} services to be up`,
      async () => {
        const services = (this.#begun() && (await statusesOf(`/proc/${this.pid}/root/run/my_init/my_init.sock`))) || [];
        const running = services.filter(({ state }) => state === 'SERVICE_STATE_UP');
        return running.length === count && new Map(running.map(({ name, pid }) => [String(name), pid]));
      },
      240_000,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${this.log()}`);
    });
  }

  async dispose(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.exit;
    rmSync(this.#directory, { recursive: true, force: true, maxRetries: 20 });
  }

  #begun(): boolean {
    try {
      return this.pid > 0;
    } catch {
      return false;
    }
  }

  get #logPath(): string {
    return join(this.#directory, 'log');
  }

  /** Mounts the root as a container engine does. */
  #mounts(top: string): string {
    const { layers, volumes = {}, readOnly, arm64 } = this.#options;
    const [root, upper, work] = ['root', 'upper', 'work'].map((name) => join(this.#directory, name));
    const devices = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];
    return [
      ...(arm64 ? [`mount -t binfmt_misc none ${BINFMT}`, `printf '${EMULATE_ARM64}' >${BINFMT}/register`] : []),
      `mount -t overlay overlay -o lowerdir=${[top, ...layers].join(':')},upperdir=${upper},workdir=${work} ${root}`,
      `mount -t proc proc ${root}/proc`,
      `mount -t tmpfs -o mode=755 tmpfs ${root}/dev`,
      ...devices.map((name) => `: >${root}/dev/${name}; mount --bind /dev/${name} ${root}/dev/${name}`),
      `mount -t tmpfs -o mode=1777 tmpfs ${root}/run`,
      `mount -t tmpfs -o mode=1777 tmpfs ${root}/tmp`,
      ...Object.entries(volumes).map(
        ([path, source]) => `mount --bind ${source} ${root}${path}; mount -o remount,bind,ro ${root}${path}`,
      ),
      ...(readOnly ? [`mount -o remount,ro ${root}`] : []),
      'exec "$@"',
    ].join('\n');
  }
}

function childOf(pid: number, command = ''): number {
  const child = childrenOf(pid).find((candidate) => commandOf(candidate).includes(command));
  if (child === undefined) throw new Error(`process ${pid} has no child ${command}`);
  return child;
}
