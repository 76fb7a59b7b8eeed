import { type ChildProcess, execFile, spawn } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from '@jest/globals';
import { infoOf, type Status, statusesOf, statusOf } from './ask.js';
import { childrenOf, commandOf, takesTerm } from './processes.js';
import { SvctlHosts } from './svctl-hosts.js';
import { waitFor } from './wait-for.js';

const DIST = fileURLToPath(new URL('../../dist', import.meta.url));

const SVCTL = new SvctlHosts();
afterAll(() => SVCTL.dispose());

/** A file's content; one that begins with `#!` is made executable. */
type Files = Readonly<Record<string, string>>;

export interface ContainerOptions {
  /** Service directories by name: `{ web: { run: '#!/bin/sh\nexec sleep 99\n' } }`. */
  readonly services?: Readonly<Record<string, Files>>;
  /**
   * The service directory, below the container's own. It is not made there; `service` by default.
   */
  readonly serviceDirectory?: string;
  /**
   * Files below /etc: `{ 'my_init.d/10_hello': '#!/bin/sh\necho hello\n' }`. Seen by this container
   * alone.
   */
  readonly etc?: Files;
  /** Options of my_init; the main command comes after them. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** PID 1 of a PID namespace, or a subreaper in the namespace of the test. */
  readonly as?: 'pid1' | 'subreaper';
  /** Run my_init as this uid and gid. */
  readonly uid?: number;
  /**
   * Shell commands inside the new mount namespace before my_init is executed: `mount -o remount,ro
   * /etc`.
   */
  readonly prepare?: string;
  /** Limit of processes (cgroup v1 or v2 is not needed): RLIMIT_NPROC, only with `uid`. */
  readonly maxProcesses?: number;
  /** A capability that my_init and all below it have to do without: `kill`. */
  readonly withoutCapability?: string;
  /** The standard input of my_init. */
  readonly input?: string;
  /**
   * Let my_init choose the path of its socket: {@link TestContainer.svctl} does not find it there.
   */
  readonly usualSocket?: boolean;
  /** The directory of my_init and its files, if other than the built one. */
  readonly installation?: string;
  /** Do not wait until svctl gets an answer. */
  readonly unattended?: boolean;
}

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Options that switch the metrics on, at a port of the kernel's choice. */
export const METRICS = ['--http-listen', '127.0.0.1:0'];

/**
 * my_init in a throw-away container: private /run and /etc, own service directory, everything gone
 * at the end.
 */
export class TestContainer {
  readonly directory: string;
  readonly services: string;
  readonly socket: string;
  readonly #process: ChildProcess;
  /** The exit code of my_init, 128 + N when a signal ended it. */
  readonly exit: Promise<number>;
  readonly #installation: string;
  #ended = false;

