import { closeSync } from 'node:fs';
import { native } from '../../process/native.js';
import type { ServiceName } from '../../types/service.js';
import type { Live, Readiness } from '../definition/definition.js';
import { loadChecker } from './checker.js';
import type { RunCheck } from './exec.js';
import type { HeldDescriptor, HeldDescriptors } from './held-descriptors.js';
import type { CheckListener, CheckLoop, Pace } from './loop.js';
import { awaitNewline, type PipeListener } from './notify-fd.js';
import type { Notice } from './notify-message.js';
import { NotifySocket } from './notify-socket.js';
import { Watchdog } from './watchdog.js';

/** The parts that the checks of all services share. */
export interface ChecksContext {
  readonly descriptors: HeldDescriptors;
  readonly initPid: number;
  /** Where the notification sockets are. */
  socketDirectory(): string;
  /**
   * Calls `found` once, when the current run of a service says a line that the pattern matches.
   * Returns what ends it.
   */
  awaitLine(name: ServiceName, pattern: string, found: () => void): () => void;
}

/** The parts that the checks of one service need. */
export interface ChecksDependencies extends ChecksContext {
  /** Runs a program as the service would. */
  readonly run: RunCheck;
  warn(text: string): void;
}

/** The results of the checks of a service. */
export interface ChecksListener {
  ready(): void;
  unready(problem: string): void;
  /** `live`, or the watchdog, has found out that the service does not work. */
  dead(problem: string): void;
  notice(
    notice: Exclude<Notice, { kind: 'ready' | 'watchdog' | 'watchdog_trigger' | 'watchdog_interval' | 'fdstore' }>,
  ): void;
}

/** As much of a service's status as decides which checks are made. */
export interface CheckedStatus {
  readonly run: number;
  readonly pid: number;
  readonly ready: boolean;
  /** The process runs, and nobody has asked it to end. */
  readonly wanted: boolean;
  /** The run is paused: a paused process that does not answer is not dead. */
  readonly paused: boolean;
  /** Somebody holds the service: checks do not act on it. */
  readonly held: boolean;
}

/** The descriptor and variables that a start needs for pushed readiness. */
export interface Provision {
  readonly variables: ReadonlyMap<string, string>;
  readonly passed: { readonly fd: number; readonly at: number } | undefined;
}

export const NOTHING_PROVIDED: Provision = { variables: new Map(), passed: undefined };

/** The rules of a definition about readiness and liveness. */
export interface CheckRules {
  readonly ready: Readiness;
  readonly live: Live | undefined;
}

const NOT_STARTED: CheckedStatus = { run: 0, pid: 0, ready: false, wanted: false, paused: false, held: false };
/** Each fault in the messages of a run is reported once, and no more than this many. */
const MAX_WARNINGS = 5;

/**
 * All checks of one service: is it ready, is it live. They follow its status: nothing else decides
 * on what to check.
 */
export class ServiceChecks {
  readonly #name: ServiceName;
  readonly #ready: Readiness;
  readonly #live: Live | undefined;
  readonly #dependencies: ChecksDependencies;
  readonly #listener: ChecksListener;
  readonly #watchdog: Watchdog;
  readonly #watchdogMs: number;
  readonly #warnings = new Set<string>();
  #status = NOT_STARTED;
  #socket: NotifySocket | undefined;
  #pipe: HeldDescriptor | undefined;
  /** The service's end of the pipe, until the service has it. */
  #writer: number | undefined;
  #readyLoop: CheckLoop | undefined;
  #liveLoop: CheckLoop | undefined;
  #endAwaitingLine: (() => void) | undefined;
  /** Stands for the present run: modules loaded for an earlier run come too late. */
  #begun: object | undefined;

  constructor(
    name: ServiceName,
    rules: CheckRules & { readonly watchdogMs: number },
    dependencies: ChecksDependencies,
    listener: ChecksListener,
  ) {
    this.#name = name;
    this.#ready = rules.ready;
    this.#live = rules.live;
    this.#watchdogMs = rules.watchdogMs;
    this.#dependencies = dependencies;
    this.#listener = listener;
    this.#watchdog = new Watchdog((problem) => listener.dead(problem));
  }

