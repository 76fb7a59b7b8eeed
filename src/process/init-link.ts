import { EventEmitter } from 'node:events';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import type { ExitStatus } from '../types/service.js';
import { native } from './native.js';

const LINES = 3;
const DESCRIPTORS = 4;

/** The signals that init relays. */
export const RELAYED_SIGNALS = ['TERM', 'INT', 'HUP', 'QUIT', 'USR1', 'USR2', 'WINCH', 'PWR'] as const;
export type RelayedSignal = (typeof RELAYED_SIGNALS)[number];

/** The state that init reports to a new controller. */
export interface Handover {
  readonly initPid: number;
  readonly pid1: boolean;
  readonly subreaper: boolean;
  /** The number of this controller, from 1. */
  readonly generation: number;
  /** The version of init. */
  readonly version: string;
  readonly bootedAtMs: number;
  /** init's original RLIMIT_NOFILE, -1 for unlimited: `SOFT:HARD`, as `launch -n` takes it. */
  readonly openFilesLimit: string;
  /** How the controller before this one ended. */
  readonly previousEnd: PreviousEnd | undefined;
  readonly reapedTotal: number;
  /** Descriptors that init holds, by name. */
  readonly held: ReadonlyMap<string, number>;
  /** Watched processes that have not ended. */
  readonly watching: ReadonlySet<number>;
  /** Processes that have ended, and how; each is also emitted as `exited`. */
  readonly ended: ReadonlyMap<number, ExitStatus>;
}

/**
 * How init saw a controller end; `number` is the exit code, or the signal. `hung`: init killed it
 * because it did not answer.
 */
export interface PreviousEnd {
  readonly how: 'exit' | 'signal' | 'hung' | 'reexec';
  readonly number: number;
}

/** The version of docs/design/init-link.md that this controller speaks. */
export const PROTOCOL = 1;

/** Orphans that init reaped, of one session. */
export interface OrphansReaped {
  readonly count: number;
  readonly session: number;
}

interface LinkEvents {
  signal: [name: RelayedSignal];
  /** Somebody sent init a signal that it does not relay. */
  ignored: [signal: number];
  /** `atMs`: when init saw the end; undefined when it did not. */
  exited: [pid: number, status: ExitStatus, atMs: number | undefined];
  orphans: [orphans: OrphansReaped];
  /** Too many are watched: the end of this one will not be reported. Also `refused`. */
  unwatched: [pid: number];
  refused: [text: string];
  closed: [];
}

/** Decodes a raw wait status, wait(2), and the peak memory in kilobytes, getrusage(2). */
export function decodeWaitStatus(status: number, peakKilobytes = 0): ExitStatus {
  const signal = status & 0x7f;
  if (signal === 0) return { kind: 'exited', code: (status >> 8) & 0xff };
  const killed = { kind: 'signaled', signal, coreDumped: (status & 0x80) !== 0 } as const;
  return peakKilobytes > 0 ? { ...killed, peakBytes: peakKilobytes * 1024 } : killed;
}

/** The controller's end of the link to init; docs/design/init-link.md is the contract. */
export class InitLink extends EventEmitter<LinkEvents> {
  readonly #socket: Socket;
  #rest = '';
  #handover: Array<readonly string[]> | undefined = [];
  #handedOver: (lines: readonly (readonly string[])[]) => void = () => {};
  #backlog: Array<readonly string[]> | undefined = [];
  readonly #kills = new Map<number, (errno: number) => void>();
  #lastKill = 0;

  /**
   * Settles when init closes the link: at the end of a shutdown once every other process is gone,
   * otherwise because init died.
   */
  readonly closed: Promise<void>;

  constructor() {
    super();
    this.#socket = new Socket({ fd: LINES, readable: true, writable: true });
    this.#socket.setEncoding('latin1');
    this.#socket.on('data', (text) => this.#read(String(text)));
    this.closed = new Promise((resolve) => {
      this.#socket.on('error', resolve);
      this.#socket.on('end', resolve);
    }).then(() => {
      this.emit('closed');
    });
  }

  /** The handover from init. Nothing is emitted before {@link begin}. */
  async handover(): Promise<Handover> {
    const lines = await new Promise<readonly (readonly string[])[]>((resolve) => {
      this.#handedOver = resolve;
    });
    return readHandover(lines);
  }

  /** Emits what has come since the handover, and from now on everything as it comes. */
  begin(): void {
    const backlog = this.#backlog ?? [];
    this.#backlog = undefined;
    for (const words of backlog) this.#event(words);
  }

  ready(): void {
    this.#write('ready');
  }

