import { type IncomingMessage, request as plainRequest, type RequestOptions } from 'node:http';
import type { Probe } from '../definition/definition.js';
import type { Checker } from './checker.js';
import { explainConnection } from './connect.js';

type HttpProbe = Extract<Probe, { kind: 'http' }>;

/** A longer body is cut off: the status has been read. */
const MAX_BODY_BYTES = 64 * 1024;

/** Passes when a GET is answered with one of the expected statuses. Redirects are not followed. */
export class HttpChecker implements Checker {
  readonly #probe: HttpProbe;

  constructor(probe: HttpProbe) {
    this.#probe = probe;
  }

  async check(signal: AbortSignal): Promise<string | undefined> {
    const { url, unix, headers, status } = this.#probe;
    const options = {
      headers: { 'user-agent': 'my_init', ...headers },
      // A new connection each time: also what listens has to answer.
      agent: false,
      // A service is asked under a local address, which no certificate names: as the kubelet does.
      rejectUnauthorized: false,
      ...(unix !== undefined && { socketPath: unix }),
    } satisfies RequestOptions & { readonly rejectUnauthorized: boolean };
    const request = url.startsWith('https:') ? (await import('node:https')).request : plainRequest;
    // The time of the check may have ended while node:https was loaded.
    if (signal.aborted) return `${url}: does not answer`;
    return new Promise((resolve) => {
      const asked = request(url, options);
      const abort = (): void => {
        resolve(`${url}: does not answer`);
        asked.destroy();
      };
      signal.addEventListener('abort', abort);
      asked.on('close', () => signal.removeEventListener('abort', abort));
      asked.on('error', (error) => resolve(explainConnection(unix ?? url, error)));
      asked.on('response', (response) => {
        const code = response.statusCode ?? 0;
        discard(response);
        resolve(status.some(([low, high]) => low <= code && code <= high) ? undefined : `${url}: answers ${code}`);
      });
      asked.end();
    });
  }
}

/** Reads the body, so that the server sees no broken connection. */
function discard(response: IncomingMessage): void {
  let bytes = 0;
  response.on('error', () => {});
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) response.destroy();
  });
}
