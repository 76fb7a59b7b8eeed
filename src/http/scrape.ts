import type { IncomingHttpHeaders } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Answer } from './answer.js';
import { expose } from './exposition.js';
import type { Metrics } from './metrics.js';
import { acceptsGzip, preferredFormat } from './negotiate.js';

const compress = promisify(gzip);

/** Answers one scrape in the format and encoding that the scraper asks for. */
export async function scrape(metrics: Metrics, headers: IncomingHttpHeaders): Promise<Answer> {
  const { contentType, text } = await expose(await metrics.collect(), preferredFormat(headers.accept));
  const common = { 'Content-Type': contentType, Vary: 'Accept, Accept-Encoding' };
  if (!acceptsGzip(headers['accept-encoding'])) return { status: 200, body: text, headers: common };
  const body = await compress(text, { level: 1 });
  return { status: 200, body, headers: { ...common, 'Content-Encoding': 'gzip' } };
}