  /**
   * Announces that we exit with code 0 in order to be replaced, which is no failure. Resolves when
   * init can read the announcement.
   */
  reexec(): Promise<void> {
    return new Promise((resolve) => this.#socket.write('reexec\n', () => resolve()));
  }

  /** Has init keep the exit status of a process, should it become init's child. */
  watch(pid: number): void {
    this.#write(`watch ${pid}`);
  }

  /**
   * A child of ours has ended, with this wait status, and we have yet to act on it: init keeps the
   * status until {@link acknowledge}. Undefined when init can read it by now; otherwise it settles
   * when it can, and the status must not be reaped before.
   */
  exited(pid: number, status: number): Promise<void> | undefined {
    const sent = new Promise<void>((resolve) => this.#socket.write(`exited ${pid} ${status}\n`, () => resolve()));
    return this.#socket.writableLength === 0 ? undefined : sent;
  }

  /** Says that a signal, or the end of a process, has been acted on. */
  acknowledge(what: RelayedSignal | number): void {
    this.#write(`took ${what}`);
  }

  /**
   * Has init send a signal to a child of its own; a negative pid is the group that the child leads.
   * Resolves to an errno, 0 when sent.
   */
  kill(pid: number, signal: NodeJS.Signals): Promise<number> {
    return this.#kill(pid, constants.signals[signal]);
  }

  /** Whether it is a child of init that has not been reaped. */
  async isChild(pid: number): Promise<boolean> {
    return (await this.#kill(pid, 0)) !== constants.errno.ESRCH;
  }

  #kill(pid: number, signal: number): Promise<number> {
    this.#lastKill += 1;
    const id = this.#lastKill;
    this.#write(`kill ${id} ${pid} ${signal}`);
    return new Promise((resolve) => this.#kills.set(id, resolve));
  }

  /** Has init hold a descriptor and hand it to the next controller. */
  hold(name: string, fd: number): void {
    native().sendDescriptor(DESCRIPTORS, name, fd);
  }

  release(name: string): void {
    this.#write(`release ${name}`);
  }

  /** init begins its own end after this time, in case we never come to ours. */
  deadline(ms: number): void {
    this.#write(`deadline ${Math.ceil(ms)}`);
  }

  /** The end: init ends the remaining processes within `ms` and exits. */
  finish(code: number, codeWhenKilled: number, ms: number): void {
    this.#write(`finish ${code} ${codeWhenKilled} ${Math.ceil(ms)}`);
  }

  /** The end, at once: remaining processes are left alone, as far as the kernel lets them live. */
  leave(code: number): void {
    this.#write(`leave ${code}`);
  }

  #write(line: string): void {
    this.#socket.write(`${line}\n`);
  }

  #read(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#handle(line.split(' '));
  }

  #handle(words: readonly string[]): void {
    if (this.#handover !== undefined) {
      if (words[0] !== 'go') {
        this.#handover.push(words);
        if (words[0] === 'exited' || words[0] === 'lost') this.#backlog?.push(words);
        return;
      }
      this.#handedOver(this.#handover);
      this.#handover = undefined;
    } else if (this.#backlog !== undefined) this.#backlog.push(words);
    else this.#event(words);
  }

  #event(words: readonly string[]): void {
    const [word, first = '', second = '', third = '0', fourth] = words;
    switch (word) {
      case 'signal':
        this.emit('signal', first as RelayedSignal);
        break;
      case 'ignored':
        this.emit('ignored', Number(first));
        break;
      case 'exited':
        this.emit('exited', Number(first), decodeWaitStatus(Number(second), Number(third)), readMs(fourth));
        break;
      case 'lost':
        this.emit('exited', Number(first), { kind: 'lost' }, undefined);
        break;
      case 'orphan':
        this.emit('orphans', { count: Number(first), session: Number(second) });
        break;
      case 'unwatched':
        this.emit('refused', 'watch: too many are watched');
        this.emit('unwatched', Number(first));
        break;
      case 'killed': {
        const answer = this.#kills.get(Number(first));
        this.#kills.delete(Number(first));
        answer?.(Number(second));
        break;
      }
      default:
        this.emit('refused', words.slice(1).join(' '));
    }
  }
}

/** An older init does not say when. */
const readMs = (word: string | undefined): number | undefined => (word === undefined ? undefined : Number(word));

function readHandover(lines: readonly (readonly string[])[]): Handover {
  const held = new Map<string, number>();
  const watching = new Set<number>();
  let opening: readonly string[] = [];
  const ended = new Map<number, ExitStatus>();
  let previousEnd: PreviousEnd | undefined;
  let reapedTotal = 0;
  for (const words of lines) {
    const [word, first = '', second = ''] = words;
    if (word === 'init') opening = words;
    else if (word === 'held') held.set(first, Number(second));
    else if (word === 'watching') watching.add(Number(first));
    else if (word === 'reaped') reapedTotal = Number(first);
    else if (word === 'exited') ended.set(Number(first), decodeWaitStatus(Number(second)));
    else if (word === 'lost') ended.set(Number(first), { kind: 'lost' });
    else if (word === 'died') previousEnd = { how: first as PreviousEnd['how'], number: Number(second) };
  }
  const [, protocol, version = '', pid, pid1, subreaper, generation, bootMs, soft, hard] = opening;
  if (Number(protocol) !== PROTOCOL)
    throw new Error(`init speaks protocol ${protocol ?? 'none'}, this controller speaks ${PROTOCOL}`);
  return {
    initPid: Number(pid),
    pid1: pid1 === '1',
    subreaper: subreaper === '1',
    generation: Number(generation),
    version,
    bootedAtMs: Number(bootMs),
    openFilesLimit: `${soft}:${hard}`,
    previousEnd,
    reapedTotal,
    held,
    watching,
    ended,
  };
}
