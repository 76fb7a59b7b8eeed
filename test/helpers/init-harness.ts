import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { childrenOf, stateOf } from './processes.js';
import { waitFor } from './wait-for.js';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');
const FIXTURES = join(ROOT, 'test/pid1/fixtures');
const DEADLINE_MS = 120_000;

/** The built program of this name. */
export function built(name: string): string {
  return join(ROOT, 'dist', name);
}

/** Where the C sources are. */
export const SOURCES = join(ROOT, 'src');

/** One controller of a {@link Box}: what it hears from init, and what the test makes it do. */
export class Controller {
  readonly lines: string[] = [];
  /** init has closed its side. */
  ended = false;
  private nextId = 1;
  private readonly answers = new Map<number, (value: unknown) => void>();

  constructor(
    private readonly socket: Socket,
    /** In its own PID namespace. */
    readonly pid: number,
  ) {}

  take(kind: string, values: readonly unknown[]): void {
    if (kind === 'line') this.lines.push(String(values[0]));
    else if (kind === 'end') this.ended = true;
    else if (kind === 'answer') this.answers.get(Number(values[0]))?.(values[1]);
  }

  /** Calls a command of the puppet. */
  async call<T = undefined>(command: string, ...rest: readonly unknown[]): Promise<T> {
    const id = this.nextId++;
    const answer = new Promise<unknown>((resolve) => this.answers.set(id, resolve));
    this.socket.write(`${JSON.stringify([id, command, ...rest])}\n`);
    return (await answer) as T;
  }

  /** Makes the puppet do something after which it cannot answer. */
  order(command: string, ...rest: readonly unknown[]): void {
    this.socket.write(`${JSON.stringify([0, command, ...rest])}\n`);
  }

  /** Sends a line to init. */
  async send(...lines: readonly string[]): Promise<void> {
    await this.call('send', lines.map((line) => `${line}\n`).join(''));
  }

  /** The first line, so far or to come, that starts with this text. */
  async hear(start: string, withinMs = DEADLINE_MS): Promise<string> {
    return waitFor(
      `"${start}" from init; heard ${JSON.stringify(this.lines.slice(-20))}`,
      () => this.lines.find((line) => line.startsWith(start)),
      withinMs,
    );
  }

  /** Waits until init has sent a line this many times. */
  async hears(line: string, times: number): Promise<void> {
    await waitFor(`"${line}", ${times} times`, () => this.lines.filter((one) => one === line).length >= times);
  }

  /**
   * Waits for an answer to a question that is asked now: init has handled everything that was sent
   * before.
   */
  async settle(): Promise<void> {
    const id = this.nextId++;
    await this.send(`kill ${1_000_000 + id} ${this.pid} 0`);
    await this.hear(`killed ${1_000_000 + id} 0`);
  }
}

export interface BoxOptions {
  /** `subreaper`: a shell is PID 1, my_init its child. */
  readonly as?: 'pid1' | 'subreaper';
  /** A shell script instead of the puppet: a controller that starts in two milliseconds. */
  readonly standIn?: string;
  /** Shell code before my_init is executed. */
  readonly before?: string;
  readonly program?: string;
  readonly arguments?: readonly string[];
  readonly environment?: NodeJS.ProcessEnv;
}

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** my_init in a PID namespace of its own, with a stand-in for the controller. */
export class Box {
  readonly controllers: Controller[] = [];
  readonly ended: Promise<Ending>;
  ending: Ending | undefined;
  standardOutput = '';
  standardError = '';
  readonly directory: string;
  private readonly server: Server;
  private readonly process: ChildProcess;

