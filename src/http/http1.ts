import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { HealthSources, Probe } from '../health/health.js';
import { type Answer, send } from './answer.js';
import type { Connections } from './connections.js';
import type { Metrics } from './metrics.js';
import { probeAnswer } from './probe-answer.js';
import { scrape } from './scrape.js';

/** Enough for any request that my_init answers; a client that sends more is mistaken. */
const MAX_HEADER_BYTES = 8192;
/**
 * From the first byte of the answer's making to its last on the way. Above the 10 s of Prometheus
 * nobody waits for it.
 */
const ANSWER_MS = 15_000;
/** A kept connection may rest this long: above the scrape interval of 60 s that is usual. */
const KEEP_ALIVE_MS = 75_000;
const MAX_SCRAPES = 3;

export interface Http1Options {
  readonly health: HealthSources;
  readonly connections: Connections;
  readonly log: (message: string) => void;
  readonly metrics: Metrics;
}

/** Answers HTTP/1.1 on connections that are handed to it. */
export interface Http1 {
  serve(socket: Socket): void;
}

export function http1(options: Http1Options): Http1 {
  const { connections } = options;
  const routes = routesOf(options);
  const server: Server = createServer(
    { maxHeaderSize: MAX_HEADER_BYTES, keepAliveTimeout: 0 },
    async (request, response) => {
      const { socket } = request;
      connections.busy(socket, ANSWER_MS);
      response.once('close', () => connections.idle(socket, KEEP_ALIVE_MS));
      try {
        const answer = await answerOf(request, response, routes);
        if (!response.destroyed) send(request, response, answer);
      } catch (error) {
        options.log(`http: ${JSON.stringify(request.url)} cannot be answered: ${String(error)}`);
        if (!response.headersSent) send(request, response, { status: 500, body: 'internal error\n' });
      }
    },
  );
  return {
    serve: (socket) => {
      server.emit('connection', socket);
      // The socket was paused when its first bytes were put back.
      socket.resume();
    },
  };
}

type Route = (request: IncomingMessage, response: ServerResponse, query: URLSearchParams) => Promise<Answer>;

function routesOf({ health, metrics }: Http1Options): ReadonlyMap<string, Route> {
  const probeRoute =
    (name: Probe): Route =>
    async (_request, _response, query) =>
      probeAnswer(name, health, query.has('verbose'));
  return new Map([
    ['/livez', probeRoute('liveness')],
    ['/metrics', scrapeRoute(metrics)],
    ['/readyz', probeRoute('readiness')],
    ['/startupz', probeRoute('startup')],
  ]);
}

function scrapeRoute(metrics: Metrics): Route {
  let inProgress = 0;
  return async (request, response) => {
    if (inProgress >= MAX_SCRAPES) {
      metrics.reject();
      return { status: 503, body: `${MAX_SCRAPES} scrapes are in progress\n`, headers: { 'Retry-After': '1' } };
    }
    inProgress += 1;
    // A scrape is in progress until its answer is sent, not only made: an unread answer occupies
    // memory.
    response.once('close', () => {
      inProgress -= 1;
    });
    return scrape(metrics, request.headers);
  };
}

async function answerOf(
  request: IncomingMessage,
  response: ServerResponse,
  routes: ReadonlyMap<string, Route>,
): Promise<Answer> {
  const [path = '', query = ''] = (request.url ?? '').split('?', 2);
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return { status: 405, body: 'only GET and HEAD: nothing can be changed here\n', headers: { Allow: 'GET, HEAD' } };
  }
  const route = routes.get(path);
  if (!route) return { status: 404, body: `there is only\n${[...routes.keys()].join('\n')}\n` };
  return route(request, response, new URLSearchParams(query));
}
