import { readFileSync } from 'node:fs';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { ForbiddenSignals } from './forbidden-signals.js';
import { type ProcessEntry, readProcesses, readProcessTable } from './process-table.js';

/**
 * Killed processes that are not gone after this sleep in the kernel; waiting longer would hold up
 * their service.
 */
const GIVE_UP_AFTER_MS = 2_000;
const FIRST_LOOK_MS = 2;

/** Kills what a run left behind: every process of its session whose leader is gone. */
export class SessionSweeper {
  readonly #initPid: number;
  readonly #forbidden: ForbiddenSignals;
  #wanted = new Set<number>();
  #look: Promise<readonly ProcessEntry[]> | undefined;

  constructor(initPid: number, forbidden: ForbiddenSignals) {
    this.#initPid = initPid;
    this.#forbidden = forbidden;
  }

  /** Resolves when nothing of the session is left. */
  async sweep(session: number): Promise<void> {
    for (let waitMs = FIRST_LOOK_MS, waitedMs = 0; waitedMs < GIVE_UP_AFTER_MS; waitMs = Math.min(waitMs * 2, 100)) {
      const left = await this.#leftovers(session);
      if (left.length === 0) return;
      for (const { pid } of left) this.#signal(pid, 'SIGKILL');
      await delay(waitMs);
      waitedMs += waitMs;
    }
  }

  /**
   * Asks what is left of a session to end. Resolves to whether nothing is left, at the latest when
   * the time is over.
   */
  async terminate(session: number, isOver: () => boolean): Promise<boolean> {
    const asked = new Set<number>();
    for (let waitMs = FIRST_LOOK_MS; ; waitMs = Math.min(waitMs * 2, 100)) {
      const left = await this.#leftovers(session);
      if (left.length === 0) return true;
      if (isOver()) return false;
      for (const { pid } of left) {
        if (asked.has(pid)) continue;
        asked.add(pid);
        this.#signal(pid, 'SIGTERM');
        this.#signal(pid, 'SIGCONT');
      }
      await delay(waitMs);
    }
  }

  #signal(pid: number, signal: NodeJS.Signals): void {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EPERM') this.#forbidden.add(pid, signal);
    }
  }

  /**
   * The living processes of a session. Finding them takes a look at every child of init, among them
   * all adopted services: callers in the same turn share one look.
   */
  async #leftovers(session: number): Promise<readonly ProcessEntry[]> {
    this.#wanted.add(session);
    this.#look ??= nextTurn().then(() => {
      const wanted = this.#wanted;
      this.#wanted = new Set();
      this.#look = undefined;
      return this.#living(wanted);
    });
    return (await this.#look).filter((entry) => entry.session === session);
  }

  /** The orphans of a session are init's children: where there are none, nobody is left. */
  #living(sessions: ReadonlySet<number>): readonly ProcessEntry[] {
    const ofOne = ({ session, state }: ProcessEntry): boolean => sessions.has(session) && state !== 'Z';
    const children = this.#childrenOfInit();
    if (children !== undefined && !readProcesses(children).some(ofOne)) return [];
    return readProcessTable().filter(ofOne);
  }

  /** undefined where the kernel does not tell. */
  #childrenOfInit(): readonly number[] | undefined {
    try {
      const text = readFileSync(`/proc/${this.#initPid}/task/${this.#initPid}/children`, 'latin1');
      return text.split(' ').filter(Boolean).map(Number);
    } catch {
      return undefined;
    }
  }
}
