import type { Socket } from 'node:net';

export type Protocol = 'http1' | 'http2';

/** The first bytes of every HTTP/2 connection (RFC 9113 section 3.4), and of no HTTP/1 request. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/**
 * Detects the protocol of a client by its first bytes and calls back once. The bytes are put back
 * and the socket is paused, so that the next reader gets them all. A client that ends too early to
 * tell is closed without a call.
 */
export function detectProtocol(socket: Socket, decided: (protocol: Protocol) => void): void {
  let head: Buffer = Buffer.alloc(0);
  const look = (chunk: Buffer): void => {
    head = Buffer.concat([head, chunk]);
    const same = head.subarray(0, PREFACE.length).equals(PREFACE.subarray(0, head.length));
    if (same && head.length < PREFACE.length) return;
    socket.off('data', look).off('end', giveUp);
    socket.pause();
    socket.unshift(head);
    decided(same ? 'http2' : 'http1');
  };
  const giveUp = (): void => {
    socket.destroy();
  };
  socket.on('data', look).on('end', giveUp);
}
