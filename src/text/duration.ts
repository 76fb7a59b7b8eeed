const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** The texts that {@link parseDuration} accepts. */
export const DURATION = /^(?:\d{1,9}(?:\.\d{1,3})?(?:ms|s|m|h))+$/;

/** Milliseconds of `500ms`, `10s`, `1m30s` or `1h`; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  if (!DURATION.test(text)) return undefined;
  let total = 0;
  for (const [, number, unit = ''] of text.matchAll(/([\d.]+)(ms|[smh])/g))
    total += Number(number) * (UNIT_MS[unit] ?? 0);
  return Math.round(total);
}

/**
 * The shortest text that {@link parseDuration} reads back: `90s` is `1m30s`. Whole milliseconds:
 * a difference of two times may lack a part of one.
 */
export function formatDuration(ms: number): string {
  let rest = Math.round(ms);
  let text = '';
  for (const [unit, size] of Object.entries(UNIT_MS).reverse()) {
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text || '0s';
}
