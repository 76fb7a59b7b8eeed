import type { Socket } from 'node:net';
import type { Access } from './access.js';

/**
 * Many times more than a busy sidecar needs. Clients with read access cannot take the places of
 * clients with full access.
 */
const MAX_CONNECTIONS: Readonly<Record<Access, number>> = { full: 128, read: 64 };

/** The preface of HTTP/2 (RFC 9113, 3.4), which all clients send at once. */
const PREFACE_BYTES = 24;

/** Counts the connections of each access, and closes silent ones. */
export class Connections {
  readonly #prefaceTimeoutMs: number;
  readonly #open: Readonly<Record<Access, Set<Socket>>> = { full: new Set(), read: new Set() };

  /** @param prefaceTimeoutMs how long a client may take to say its first 24 bytes */
  constructor(prefaceTimeoutMs: number) {
    this.#prefaceTimeoutMs = prefaceTimeoutMs;
  }

  /** Whether the connection has a place; without one it is closed. */
  admit(socket: Socket, access: Access): boolean {
    const open = this.#open[access];
    if (open.size >= MAX_CONNECTIONS[access]) {
      socket.destroy();
      return false;
    }
    open.add(socket);
    const timer = setTimeout(() => {
      if (socket.bytesRead < PREFACE_BYTES) socket.destroy();
    }, this.#prefaceTimeoutMs);
    socket.once('close', () => {
      clearTimeout(timer);
      open.delete(socket);
    });
    return true;
  }

  /**
   * Resolves when every connection that is open now has closed: its last bytes, such as a status,
   * are with the kernel.
   */
  async closed(): Promise<void> {
    await Promise.all(this.#sockets().map((socket) => new Promise((resolve) => socket.once('close', resolve))));
  }

  /** Closes what is still open, whether or not the other end reads. */
  destroyAll(): void {
    for (const socket of this.#sockets()) socket.destroy();
  }

  #sockets(): readonly Socket[] {
    return [...this.#open.full, ...this.#open.read];
  }
}
