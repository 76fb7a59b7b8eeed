import type { Server, Socket } from 'node:net';

/**
 * The libuv handle under a stream. Node has no public name for it; this file is the only one that
 * looks at it.
 */
interface Handle {
  readonly fd: number;
  /** Bytes of a write that the kernel has not taken yet. */
  readonly writeQueueSize: number;
  setBlocking?(blocking: boolean): void;
}

/** undefined once the stream is closed. */
export function handleOf(stream: Server | Socket): Handle | undefined {
  return (stream as unknown as { readonly _handle?: Handle | null })._handle ?? undefined;
}

/** The descriptor of an open stream; undefined once it is closed. */
export function descriptorOf(stream: Server | Socket): number | undefined {
  const fd = handleOf(stream)?.fd;
  return fd !== undefined && fd >= 0 ? fd : undefined;
}
