import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { page, script, style } from 'dashboard-page';
import { foreign, hasToken, newToken, SECURITY_HEADERS } from './guard.js';

/** A person's orders are short. */
const MAX_BODY_BYTES = 64 * 1024;

/** The requests that the page may make. Paths below /api/ need the token. */
export interface Routes {
  /** Writes answers of any length by itself. */
  readonly streams: Readonly<Record<string, (query: URLSearchParams, response: ServerResponse) => void>>;
  readonly answers: Readonly<Record<string, (query: URLSearchParams) => Promise<object>>>;
  readonly orders: Readonly<Record<string, (body: unknown) => Promise<object>>>;
}

/** A fault of the request, for its sender. */
export class BadRequest extends Error {
  constructor(
    message: string,
    readonly status = 400,
  ) {
    super(message);
  }
}

const FILES: Readonly<Record<string, readonly [type: string, content: string]>> = {
  '/': ['text/html; charset=utf-8', page],
  '/page.js': ['text/javascript; charset=utf-8', script],
  '/page.css': ['text/css; charset=utf-8', style],
};

/** Serves the page on 127.0.0.1 to every client that has the token. */
export class PageServer {
  readonly #token = newToken();
  readonly #routes: Routes;
  readonly #server: Server;

  constructor(routes: Routes) {
    this.#routes = routes;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  /** Rejects when the port is taken. */
  async listen(port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host: '127.0.0.1', port }, resolve);
    });
  }

  /** The token is in the fragment, which no browser sends to anybody. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}/#token=${this.#token}`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  get #port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
    try {
      const problem = foreign(request, this.#port);
      if (problem !== undefined) throw new BadRequest(problem, 403);
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1');
      const file = FILES[pathname];
      if (file !== undefined) return this.#answer(response, 200, ...file);
      if (!hasToken(request, this.#token)) throw new BadRequest('the token is missing or wrong', 401);
      const { streams, answers, orders } = this.#routes;
      const isPost = request.method === 'POST';
      const stream = isPost ? undefined : streams[pathname];
      if (stream !== undefined) return stream(searchParams, response);
      const answer = isPost ? orders[pathname] : answers[pathname];
      if (answer === undefined) throw new BadRequest('there is nothing here', 404);
      const result = await answer(isPost ? await bodyOf(request) : searchParams);
      this.#answer(response, 200, 'application/json', JSON.stringify(result));
    } catch (error) {
      const status = error instanceof BadRequest ? error.status : 502;
      const message = error instanceof Error ? error.message : String(error);
      if (!response.headersSent) this.#answer(response, status, 'application/json', JSON.stringify({ error: message }));
    }
  }

  #answer(response: ServerResponse, status: number, type: string, content: string): void {
    response.writeHead(status, { 'Content-Type': type });
    response.end(content);
  }
}

async function bodyOf(request: IncomingMessage): Promise<never> {
  if (request.headers['content-type'] !== 'application/json') throw new BadRequest('an order is JSON', 415);
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request) {
    parts.push(part);
    bytes += part.length;
    if (bytes > MAX_BODY_BYTES) throw new BadRequest('the order is too long', 413);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString()) as never;
  } catch {
    throw new BadRequest('the order is no JSON');
  }
}
