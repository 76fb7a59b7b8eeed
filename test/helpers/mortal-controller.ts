import {
  chmodSync,
  copyFileSync,
  cpSync,
  linkSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileChangedAddon, compileChangedInit } from './changed-native.js';
import type { TestContainer } from './container.js';
import { waitFor } from './wait-for.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FIXTURE = join(ROOT, 'test/pid1/fixtures/mortal.cjs');

/** Lifts the limit of five deaths within a minute: there are never five within a millisecond. */
const UNTIRING = { 'controller.c': [['#define DEATHS_WITHIN (60 * SECOND)', '#define DEATHS_WITHIN 1']] } as const;

/** A blocked event loop is noticed after half a second of computing instead of five. */
const HURRIED = {
  'addon.c': [
    ['#define BLOCKED_CPU_SECONDS 5', '#define BLOCKED_CPU_SECONDS 1'],
    [
      '.it_interval.tv_sec = 1, .it_value.tv_sec = 1',
      '.it_interval.tv_nsec = 500000000, .it_value.tv_nsec = 500000000',
    ],
  ],
} as const;

/** How a controller can fail; see the fixture. */
export type Failure = 'throw' | 'reject' | 'heap' | 'abort' | 'exit' | 'SIGSEGV' | 'SIGKILL' | 'SIGSTOP' | 'block';

/** A death at each act takes minutes: `MY_INIT_TEST_STEP=1` asks for that. */
export const STEP = Number(process.env.MY_INIT_TEST_STEP ?? 0);

/** The time limit of a test in which the controller dies later and later. */
export const LIMIT_MS = 1_000_000;

/**
 * The built my_init, with its own `node` that loads a fixture into the controller: the controller
 * dies by its own act. With `untiring`, init restarts it however often it dies; with `hurried`, a
 * blocked controller is noticed after a tenth of the CPU time.
 */
export class MortalController {
  readonly installation = mkdtempSync(join(tmpdir(), 'my_init-mortal-'));

  constructor({ untiring = false, hurried = false } = {}) {
    const dist = join(ROOT, 'dist');
    chmodSync(this.installation, 0o755);
    for (const name of readdirSync(dist)) {
      const [from, to] = [join(dist, name), join(this.installation, name)];
      if (name === 'lib') cpSync(from, to, { recursive: true });
      else if (!(untiring && name === 'my_init') && !(hurried && name === 'addon.node')) copy(from, to);
    }
    if (hurried) compileChangedAddon(join(this.installation, 'addon.node'), HURRIED);
    if (untiring) compileChangedInit(join(this.installation, 'my_init'), UNTIRING);
    const fixture = join(this.installation, 'mortal.cjs');
    copyFileSync(FIXTURE, fixture);
    writeFileSync(join(this.installation, 'node'), `#!/bin/sh\nexec ${process.execPath} --require ${fixture} "$@"\n`, {
      mode: 0o755,
    });
  }

  /** Makes the controller fail in this way by its own act. */
  async fail(container: TestContainer, failure: Failure): Promise<void> {
    await this.#order(container, failure);
  }

  /**
   * From now on the controller has this many acts left: a write, a start of a process, a file
   * opened or closed.
   */
  async doom(container: TestContainer, acts: number): Promise<void> {
    await this.#order(container, String(acts));
  }

  /** The next controller has this many acts from its very beginning. */
  doomNext(acts: number): void {
    writeFileSync(join(this.installation, 'doom'), String(acts));
  }

  /** The next controller does not begin until the returned function is called. */
  keepNextAway(): () => void {
    const away = join(this.installation, 'away');
    writeFileSync(away, '');
    return () => rmSync(away);
  }

  /** Where in the program the controller died. */
  get diedAt(): string {
    return readFileSync(join(this.installation, 'died-at'), 'utf8');
  }

  dispose(): void {
    rmSync(this.installation, { recursive: true, force: true, maxRetries: 20 });
  }

  /** Each controller listens at a name with its pid in its own namespace. */
  async #order(container: TestContainer, order: string): Promise<void> {
    await waitFor('the controller to listen', async () => {
      const pid = ownPidOf(await container.controller());
      if (pid === undefined) return false;
      const path = join(this.installation, `doom-${pid}`);
      return new Promise<boolean>((resolve) => {
        const socket = connect(path, () => socket.end(order));
        socket.once('error', () => resolve(false)).resume();
        socket.once('end', () => resolve(true));
      });
    });
  }
}

function copy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    cpSync(from, to, { recursive: true });
  }
}

/** The pid that a process has in its innermost PID namespace; undefined if the process is gone. */
function ownPidOf(pid: number): string | undefined {
  try {
    return /^NSpid:.*\s(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}
