/** The client library alone, as a package of npm: for programs that control services. */
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { PROJECT } from './project.mjs';

/** npm gives every file the same time: two archives of the same sources are equal. */
export function makeClientPackage(out) {
  // Files of an earlier build would be packed, too.
  rmSync(`${PROJECT}/clients/typescript/dist`, { recursive: true, force: true });
  execFileSync('npm', ['pack', '--silent', `${PROJECT}/clients/typescript`, '--pack-destination', out], {
    cwd: PROJECT,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}
