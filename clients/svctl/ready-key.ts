import { usage } from './options.js';

/** Kinds of probes whose value is a path, a pattern or a time as it stands. */
const PLAIN = ['unix', 'file', 'log', 'delay'];

/**
 * The value of `--ready` as the key `ready` of service.yaml: `tcp:3000` is `{tcp:
 * "localhost:3000"}`. my_init judges whether the value is valid.
 */
export function readyKey(text: string): object {
  if (/^https?:\/\//.test(text)) return { http: literal(text) };
  if (text === 'notify') return { notify: true };
  const [, kind = '', value = ''] = /^([a-z_]+):(.+)$/s.exec(text) ?? [];
  if (PLAIN.includes(kind)) return { [kind]: literal(value) };
  if (kind === 'tcp') return { tcp: withHost(value) };
  if (kind === 'grpc') return { grpc: { address: withHost(value) } };
  if (kind === 'exec') return { exec: ['/bin/sh', '-c', literal(value)] };
  if (kind === 'notify_fd' && /^\d+$/.test(value)) return { notify_fd: Number(value) };
  throw usage(
    `--ready cannot be "${text}"`,
    'Use one of tcp:PORT, http://…, unix:PATH, file:PATH, grpc:PORT, log:PATTERN, exec:COMMAND, delay:TIME, notify, notify_fd:NUMBER.',
  );
}

const withHost = (address: string): string => literal(/^\d+$/.test(address) ? `localhost:${address}` : address);

/** The shell has done all expansion already. */
export const literal = (text: string): string => text.replaceAll('$', '$$$$');
