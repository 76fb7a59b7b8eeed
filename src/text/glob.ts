/**
 * Whether a name matches a pattern with `*` (any text) and `?` (one character); only a pattern with
 * a `/` matches names with one. Takes at most length × length steps.
 */
export function matchesGlob(pattern: string, name: string): boolean {
  if (name.includes('/') && !pattern.includes('/')) return false;
  let p = 0;
  let n = 0;
  let star = -1;
  let starName = 0;
  while (n < name.length) {
    if (pattern[p] === '*') {
      star = p++;
      starName = n;
    } else if (pattern[p] === '?' || pattern[p] === name[n]) {
      p++;
      n++;
    } else if (star >= 0) {
      // Let the latest star take one character more.
      p = star + 1;
      n = ++starName;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}
