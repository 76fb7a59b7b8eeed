import { readProcesses } from './process-table.js';

/** Enough to say each once; a container in which more is forbidden has said it often. */
const REMEMBERED = 1_000;

/**
 * Says which signals the kernel did not let us send: without the capability KILL, root cannot
 * signal another user's process.
 */
export class ForbiddenSignals {
  readonly #warn: (text: string) => void;
  readonly #said = new Set<string>();

  constructor(warn: (text: string) => void) {
    this.#warn = warn;
  }

  /** A signal to a process, or to the group that it leads, was refused with EPERM. */
  add(pid: number, signal: string): void {
    const what = `${signal} ${pid}`;
    if (this.#said.has(what) || this.#said.size >= REMEMBERED) return;
    this.#said.add(what);
    const name = readProcesses([pid])[0]?.name ?? 'gone';
    this.#warn(
      `${signal} could not be sent to process ${pid} (${name}): it is another user's, and my_init lacks the capability KILL (docker run --cap-add KILL)`,
    );
  }
}