  private constructor(options: ContainerOptions) {
    this.#installation = options.installation ?? DIST;
    this.directory = mkdtempSync('/tmp/my_init-test-');
    chmodSync(this.directory, 0o755);
    this.services = join(this.directory, options.serviceDirectory ?? 'service');
    this.socket = join(this.directory, 'run/my_init.sock');
    if (options.serviceDirectory === undefined) mkdirSync(this.services);
    mkdirSync(dirname(this.socket));
    chmodSync(dirname(this.socket), 0o777);
    for (const [name, files] of Object.entries(options.services ?? {})) this.addService(name, files);
    const etc = join(this.directory, 'etc');
    for (const [path, content] of Object.entries(options.etc ?? {})) writeFile(join(etc, path), content);
    mkdirSync(etc, { recursive: true });
    const log = openSync(this.#logPath, 'w');
    const input = join(this.directory, 'input');
    writeFileSync(input, options.input ?? '');
    const standardInput = openSync(options.input === undefined ? '/dev/null' : input, 'r');
    this.#process = spawn('unshare', this.#arguments(options), {
      env: { PATH: process.env.PATH, HOME: '/root', ...options.env },
      stdio: [standardInput, log, log],
    });
    closeSync(log);
    closeSync(standardInput);
    this.exit = new Promise((resolve) =>
      this.#process.once('exit', (code, signal) => {
        this.#ended = true;
        resolve(code ?? 128 + ({ SIGKILL: 9, SIGTERM: 15, SIGINT: 2, SIGSEGV: 11 }[signal as string] ?? 0));
      }),
    );
  }

  /** Boots a container, and waits until svctl gets an answer unless `unattended`. */
  static async boot(options: ContainerOptions = {}): Promise<TestContainer> {
    const container = new TestContainer(options);
    if (!options.unattended)
      await waitFor('an answer of my_init', async () => container.#ended || (await container.answers())).catch(
        async (error: unknown) => {
          const log = container.log();
          await container.dispose();
          throw new Error(`${String(error)}\n${log}`);
        },
      );
    return container;
  }

  /** The standard output and error of my_init and its services. */
  log(): string {
    return readFileSync(this.#logPath, 'utf8');
  }

  /** The pid of my_init as the test sees it: a child of unshare, or what unshare has become. */
  get pid(): number {
    const unshared = this.#process.pid ?? 0;
    // Never a grandchild: a controller that init has forked has init's command line until it is
    // executed.
    const pid = [unshared, ...childrenOf(unshared)].find((candidate) =>
      commandOf(candidate).startsWith(join(this.#installation, 'my_init')),
    );
    if (pid === undefined) throw new Error(`my_init does not run:\n${this.log()}`);
    return pid;
  }

  /** Waits until my_init runs and has blocked signals. PID 1 never hears of an earlier one. */
  async hasBlockedSignals(): Promise<void> {
    await waitFor('my_init to block signals', () => {
      try {
        return /^SigBlk:\tffff/m.test(readFileSync(`/proc/${this.pid}/status`, 'utf8'));
      } catch {
        return false;
      }
    });
  }

  /** The pid of the controller as the test sees it. */
  get controllerPid(): number {
    const pid = childrenOf(this.pid).find((child) => commandOf(child).includes('controller.js'));
    if (pid === undefined) throw new Error(`the controller does not run:\n${this.log()}`);
    return pid;
  }

  /**
   * The same, as soon as there is a controller: between two controllers there is none for a moment.
   */
  controller(): Promise<number> {
    return waitFor('a controller', () => {
      try {
        return this.controllerPid;
      } catch {
        return undefined;
      }
    });
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  /** Runs the built svctl with these words; not in a process of its own: see {@link SvctlHosts}. */
  svctl(...args: readonly string[]): Promise<Ended> {
    return SVCTL.run(['--socket', this.socket, ...args]);
  }

  /** The entry of a service in `svctl status -o json`. */
  status(name: string): Promise<Status> {
    return statusOf(this.socket, name);
  }

  /** The entries of several services; undefined while there is no answer. */
  statuses(names?: string): Promise<readonly Status[] | undefined> {
    return statusesOf(this.socket, names);
  }

  /** Waits until no service has that name. */
  forgets(name: string): Promise<true> {
    return waitFor(`the end of ${name}`, async () => {
      const services = await this.statuses();
      return services?.every((service) => service.name !== name);
    });
  }

  /** The output of `svctl info -o json`. */
  info() {
    return infoOf(this.socket);
  }

  /** Whether a controller answers. A call that a dying controller breaks is repeated. */
  async answers(): Promise<boolean> {
    return (await this.info()).version !== undefined;
  }

  /** The output of `svctl status` for a service, as people see it. */
  async table(...names: readonly string[]): Promise<string> {
    return (await this.svctl('status', ...names)).stdout;
  }

  /**
   * The value of a series as a scrape shows it, undefined when it is not there. Needs `args:
   * METRICS`.
   */
  async metric(series: string): Promise<number | undefined> {
    const { httpAddress } = await this.info();
    // A connection that is kept may be closed by my_init just when it is used again.
    const text = await (await fetch(`http://${httpAddress}/metrics`, { headers: { connection: 'close' } })).text();
    const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length));
  }

  /** Waits until a service is in a state. */
  async reaches(name: string, state: string, withinMs?: number) {
    return waitFor(
      `${name} to be ${state}`,
      async () => {
        const status = await this.status(name);
        return status.state === `SERVICE_STATE_${state.toUpperCase()}` && status;
      },
      withinMs,
    ).catch(async (error: unknown) => {
      throw new Error(`${String(error)}\n${await this.trace()}\n${this.log()}`);
    });
  }

  /**
   * Waits until the process of a service catches or ignores TERM: a service can be up before its
   * shell has read its trap.
   */
  async traps(name: string): Promise<void> {
    await waitFor(`${name} to set its trap`, async () => {
      const { pid } = await this.status(name);
      return pid !== 0 && takesTerm(`/proc/${this.pid}/root/proc/${pid}/status`);
    });
  }

  /**
   * The pids of `sleep`, or their sessions, in order, as soon as there are this many: a service can
   * be up before its script has executed `sleep`. `story`: for the message of a failure.
   */
  sleeping(count: number, column: 'pid' | 'sid' = 'pid', story = ''): Promise<readonly number[]> {
    return waitFor(`${count} processes of sleep ${story}`, async () => {
      const { stdout } = await this.exec('ps', '-C', 'sleep', '-o', `${column}=`);
      const numbers = stdout.split('\n').filter(Boolean).map(Number);
      return numbers.length >= count && numbers.sort((a, b) => a - b);
    });
  }

  /**
   * The history of the services, for a test that failed: their states, and the beginnings and ends
   * of their runs.
   */
  async trace(): Promise<string> {
    const { stdout: states } = await this.svctl('status', '-o', 'wide');
    const { stdout: lines } = await this.svctl('logs', '--markers', '-n', '30');
    return `${states}\n${lines}`;
  }

  addService(name: string, files: Files): void {
    // The directory is filled elsewhere and then moved, so that my_init sees all of it or nothing.
    const temporary = join(this.directory, `.new-${name}`);
    for (const [path, content] of Object.entries(files)) writeFile(join(temporary, path), content);
    mkdirSync(temporary, { recursive: true });
    renameSync(temporary, join(this.services, name));
  }

  /** Writes a file below the service directory, in place, as an editor does. */
  write(path: string, content: string, mode = content.startsWith('#!') ? 0o755 : 0o644): void {
    writeFileSync(join(this.services, path), content, { mode });
    chmodSync(join(this.services, path), mode);
  }

  /** Runs a command inside the container's namespaces, like `docker exec`. */
  exec(...command: readonly string[]): Promise<Ended> {
    return run('nsenter', ['--target', String(this.pid), '--pid', '--mount', '--', ...command]);
  }

  /** Waits until there is no zombie. */
  async hasNoZombie(): Promise<void> {
    await waitFor(
      'all that ended to be reaped',
      async () => !/^Z/m.test((await this.exec('ps', '-e', '-o', 'stat=')).stdout),
    );
  }

  /** Ends the container, whatever state it is in, and removes its files. */
  async dispose(): Promise<void> {
    if (!this.#ended) {
      try {
        // PID 1 is gone when all others of its namespace are, and unshare waits for it.
        process.kill(this.pid, 'SIGKILL');
      } catch {
        this.#process.kill('SIGKILL');
      }
      await this.exit;
    }
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 20 });
  }

  get #logPath(): string {
    return join(this.directory, 'log');
  }

  #arguments(options: ContainerOptions): string[] {
    const script = `
      mount -t tmpfs tmpfs /run
      mount -t overlay overlay -o lowerdir=/etc,upperdir=${this.directory}/etc,workdir=${this.directory}/work /etc
      ${options.prepare ?? ''}
      exec ${options.uid === undefined ? '' : `setpriv --reuid ${options.uid} --regid ${options.uid} --clear-groups`} "$@"`;
    mkdirSync(join(this.directory, 'work'));
    return [
      '--mount',
      ...(options.as === 'subreaper' ? [] : ['--pid', '--fork', '--mount-proc', '--kill-child']),
      'sh',
      '-ec',
      script,
      'sh',
      ...(options.maxProcesses === undefined ? [] : ['prlimit', `--nproc=${options.maxProcesses}`]),
      ...(options.withoutCapability === undefined
        ? []
        : ['setpriv', '--bounding-set', `-${options.withoutCapability}`]),
      join(this.#installation, 'my_init'),
      '--service-dir',
      this.services,
      ...(options.usualSocket ? [] : ['--socket', this.socket]),
      '--http-listen',
      'none',
      ...(options.args ?? []),
    ];
  }
}

/** Runs a program to its end; code 255 when a signal ended it, or it does not exist. */
export const run = (file: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<Ended> =>
  new Promise((resolve) =>
    execFile(file, args, { env, maxBuffer: Number.POSITIVE_INFINITY }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 255, stdout, stderr }),
    ),
  );

function writeFile(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content, { mode: content.startsWith('#!') ? 0o755 : 0o644 });
}
