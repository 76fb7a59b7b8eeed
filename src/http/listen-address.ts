/** Where to listen; no host means every address of the container, IPv6 and IPv4. */
export interface ListenAddress {
  readonly host: string | undefined;
  readonly port: number;
}

/** The value of `--http-listen` cannot be used. */
export class ListenAddressError extends Error {
  override readonly name = 'ListenAddressError';
  readonly reason = 'INVALID_LISTEN_ADDRESS';
}

/**
 * Understands `HOST:PORT`, `:PORT` and `[IPV6]:PORT`. Port 0 means any free one.
 *
 * @throws ListenAddressError
 */
export function parseListenAddress(text: string): ListenAddress {
  const [, bracketed, plain, digits] = /^(?:\[([0-9A-Fa-f:.%\w]+)\]|([^:[\]\s/]*)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65535) {
    throw new ListenAddressError(
      `cannot listen on '${text}': it is none of HOST:PORT, :PORT, [IPV6]:PORT (an IPv6 address stands in brackets)`,
    );
  }
  return { host: bracketed ?? (plain === '' ? undefined : plain), port };
}
