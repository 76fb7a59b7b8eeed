import type { IncomingMessage, ServerResponse } from 'node:http';

/** An answer of the HTTP port, whole: nothing is streamed. */
export interface Answer {
  readonly status: number;
  readonly body: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends an answer; of a HEAD request only its head. */
export function send(request: IncomingMessage, response: ServerResponse, { status, body, headers }: Answer): void {
  const all = {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(body)),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    // Requests after a body that nobody wants are not read.
    ...(hasBody(request) ? { Connection: 'close' } : {}),
    ...headers,
  };
  response.writeHead(status, all).end(body);
}

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
