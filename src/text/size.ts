const UNITS: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

/** The texts that {@link parseSize} accepts. */
export const SIZE = /^(\d{1,9})([kmg]?)$/;

/** Bytes of `65536`, `64k`, `512m` or `1g`; undefined for anything else. */
export function parseSize(text: string): number | undefined {
  const [, number, unit = ''] = SIZE.exec(text) ?? [];
  return number === undefined ? undefined : Number(number) * (UNITS[unit] ?? 1);
}

/** The shortest text that {@link parseSize} reads back. */
export function formatSize(bytes: number): string {
  for (const [unit, size] of Object.entries(UNITS).reverse())
    if (bytes >= size && bytes % size === 0) return `${bytes / size}${unit}`;
  return String(bytes);
}

/** For people: `480 MiB`, `1.5 GiB`. */
export function roughSize(bytes: number): string {
  if (bytes >= 2 ** 30) return `${Number((bytes / 2 ** 30).toFixed(1))} GiB`;
  return bytes >= 2 ** 20 ? `${Math.round(bytes / 2 ** 20)} MiB` : `${Math.round(bytes / 2 ** 10)} KiB`;
}
