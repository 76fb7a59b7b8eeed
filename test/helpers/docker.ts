import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SVCTL = fileURLToPath(new URL('../../dist/svctl.js', import.meta.url));

/**
 * Stands in for Docker as `svctl -H docker://NAME` meets it: `docker exec -i NAME svctl
 * dial-stdio`. The connections of a container can be cut.
 */
export class Docker {
  readonly #directory = mkdtempSync(join(tmpdir(), 'docker-'));

  constructor() {
    const tool = `#!/bin/sh
place=${this.#directory}/$3
test ! -e "$place.cut" || { echo "Error response from daemon: container $3 is paused" >&2; exit 1; }
echo $$ >>"$place.pids"
MY_INIT_SOCKET=$(cat "$place.socket") exec ${SVCTL} dial-stdio
`;
    writeFileSync(join(this.#directory, 'docker'), tool, { mode: 0o755 });
  }

  /** To be in the environment of svctl. */
  get PATH(): string {
    return `${this.#directory}:${process.env.PATH}`;
  }

  add(name: string, socket: string): void {
    writeFileSync(join(this.#directory, `${name}.socket`), socket);
    writeFileSync(join(this.#directory, `${name}.pids`), '');
  }

  /** Kills the connections of a container, and refuses new ones until {@link mend}. */
  cut(name: string): void {
    writeFileSync(join(this.#directory, `${name}.cut`), '');
    const pids = readFileSync(join(this.#directory, `${name}.pids`), 'utf8')
      .split('\n')
      .filter(Boolean);
    writeFileSync(join(this.#directory, `${name}.pids`), '');
    for (const pid of pids) {
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch {
        // The connection has ended by itself.
      }
    }
  }

  mend(name: string): void {
    rmSync(join(this.#directory, `${name}.cut`), { force: true });
  }

  dispose(): void {
    rmSync(this.#directory, { recursive: true, force: true, maxRetries: 20 });
  }
}