  constructor(private readonly options: BoxOptions = {}) {
    this.directory = mkdtempSync(join(tmpdir(), 'my_init-box-'));
    copyFileSync(options.program ?? built('my_init'), join(this.directory, 'my_init'));
    const environment: NodeJS.ProcessEnv = { ...process.env, ...options.environment };
    delete environment.NODE_OPTIONS;
    if (options.standIn === undefined) {
      copyFileSync(join(FIXTURES, 'init/puppet.cjs'), join(this.directory, 'controller.js'));
    } else {
      writeFileSync(join(this.directory, 'controller.js'), options.standIn);
      writeFileSync(
        join(this.directory, 'node'),
        '#!/bin/sh\nwhile :; do case $1 in --*) shift ;; *) break ;; esac; done\nexec /bin/sh "$@"\n',
      );
      chmodSync(join(this.directory, 'node'), 0o755);
      environment.PATH = `${this.directory}:${environment.PATH}`;
    }
    const socket = join(this.directory, 'tester');
    this.server = createServer((connection) => this.welcome(connection)).listen(socket);
    const start = options.as === 'subreaper' ? '"$0" "$@"; exit $?' : 'exec "$0" "$@"';
    this.process = spawn(
      'unshare',
      [
        ...['--pid', '--fork', '--mount-proc', '--kill-child', '--'],
        ...['/bin/sh', '-c', `${options.before ?? ''}\n${start}`, join(this.directory, 'my_init')],
        ...[socket, built('addon.node'), ...(options.arguments ?? [])],
      ],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { ...environment, ...options.environment, PATH: environment.PATH } },
    );
    this.process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.standardOutput += text;
    });
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.standardError += text;
    });
    this.ended = new Promise((resolve) => {
      this.process.on('close', (code, signal) => {
        this.ending = { code, signal };
        resolve(this.ending);
      });
    });
  }

  /** The standard output and standard error of init. */
  get output(): string {
    return this.standardOutput + this.standardError;
  }

  /** The controller of this generation, from 1, once it hears init. */
  async controller(generation = 1, heard = 'go'): Promise<Controller> {
    const controller = await waitFor(
      `controller ${generation}; ${this.output}`,
      () =>
        this.controllers[generation - 1] ??
        (this.ending && fail(`ended: ${JSON.stringify(this.ending)} ${this.output}`)),
    );
    await controller.hear(heard);
    return controller;
  }

  /** The controller of this generation, once it has reported that it is ready. */
  async ready(generation = 1): Promise<Controller> {
    const controller = await this.controller(generation);
    await controller.send('ready');
    await controller.settle();
    return controller;
  }

  /** The pid of PID 1, outside: of my_init, or of the shell that started it. */
  get shell(): number {
    return childrenOf(this.process.pid ?? 0)[0] ?? 0;
  }

  /** The pid of my_init outside. */
  get pid(): number {
    return this.options.as === 'subreaper' ? (childrenOf(this.shell).at(-1) ?? 0) : this.shell;
  }

  /** Waits until the controller has been started and init sleeps. */
  async quiet(): Promise<void> {
    await waitFor('a controller', () => childrenOf(this.pid).length > 0 && stateOf(this.pid) === 'S');
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  /** Ends my_init in whatever state it is, and removes its files. */
  async close(): Promise<void> {
    if (this.ending === undefined) this.process.kill('SIGKILL');
    this.server.close();
    await this.ended;
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 20 });
  }

  private welcome(connection: Socket): void {
    let controller: Controller | undefined;
    let text = '';
    connection.on('error', () => {});
    connection.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (text + chunk).split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) {
        const [kind, ...values] = JSON.parse(line) as [string, ...unknown[]];
        if (kind === 'hello') {
          controller = new Controller(connection, Number(values[0]));
          this.controllers.push(controller);
        } else controller?.take(kind, values);
      }
    });
  }
}

function fail(message: string): never {
  throw new Error(message);
}

const boxes = new Set<Box>();

/** Starts my_init; {@link closeBoxes} ends what is left of it after the test. */
export function boot(options?: BoxOptions): Box {
  const box = new Box(options);
  boxes.add(box);
  return box;
}

export async function closeBoxes(): Promise<void> {
  await Promise.all([...boxes].map((box) => box.close()));
  boxes.clear();
}
