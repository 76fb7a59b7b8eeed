/** An amount of memory: `812K`, `4.1M`, `1.5G`. */
export function memory(bytes: bigint): string {
  const kib = Number(bytes) / 1024;
  if (kib < 1024) return `${Math.round(kib)}K`;
  return kib < 1024 * 1024 ? `${(kib / 1024).toFixed(1)}M` : `${(kib / 1024 / 1024).toFixed(1)}G`;
}
