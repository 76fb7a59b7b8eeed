/**
 * A span in its two largest units: `3d 4h`, `12m 5s`, `3s`. Never negative: clocks are set now and
 * then.
 */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return two(seconds, 60, 'm', 1, 's');
  if (seconds < 86_400) return two(seconds, 3600, 'h', 60, 'm');
  return two(seconds, 86_400, 'd', 3600, 'h');
}

/** A span in its largest unit: `3d`, `12m`, `3s`. */
export function roughSpan(ms: number): string {
  return span(ms).split(' ')[0] ?? '0s';
}

/** How long something took: `12 ms`, `1.5 s`, `2m 3s`. */
export function took(seconds: number): string {
  const ms = Math.max(0, seconds * 1000);
  if (ms < 10) return `${Number(ms.toFixed(1))} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  return ms < 60_000 ? `${Number((ms / 1000).toFixed(1))} s` : span(ms);
}

/** A time on the wall, in local time with milliseconds: `03:22:11.123`. */
export function clockTime(date: Date): string {
  const ms = String(date.getMilliseconds()).padStart(3, '0');
  return `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}.${ms}`;
}

/** A date and time in local time: `2026-11-23 03:22:11`. */
export function dateTime(date: Date): string {
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  return `${day} ${clockTime(date).slice(0, 8)}`;
}

/** Reads `10`, `10s`, `500ms`, `1.5m`, `1h` as milliseconds; undefined when it is none of these. */
export function parseDuration(text: string): number | undefined {
  const [, number, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text) ?? [];
  return number === undefined ? undefined : Number(number) * (UNIT_MS[unit] ?? 1000);
}

/**
 * Reads a time in the past: `10m` before now, `03:22` or `03:22:11` of today, `2026-11-23`,
 * `2026-11-23 03:22:11` (local time, as everything without a zone), `2026-11-23T03:22:11.5Z`.
 * Undefined when it is none of these.
 */
export function parseTime(text: string, now: Date): Date | undefined {
  const span = parseDuration(text);
  if (span !== undefined) return new Date(now.getTime() - span);
  const day = `${now.getFullYear()}-${pad(now.getMonth() + 1)}-${pad(now.getDate())}`;
  const full = /^\d\d:\d\d(:\d\d(\.\d+)?)?$/.test(text) ? `${day}T${text}` : text.replace(' ', 'T');
  if (!/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/.test(full)) return undefined;
  // Date takes a date alone as UTC.
  const date = new Date(full.includes('T') ? full : `${full}T00:00`);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function two(seconds: number, large: number, largeUnit: string, small: number, smallUnit: string): string {
  const rest = Math.floor((seconds % large) / small);
  return `${Math.floor(seconds / large)}${largeUnit}${rest === 0 ? '' : ` ${rest}${smallUnit}`}`;
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}
