import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** The process at the other end of a Unix socket, as the kernel vouches for it. */
export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups; empty where the kernel does not tell them. */
  readonly groups: readonly number[];
}

/** A datagram of sd_notify(3), and its sender as the kernel vouches for it. */
export interface Notification {
  /** '' when it was longer than 4,096 bytes. */
  readonly text: string;
  /** 0 for a process outside our PID namespace. */
  readonly pid: number;
  readonly uid: number;
  /** The number of descriptors that came with the message; they are closed. */
  readonly descriptors: number;
}

/** The handle of a callback for new data on a descriptor; only the addon can look inside. */
export type ReadableWatch = { readonly brand: unique symbol };

/** addon.c. */
interface BasicFunctions {
  /** `SO_PEERCRED` and `SO_PEERGROUPS`, socket(7). */
  peerCredentials(socketFd: number): PeerCredentials;
  /** Sends `payload` and one descriptor over a `SOCK_SEQPACKET` socket, `SCM_RIGHTS` of unix(7). */
  sendDescriptor(socketFd: number, payload: string, fd: number): void;
  /** An anonymous file in memory, memfd_create(2), close-on-exec. */
  memfd(name: string): number;
  /**
   * A pipe, close-on-exec: the end to read, which waits for data if `waits`, and the end to write.
   * Its mode is 0622, so that a process which has given up its privileges can still open it as
   * `/dev/stdout`.
   */
  pipe(waits: boolean): readonly [read: number, write: number];
  /** Makes `fd` another descriptor, dup2(2), and returns a duplicate of the old one. */
  replaceDescriptor(fd: number, by: number): number;
  /**
   * Ends the process, with a word on descriptor 2, when its main thread has computed for seconds
   * without one turn of the event loop. CPU time counts: an idle process is never woken, and a
   * process that is only slow is left alone.
   */
  endWhenBlocked(): void;
  /**
   * signal(2) with SIG_IGN. Node can only handle a signal, which the kernel does not take for
   * ignoring it.
   */
  ignoreSignal(number: number): void;
}

/** addon-spawn.c: processes without libuv. */
interface SpawnFunctions {
  /**
   * Starts `command`, whose first word is a file, with an empty environment. These descriptors
   * alone become its 0, 1, 2 … (-1 is /dev/null); 0, 1 and 2 are blocking. All its signals are
   * blocked. Returns its pid; the caller waits for the process with {@link ended} and {@link reap}.
   */
  spawn(command: readonly string[], descriptors: readonly number[]): number;
  /**
   * The pid and wait status, wait(2), of a child that has ended, `pid` or any (0), and the peak of
   * its memory; undefined when it has not ended. The child stays a zombie.
   */
  ended(pid: number): readonly [pid: number, status: number, peakKilobytes: number] | undefined;
  /** Waits for a child that has ended: its pid may be given to somebody else from now on. */
  reap(pid: number): void;
}

/** addon-watch.c: descriptors in the event loop. */
interface WatchFunctions {
  /**
   * Calls the listener in a turn of the event loop as long as there is something to read, once
   * {@link watchOn} says so; the descriptor is read by the listener. Does not keep the process
   * running.
   */
  watchReadable(fd: number, listener: () => void): ReadableWatch;
  watchOn(watch: ReadableWatch, on: boolean): void;
  /** The descriptor may be closed from then on; the watch is of no use any more. */
  endWatch(watch: ReadableWatch): void;
}

/** addon-logs.c: functions that touch every byte of a log. */
interface LogFunctions {
  /**
   * Reads a pipe: writes the first `used` bytes of the buffer to the beginning of the
   * file, moves what the pipe has, as far as the buffer has room, into the file behind them, and
   * then into the buffer. The file's position tells how much was moved, whenever the process is
   * killed. Returns how many bytes that were, 0 when the pipe is empty.
   */
  readPipe(pipe: number, file: number, buffer: Buffer, used: number): number;
  /** How many bytes a pipe holds now. */
  readableBytes(pipe: number): number;
  /**
   * Makes CRI records with this head from the lines between `start` and `end` that are complete, or
   * longer than a record can be, until `out` is full. `result`: end of the lines done, bytes of
   * records, number of records.
   */
  stamp(text: Buffer, start: number, end: number, head: Buffer, out: Buffer, result: Int32Array): void;
  /**
   * Appends the text of the CRI records between `start` and `end` to the first `used` bytes of
   * `out`, up to a record that is a piece of a line. `streams`: 1 is standard output, 2 is standard
   * error; records of other streams are passed over. `result`: end of the records done, end of the
   * text in `out`, number of records; bytes and records of standard error among them.
   */
  unstamp(
    records: Buffer,
    start: number,
    end: number,
    streams: number,
    out: Buffer,
    used: number,
    result: Int32Array,
  ): void;
}

/** addon-notify.c: the socket of sd_notify(3). */
interface NotifyFunctions {
  /**
   * A datagram socket at a path, open to everybody, that receives credentials (`SO_PASSCRED`,
   * unix(7)). The socket never waits.
   */
  notifySocket(path: string): number;
  /** The next datagram of such a socket; undefined when there is none. */
  receiveNotification(socketFd: number): Notification | undefined;
}

/** addon-inotify.c */
interface InotifyFunctions {
  /** inotify_init1(2), close-on-exec, reads do not wait. */
  openInotify(): number;
  /**
   * inotify_add_watch(2). Returns the watch descriptor: the same number for as long as the path
   * leads to the same inode.
   */
  addWatch(inotify: number, path: string, mask: number): number;
  /** inotify_rm_watch(2). */
  removeWatch(inotify: number, watch: number): void;
}

/** addon-supervise.c: functions for runit's protocol. */
interface SuperviseFunctions {
  /** mkfifo(3). */
  mkfifo(path: string, mode: number): void;
  /**
   * flock(2), exclusive and without waiting, or its end. Returns whether it is ours: false when
   * somebody else has it.
   */
  lock(fd: number, wanted: boolean): boolean;
}

/**
 * Functions that Node lacks: one interface for each C file. Each function throws an Error with
 * `code` (`EAGAIN` …) and `syscall`.
 */
type Native = BasicFunctions &
  InotifyFunctions &
  SpawnFunctions &
  WatchFunctions &
  LogFunctions &
  NotifyFunctions &
  SuperviseFunctions;

/**
 * The path of a part of the installation: beside the bundle, above its chunks, or in `dist` when
 * run from the sources.
 */
export function installed(name: string): string {
  for (const place of ['./', '../', '../../dist/']) {
    const path = fileURLToPath(new URL(place + name, import.meta.url));
    if (existsSync(path)) return path;
  }
  throw new Error(`my_init is not installed completely: ${name} is missing (npm run build makes it)`);
}

let loaded: Native | undefined;

/** The addon, loaded when it is first needed. */
export function native(): Native {
  loaded ??= createRequire(import.meta.url)(installed('addon.node')) as Native;
  return loaded;
}
