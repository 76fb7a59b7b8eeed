import { isIPv6 } from 'node:net';

/** A TCP address to listen on. Without a host: every address of the container, IPv6 and IPv4. */
export interface ListenAddress {
  readonly host: string | undefined;
  /** 0: any free port. */
  readonly port: number;
}

/** The forms that {@link parseListenAddress} reads, for messages. */
export const LISTEN_FORMS = ':9180, 127.0.0.1:9180 or [::1]:9180';

/** Reads `HOST:PORT`, `:PORT` or `[IPV6]:PORT`; undefined when the text is none of them. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const [, ipv6, name, digits] = /^(?:\[([^\]]*)\]|([\w.-]*)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535) return undefined;
  if (ipv6 !== undefined) return isIPv6(ipv6) ? { host: ipv6, port } : undefined;
  return { host: name === '' ? undefined : name, port };
}

export function formatListenAddress({ host = '', port }: ListenAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
