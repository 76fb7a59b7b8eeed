import type { Socket } from 'node:net';

/**
 * The open connections: limited in number, and each has a time limit. When all places are taken,
 * the connection that has been idle the longest makes room, so that silent clients cannot lock a
 * probe out.
 *
 * The time limits of `http.Server` are no substitute: they need a server that listens by itself,
 * and a timer that never rests.
 */
export class Connections {
  readonly #limit: number;
  readonly #deadlines = new Map<Socket, NodeJS.Timeout | undefined>();
  /** In the order in which they became idle. */
  readonly #idle = new Set<Socket>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#deadlines.size;
  }

  /**
   * Takes a new connection in, as an idle one. Returns false, and destroys it, when there is no
   * place for it.
   */
  admit(socket: Socket, idleMs: number): boolean {
    socket.on('error', () => socket.destroy());
    if (this.size >= this.#limit && !this.#makeRoom()) {
      socket.destroy();
      return false;
    }
    this.#deadlines.set(socket, undefined);
    socket.once('close', () => this.#forget(socket));
    this.idle(socket, idleMs);
    return true;
  }

  /** Marks a connection as idle: it is closed unless it becomes busy within the time. */
  idle(socket: Socket, withinMs: number): void {
    if (!this.#deadlines.has(socket)) return;
    this.#expect(socket, withinMs);
    this.#idle.delete(socket);
    this.#idle.add(socket);
  }

  /**
   * Marks a connection as busy: it is closed if serving takes longer than the limit. Without a
   * limit, the server of the connection looks after it.
   */
  busy(socket: Socket, withinMs?: number): void {
    if (!this.#deadlines.has(socket)) return;
    this.#expect(socket, withinMs);
    this.#idle.delete(socket);
  }

  destroyAll(): void {
    for (const socket of this.#deadlines.keys()) socket.destroy();
  }

  #expect(socket: Socket, withinMs: number | undefined): void {
    clearTimeout(this.#deadlines.get(socket));
    const timer = withinMs === undefined ? undefined : setTimeout(() => this.#lapse(socket, timer), withinMs);
    this.#deadlines.set(socket, timer);
  }

  /** Where the event loop was held up, a request that came in time is read before this is over. */
  #lapse(socket: Socket, timer: NodeJS.Timeout | undefined): void {
    setImmediate(() => {
      if (this.#deadlines.get(socket) === timer) socket.destroy();
    });
  }

  #makeRoom(): boolean {
    const [longest] = this.#idle;
    if (!longest) return false;
    longest.destroy();
    this.#forget(longest);
    return true;
  }

  #forget(socket: Socket): void {
    clearTimeout(this.#deadlines.get(socket));
    this.#deadlines.delete(socket);
    this.#idle.delete(socket);
  }
}
