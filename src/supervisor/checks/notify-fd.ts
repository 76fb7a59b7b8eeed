import { readSync } from 'node:fs';
import type { HeldDescriptor } from './held-descriptors.js';

const NEWLINE = 10;
const PIECE_BYTES = 4_096;

export interface PipeListener {
  ready(): void;
  broken(problem: string): void;
}

/**
 * Waits for the newline that a service writes to its notification descriptor when it is ready
 * (https://skarnet.org/software/s6/notifywhenup.html). Then, and at its end, the pipe is closed.
 */
export function awaitNewline(pipe: HeldDescriptor, listener: PipeListener): void {
  pipe.watch(() => {
    const piece = Buffer.alloc(PIECE_BYTES);
    const length = readSync(pipe.fd, piece, 0, PIECE_BYTES, null);
    if (length > 0 && !piece.subarray(0, length).includes(NEWLINE)) return;
    pipe.close();
    if (length > 0) listener.ready();
    else listener.broken('closed its notification descriptor without writing a newline to it');
  });
}
