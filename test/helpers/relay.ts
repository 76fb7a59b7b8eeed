import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/**
 * A socket that leads to an API and can cut its connections. The address stays the same across
 * servers, as with init.
 */
export class Relay {
  readonly path = join(mkdtempSync(join(tmpdir(), 'svctl-')), 'relay.sock');
  /** While undefined, connections are accepted and cut. */
  target: string | undefined;
  connections = 0;
  readonly #ends = new Set<net.Socket>();
  readonly #server = net.createServer((socket) => {
    this.connections++;
    this.#hold(socket);
    if (this.target === undefined) {
      socket.destroy();
      return;
    }
    const behind = net.connect(this.target);
    this.#hold(behind);
    // A controller that is killed before it has read everything resets the connection (unix(7)):
    // `pipe` passes on an end, but no error.
    behind.once('error', () => socket.destroy());
    socket.once('error', () => behind.destroy());
    socket.pipe(behind).pipe(socket);
  });

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.path, resolve));
  }

  cut(): void {
    for (const end of this.#ends) end.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(dirname(this.path), { recursive: true, maxRetries: 20 });
  }

  #hold(end: net.Socket): void {
    this.#ends.add(end);
    end.on('error', () => undefined);
    end.on('close', () => this.#ends.delete(end));
  }
}
