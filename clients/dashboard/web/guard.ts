import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** 256 bits. */
export const newToken = (): string => randomBytes(32).toString('base64url');

/**
 * Whether a request comes from our own page, as far as its headers tell; else why not. Browsers
 * send these headers truthfully for every page, so a page of another origin, or of another name for
 * 127.0.0.1, fails here.
 */
export function foreign({ headers }: IncomingMessage, port: number): string | undefined {
  const { host = '', origin } = headers;
  const names = [`127.0.0.1:${port}`, `localhost:${port}`];
  if (!names.includes(host)) return 'the Host of this request is not that of the dashboard';
  if (origin !== undefined && origin !== `http://${host}`) return 'the Origin of this request is not the dashboard';
  // The page itself holds no secret: a link to it may be anywhere, as in the file that opens the
  // browser.
  if (headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document') return undefined;
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return 'this request comes from another site';
  return undefined;
}

/**
 * The token comes in a header. A cookie would go to every server on 127.0.0.1, whatever its port.
 */
export function hasToken({ headers }: IncomingMessage, token: string): boolean {
  const given = Buffer.from(headers.authorization ?? '');
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'Cache-Control': 'no-store',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
};