  /**
   * Opens what the next run reports to.
   *
   * @throws Error with `code` when it cannot be opened
   */
  prepare(): Provision {
    this.#closePipe();
    const variables = new Map<string, string>();
    let passed: Provision['passed'];
    if (this.#ready.kind === 'notify') variables.set('NOTIFY_SOCKET', this.#openSocket().path);
    if (this.#ready.kind === 'notify_fd') {
      const [reader, writer] = native().pipe(false);
      this.#writer = writer;
      this.#pipe = this.#dependencies.descriptors.hold(this.#name, 'fd', reader);
      passed = { fd: writer, at: this.#ready.fd };
    }
    return { variables, passed };
  }

  /** The service is as this says now. */
  follow(status: CheckedStatus): void {
    const previous = this.#status;
    this.#status = status;
    if (status.run !== previous.run || status.pid === 0) this.#end();
    if (status.pid === 0) return;
    this.#closeWriter();
    if (this.#begun === undefined) this.#begin();
    const working = status.wanted && !status.paused;
    this.#turn(this.#readyLoop, working);
    this.#turn(this.#liveLoop, working && status.ready && !status.held);
    this.#watchdog.run(working && status.ready && !status.held);
  }

  /** The service is forgotten, or its definition has changed. */
  close(): void {
    this.#end();
    this.#closePipe();
    this.#socket?.close();
    this.#socket = undefined;
  }

  #begin(): void {
    const begun = {};
    this.#begun = begun;
    this.#warnings.clear();
    this.#watchdog.intervalMs = this.#watchdogMs;
    const { ready } = this.#status;
    switch (this.#ready.kind) {
      case 'delay':
        break;
      case 'notify':
        this.#openSocket();
        break;
      case 'notify_fd':
        this.#pipe ??= this.#dependencies.descriptors.inherit(this.#name, 'fd');
        if (this.#pipe !== undefined) awaitNewline(this.#pipe, this.#pipeListener);
        break;
      case 'log':
        if (!ready)
          this.#endAwaitingLine = this.#dependencies.awaitLine(this.#name, this.#ready.pattern, () =>
            this.#listener.ready(),
          );
        break;
      case 'probe':
        void this.#load('ready', begun, ready);
        break;
      default:
        this.#ready satisfies never;
    }
    if (this.#live !== undefined) void this.#load('live', begun, false);
  }

  /** `passing`: an earlier controller has found the service ready. */
  async #load(use: 'ready' | 'live', begun: object, passing: boolean): Promise<void> {
    const rule = use === 'ready' ? this.#ready : this.#live;
    if (rule === undefined || !('probe' in rule)) return;
    const { CheckLoop: Loop } = await import('./loop.js');
    const checker = await loadChecker(rule.probe, this.#dependencies.run);
    if (this.#begun !== begun) return;
    const listener: CheckListener =
      use === 'ready'
        ? { passed: () => this.#listener.ready(), failed: (problem) => this.#listener.unready(problem) }
        : { passed: () => {}, failed: (problem) => this.#listener.dead(problem) };
    const pace: Pace = use === 'ready' ? 'impatient' : 'patient';
    const loop = new Loop(checker, rule.times, pace, listener, passing);
    if (use === 'ready') this.#readyLoop = loop;
    else this.#liveLoop = loop;
    this.follow(this.#status);
  }

  #turn(loop: CheckLoop | undefined, on: boolean): void {
    if (on) loop?.start();
    else loop?.stop();
  }

  #end(): void {
    this.#readyLoop?.stop();
    this.#liveLoop?.stop();
    this.#readyLoop = undefined;
    this.#liveLoop = undefined;
    this.#watchdog.run(false);
    this.#endAwaitingLine?.();
    this.#endAwaitingLine = undefined;
    // Preparations for a run without a process yet stay.
    if (this.#begun !== undefined) this.#closePipe();
    this.#begun = undefined;
  }

  #openSocket(): NotifySocket {
    this.#socket ??= new NotifySocket(
      this.#name,
      this.#dependencies.socketDirectory(),
      this.#dependencies.descriptors,
      () => this.#status.pid,
      {
        notice: (notice) => this.#apply(notice),
        refused: (why) => this.#warn(`a message to NOTIFY_SOCKET is ignored: ${why}`),
      },
    );
    return this.#socket;
  }

  #apply(notice: Notice): void {
    switch (notice.kind) {
      case 'ready':
        this.#listener.ready();
        break;
      case 'watchdog':
        this.#watchdog.feed();
        break;
      case 'watchdog_trigger':
        this.#watchdog.trigger();
        break;
      case 'watchdog_interval':
        this.#watchdog.intervalMs = notice.ms;
        break;
      case 'fdstore':
        break;
      default:
        this.#listener.notice(notice);
    }
  }

  get #pipeListener(): PipeListener {
    return { ready: () => this.#listener.ready(), broken: (problem) => this.#listener.unready(problem) };
  }

  #closePipe(): void {
    this.#pipe?.close();
    this.#pipe = undefined;
    this.#closeWriter();
  }

  #closeWriter(): void {
    if (this.#writer !== undefined) closeSync(this.#writer);
    this.#writer = undefined;
  }

  #warn(text: string): void {
    if (this.#warnings.size >= MAX_WARNINGS || this.#warnings.has(text)) return;
    this.#warnings.add(text);
    this.#dependencies.warn(`${this.#name}: ${text}`);
  }
}
