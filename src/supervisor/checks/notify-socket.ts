import { mkdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Notification, native } from '../../process/native.js';
import { readProcesses } from '../../process/process-table.js';
import type { ServiceName } from '../../types/service.js';
import { type HeldDescriptor, type HeldDescriptors, shortName } from './held-descriptors.js';
import { type Notice, parseNotices } from './notify-message.js';

/**
 * Further messages wait for the next turn of the event loop: a flood of messages must not keep us.
 */
const MESSAGES_A_TURN = 64;
/** A chain of parents longer than this is no service. */
const MAX_DEPTH = 64;

export interface SocketListener {
  notice(notice: Notice): void;
  /** A message was ignored, and why. */
  refused(why: string): void;
}

/** The socket to which a service reports, in the protocol of sd_notify(3): one for each service. */
export class NotifySocket {
  readonly path: string;
  readonly #socket: HeldDescriptor;
  readonly #pid: () => number;
  readonly #listener: SocketListener;

  /**
   * Takes over that of an earlier controller, or makes one. `pid`: of the process of the service, 0
   * for none.
   */
  constructor(
    service: ServiceName,
    directory: string,
    descriptors: HeldDescriptors,
    pid: () => number,
    listener: SocketListener,
  ) {
    this.path = join(directory, shortName(service));
    this.#pid = pid;
    this.#listener = listener;
    this.#socket = descriptors.inherit(service, 'socket') ?? descriptors.hold(service, 'socket', bindAt(this.path));
    this.#socket.watch(() => this.#read());
  }

  close(): void {
    this.#socket.close();
    rmSync(this.path, { force: true });
  }

  #read(): void {
    for (let count = 0; count < MESSAGES_A_TURN; count++) {
      const notification = native().receiveNotification(this.#socket.fd);
      if (notification === undefined) return;
      this.#handle(notification);
    }
  }

  #handle(notification: Notification): void {
    const { text, descriptors } = notification;
    if (text === '') {
      this.#listener.refused('the message is empty, or longer than 4096 bytes');
      return;
    }
    const service = this.#pid();
    if (service === 0 || !speaksFor(notification, service)) {
      this.#listener.refused(
        `it is of process ${notification.pid}, uid ${notification.uid}, which is not of the service`,
      );
      return;
    }
    for (const notice of parseNotices(text)) {
      if (notice.kind === 'fdstore') this.#listener.refused(`FDSTORE: no descriptors are kept (${descriptors} came)`);
      else if (notice.kind === 'main_pid' && !isOf(notice.pid, service))
        this.#listener.refused(`MAINPID=${notice.pid} is not a process of the service`);
      else this.#listener.notice(notice);
    }
  }
}

function bindAt(path: string): number {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  // A container that has ended may have left one.
  rmSync(path, { force: true });
  return native().notifySocket(path);
}

/**
 * A sender that has ended cannot be looked at any more (systemd-notify ends at once): then its user
 * has to do. The sender may end meanwhile: its existence is looked at last.
 */
function speaksFor({ pid, uid }: Notification, service: number): boolean {
  if (pid === 0) return false;
  if (isOf(pid, service)) return true;
  return readProcesses([pid]).length === 0 && (uid === 0 || uid === userOf(service));
}

/** Whether a process is that of the service, in its session, or descends from it. */
function isOf(pid: number, service: number): boolean {
  const session = readProcesses([service])[0]?.session;
  for (let [at, depth] = [pid, 0]; at > 1 && depth < MAX_DEPTH; depth++) {
    if (at === service) return true;
    const [entry] = readProcesses([at]);
    if (entry === undefined) return false;
    if (entry.session === session) return true;
    at = entry.parentPid;
  }
  return false;
}

const userOf = (pid: number): number | undefined => statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid;
