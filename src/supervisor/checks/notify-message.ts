import { printable } from '../../text/printable.js';

/** A notification of a service by sd_notify(3), one variable of a datagram each. */
export type Notice =
  | { readonly kind: 'ready' | 'stopping' | 'reloading' | 'watchdog' | 'watchdog_trigger' | 'fdstore' }
  | { readonly kind: 'status'; readonly text: string }
  | { readonly kind: 'main_pid'; readonly pid: number }
  /** 0: no watchdog any more. */
  | { readonly kind: 'watchdog_interval' | 'extend_timeout'; readonly ms: number };

/** As much as a line of a table shows, and a record of the service has room for. */
const MAX_STATUS_LENGTH = 200;

/**
 * Reads a datagram. Variables that are not ours to act on (ERRNO, BUSERROR, X_…) are left out, as
 * sd_notify(3) demands.
 */
export function parseNotices(text: string): readonly Notice[] {
  return text.split('\n').flatMap((line) => {
    const equals = line.indexOf('=');
    return equals <= 0 ? [] : (noticeOf(line.slice(0, equals), line.slice(equals + 1)) ?? []);
  });
}

function noticeOf(name: string, value: string): Notice | undefined {
  switch (name) {
    case 'READY':
      return value === '1' ? { kind: 'ready' } : undefined;
    case 'STOPPING':
      return value === '1' ? { kind: 'stopping' } : undefined;
    case 'RELOADING':
      return value === '1' ? { kind: 'reloading' } : undefined;
    case 'STATUS':
      return { kind: 'status', text: printable(value.slice(0, MAX_STATUS_LENGTH)) };
    case 'MAINPID':
      return /^[1-9]\d{0,9}$/.test(value) ? { kind: 'main_pid', pid: Number(value) } : undefined;
    case 'WATCHDOG':
      if (value === 'trigger') return { kind: 'watchdog_trigger' };
      return value === '1' ? { kind: 'watchdog' } : undefined;
    case 'WATCHDOG_USEC':
      return duration('watchdog_interval', value);
    case 'EXTEND_TIMEOUT_USEC':
      return duration('extend_timeout', value);
    case 'FDSTORE':
      return value === '1' ? { kind: 'fdstore' } : undefined;
    default:
      return undefined;
  }
}

/** Longer times do not fit into a timer of Node: no limit. */
const MAX_MS = 2 ** 31 - 1;

function duration(kind: 'watchdog_interval' | 'extend_timeout', microseconds: string): Notice | undefined {
  if (!/^\d{1,20}$/.test(microseconds)) return undefined;
  return { kind, ms: Math.min(Math.ceil(Number(microseconds) / 1_000), MAX_MS) };
}
