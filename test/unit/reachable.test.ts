import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from '@jest/globals';

const REACHABLE = fileURLToPath(new URL('../reachable', import.meta.url));
/** Prints the working directory, and what another user can read there. */
const LOOK =
  'pwd; setpriv --reuid=65534 --regid=65534 --clear-groups cat "$PWD/dist/svctl.js" 2>/dev/null || echo closed';

let home: string;
afterEach(() => rmSync(home, { recursive: true }));

test.each([
  { mode: '700', place: /^\/tmp\/my_init-checkout-/ },
  { mode: '755', place: /\/checkout$/ },
])('a checkout below a directory of mode $mode runs where other users can reach it', ({ mode, place }) => {
  home = mkdtempSync('/tmp/my_init-home-');
  const checkout = join(home, 'closed/checkout');
  for (const directory of ['dist', 'test']) mkdirSync(join(checkout, directory), { recursive: true });
  execFileSync('chmod', ['755', home]);
  execFileSync('chmod', [mode, join(home, 'closed')]);
  writeFileSync(join(checkout, 'dist/svctl.js'), 'found\n');
  copyFileSync(REACHABLE, join(checkout, 'test/reachable'));
  const [where, what] = execFileSync(join(checkout, 'test/reachable'), ['sh', '-c', LOOK], { encoding: 'utf8' })
    .trim()
    .split('\n');
  expect(where).toMatch(place);
  expect(what).toBe('found');
});
