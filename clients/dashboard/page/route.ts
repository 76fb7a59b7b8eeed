// The view on the screen is in the fragment of the address, so that going back and reloading work.
import { signal } from '@preact/signals';

/** `services`, `service/0/web`, `logs/0/web` … */
export const route = signal(current());

addEventListener('hashchange', () => {
  route.value = current();
});

function current(): readonly string[] {
  const parts = location.hash.replace(/^#\/?/, '').split('/').filter(Boolean).map(decodeURIComponent);
  return parts.length === 0 || parts[0]?.startsWith('token=') ? ['services'] : parts;
}

export const linkTo = (...parts: readonly (string | number)[]): string =>
  `#/${parts.map((part) => encodeURIComponent(part)).join('/')}`;
