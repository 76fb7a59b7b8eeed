import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';

/** A pipe for the output of a container. It is read only when a test asks for it. */
export class OutputPipe {
  readonly #directory = mkdtempSync('/tmp/my_init-output-');
  /** `prepare: 'exec >PATH'` */
  readonly path = join(this.#directory, 'pipe');
  readonly #reader: Socket;
  readonly #writer: number;
  readonly #chunks: Buffer[] = [];
  bytes = 0;

  constructor() {
    execFileSync('mkfifo', ['-m', '666', this.path]);
    const fd = openSync(this.path, constants.O_RDONLY | constants.O_NONBLOCK);
    // There is always a writer, so that the reader never sees the end of the file.
    this.#writer = openSync(this.path, constants.O_WRONLY);
    this.#reader = new Socket({ fd, readable: true, writable: false });
    this.#reader.pause();
    this.#reader.on('data', (chunk: Buffer) => {
      this.bytes += chunk.length;
      this.onData(chunk);
    });
  }

  /** Gets what was read; keeps it, unless a test replaces this function. */
  onData: (chunk: Buffer) => void = (chunk) => void this.#chunks.push(chunk);

  read(): void {
    this.#reader.resume();
  }

  stall(): void {
    this.#reader.pause();
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString('latin1');
  }

  close(): void {
    closeSync(this.#writer);
    this.#reader.destroy();
    rmSync(this.#directory, { recursive: true, force: true, maxRetries: 20 });
  }
}
