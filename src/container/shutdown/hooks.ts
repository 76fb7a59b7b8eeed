import { dirname } from 'node:path';
import { monotonicMs } from '../../process/clock.js';
import { within } from '../../process/within.js';
import type { Messages } from '../../settings/messages.js';
import type { RecordKind, RecordTable } from '../../state/records.js';
import type { ScriptRunner } from '../script-runner.js';
import { AFTER_KILL_MS } from './shutdown-plan.js';

export const PRE_SHUTDOWN = '/etc/my_init.pre_shutdown.d';
export const POST_SHUTDOWN = '/etc/my_init.post_shutdown.d';

/** Whether a script belongs to the shutdown. */
export const isHook = (path: string): boolean => [PRE_SHUTDOWN, POST_SHUTDOWN].includes(dirname(path));

/** The hooks that were begun, by path: none is run twice. */
export const HOOK_RECORD: RecordKind<true> = { key: 'hook', decode: (value) => (value === true ? value : undefined) };

/** Runs the hooks of one directory, one after the other. */
export class Hooks {
  /** Settles when the last of them has ended. */
  readonly over: Promise<void>;
  readonly #scripts: ScriptRunner;
  readonly #records: RecordTable<true>;
  readonly #messages: Messages;
  readonly #cut = new AbortController();
  readonly #stop: AbortSignal;
  #running = '';
  #rest: readonly string[];

  /** `killNow` is aborted when nobody waits any longer. */
  constructor(
    paths: readonly string[],
    scripts: ScriptRunner,
    records: RecordTable<true>,
    messages: Messages,
    killNow: AbortSignal,
  ) {
    this.#stop = AbortSignal.any([this.#cut.signal, killNow]);
    this.#scripts = scripts;
    this.#records = records;
    this.#messages = messages;
    this.#rest = paths;
    this.over = this.#run();
  }

  /** The hook that runs now, '' when none does. */
  get running(): string {
    return this.#running;
  }

  /**
   * Ends the hook that runs; the rest is left out. Resolves to whether the hook has ended: a hook
   * that survives is killed with the last processes.
   */
  async cut(): Promise<boolean> {
    this.#cut.abort();
    if (await within(this.over, AFTER_KILL_MS)) return true;
    this.#messages.warn(`${this.#running} does not end; the shutdown goes on`);
    for (const path of this.#rest) this.#leaveOut(path);
    return false;
  }

  async #run(): Promise<void> {
    for (let [path, ...rest] = this.#rest; path !== undefined; [path, ...rest] = rest) {
      this.#rest = rest;
      const adopted = this.#scripts.adopted === path;
      if (this.#stop.aborted) this.#leaveOut(path);
      else if (adopted || !this.#records.saved.has(path)) {
        this.#running = path;
        // The earlier controller may have started the hook in its last instant, and died before the
        // record.
        if (adopted) this.#records.put(path, true);
        await (adopted ? this.#scripts.running : this.#runHook(path));
        this.#running = '';
      }
    }
  }

  #leaveOut(path: string): void {
    this.#messages.warn(`${path} is left out: there is no time left for it`);
  }

  async #runHook(path: string): Promise<void> {
    const beganMs = monotonicMs();
    const trouble = await this.#scripts.run(path, {
      timeoutMs: Number.POSITIVE_INFINITY,
      stop: this.#stop,
      begun: () => this.#records.put(path, true),
    });
    const ranLong = `${path} was ended: it ran longer than ${((monotonicMs() - beganMs) / 1000).toFixed(1)} s`;
    if (trouble !== '') this.#messages.warn(`${this.#stop.aborted ? ranLong : trouble}; the shutdown goes on`);
  }
}
