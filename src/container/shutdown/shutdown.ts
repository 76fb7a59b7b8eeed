import { dirname } from 'node:path';
import { monotonicMs } from '../../process/clock.js';
import { within } from '../../process/within.js';
import type { Messages } from '../../settings/messages.js';
import type { ServiceSet } from '../../supervisor/service-set.js';
import type { Cause, ServiceName } from '../../types/service.js';
import type { ShutdownProgress } from '../../types/system.js';
import type { ContainerState } from '../container-state.js';
import type { MainCommand } from '../main-command.js';
import type { ScriptRunner } from '../script-runner.js';
import { scriptsOf } from '../scripts.js';
import { type ShutdownLimits, type Stage, stageLimit } from './shutdown-plan.js';

const PRE_SHUTDOWN = '/etc/my_init.pre_shutdown.d';
const POST_SHUTDOWN = '/etc/my_init.post_shutdown.d';
/** What was sent KILL is gone within this, or sleeps in the kernel. */
const AFTER_KILL_MS = 500;
/** A hook cannot do anything in less. */
const LEAST_HOOK_MS = 10;

/** Which hooks were begun: none of them is run twice. */
export interface HookRecords {
  begun(path: string): boolean;
  begin(path: string): void;
}

/** What a shutdown has to do with. */
export interface ShutdownParts {
  readonly command: MainCommand;
  readonly set: ServiceSet;
  readonly scripts: ScriptRunner;
  readonly state: ContainerState;
  readonly hooks: HookRecords;
  readonly messages: Messages;
  readonly limits: ShutdownLimits;
  /** Services that were started before the others, and are stopped after them. */
  readonly early: readonly ServiceName[];
}

/** How it ended. */
export interface ShutdownResult {
  /** Something was killed because it did not end in time. */
  readonly killed: boolean;
  /** What everything that still runs may take, in milliseconds. */
  readonly restMs: number;
}

interface Step {
  readonly stage: Stage;
  readonly work: (limitMs: number) => Promise<void>;
}

/**
 * The orderly end: startup script, main command, pre-shutdown hooks, services, post-shutdown hooks, each within its share of
 * one deadline. Nothing sleeps: a stage is over when its last process is gone. What fails or hangs is reported and passed over.
 */
export class Shutdown {
  readonly #parts: ShutdownParts;
  readonly #beganMs = monotonicMs();
  readonly #deadlineMs: number;
  readonly #hurried = new AbortController();
  #stage: Stage = 'main command';

  constructor(parts: ShutdownParts, deadlineMs: number) {
    this.#parts = parts;
    this.#deadlineMs = deadlineMs;
  }

  /** Somebody does not want to wait any longer. */
  get hurried(): boolean {
    return this.#hurried.signal.aborted;
  }

  /** Cuts the remaining waits to the kill. */
  hurry(): void {
    this.#hurried.abort();
  }

  progress(): ShutdownProgress {
    return {
      stage: this.#stage,
      remaining: this.#parts.set
        .list()
        .filter(({ state }) => state !== 'down')
        .map(({ name }) => name),
      elapsedMs: monotonicMs() - this.#beganMs,
      remainingMs: this.#leftMs(),
    };
  }

  /** `signal` is what the main command is told to end with. */
  async run(signal: NodeJS.Signals, cause: Cause, onStage: () => void): Promise<ShutdownResult> {
    // Nothing may be started from now on, whatever still happens to the services before their turn.
    this.#parts.set.forbidStarts();
    const steps = this.#steps(signal, cause);
    for (const [index, { stage, work }] of steps.entries()) {
      this.#stage = stage;
      onStage();
      const coming = [...steps.slice(index).map((step) => step.stage), 'the rest' as const];
      await work(stageLimit(stage, coming, this.#leftMs(), this.#parts.limits));
    }
    this.#stage = 'the rest';
    onStage();
    const restMs = stageLimit('the rest', ['the rest'], this.#leftMs(), this.#parts.limits);
    return {
      killed: this.#parts.state.now.shutdown?.killed === true,
      restMs: this.#hurried.signal.aborted ? 0 : restMs,
    };
  }

  /** What there is to do. */
  #steps(signal: NodeJS.Signals, cause: Cause): readonly Step[] {
    const { command, set, scripts, messages } = this.#parts;
    const before = scriptsOf(PRE_SHUTDOWN, messages);
    const after = scriptsOf(POST_SHUTDOWN, messages);
    const steps: Step[] = [];
    if (scripts.running && !isHook(scripts.takenOver))
      steps.push({ stage: 'startup script', work: (ms) => this.#awaitStartupScript(ms) });
    if (command.pid !== 0) steps.push({ stage: 'main command', work: (ms) => this.#endCommand(signal, ms) });
    if (before.length > 0) steps.push({ stage: 'pre-shutdown hooks', work: (ms) => this.#runHooks(before, ms) });
    if (set.list().length > 0) steps.push({ stage: 'services', work: (ms) => this.#stopServices(cause, ms) });
    if (after.length > 0) steps.push({ stage: 'post-shutdown hooks', work: (ms) => this.#runHooks(after, ms) });
    return steps;
  }

  /** It was told to end with everything that belongs to the boot. */
  async #awaitStartupScript(limitMs: number): Promise<void> {
    const { scripts, messages } = this.#parts;
    if (!scripts.running || (await this.#within(scripts.running, limitMs))) return;
    messages.warn('The startup script did not end in time. Going on without it.');
  }

  async #endCommand(signal: NodeJS.Signals, limitMs: number): Promise<void> {
    const { messages, command, state } = this.#parts;
    const which = `the main command (PID ${command.pid})`;
    messages.info(`Shutting down ${which}...`);
    // Some programs take a second signal for an order to drop everything.
    if (!state.now.shutdown?.commandTold) command.signal(signal);
    command.signal('SIGCONT');
    state.saveShutdown({ commandTold: true });
    if (await this.#within(command.end, limitMs)) return;
    messages.warn(`Killing ${which}: ${this.#whyKilled(limitMs)}.`);
    state.saveShutdown({ killed: true });
    command.signal('SIGKILL', true);
    await within(command.end, AFTER_KILL_MS);
  }

  async #runHooks(paths: readonly string[], limitMs: number): Promise<void> {
    const { messages, scripts, hooks } = this.#parts;
    const endMs = monotonicMs() + limitMs;
    for (const path of paths) {
      const leftMs = endMs - monotonicMs();
      if (hooks.begun(path) || scripts.takenOver === path) {
        await this.#awaitHook(path, leftMs);
        continue;
      }
      if (this.#hurried.signal.aborted || leftMs < LEAST_HOOK_MS) {
        messages.warn(`${path} is left out: there is no time left for it`);
        continue;
      }
      // It gets TERM a little before the end of its time; one that ignores it is left behind, and killed with the rest.
      const timeoutMs = leftMs - Math.min(AFTER_KILL_MS, leftMs / 4);
      const begun = (): void => hooks.begin(path);
      const run = scripts.run(path, timeoutMs, this.#hurried.signal, begun).then((trouble) => {
        if (trouble !== '') messages.warn(`${trouble}; the shutdown goes on`);
      });
      if (!(await this.#within(run, leftMs))) this.#leaveBehind(path);
    }
  }

  /** An earlier controller has begun it. */
  async #awaitHook(path: string, leftMs: number): Promise<void> {
    const { scripts } = this.#parts;
    if (scripts.takenOver !== path || scripts.running === undefined) return;
    if (!(await this.#within(scripts.running, leftMs))) this.#leaveBehind(path);
  }

  /** A hook that got TERM and goes on is sent KILL, by us or with the rest. */
  #leaveBehind(path: string): void {
    const { messages, state } = this.#parts;
    messages.warn(`${path} does not end; the shutdown goes on`);
    state.saveShutdown({ killed: true });
  }

  async #stopServices(cause: Cause, limitMs: number): Promise<void> {
    const { set, messages, early, state } = this.#parts;
    const patienceMs = Math.max(0, Math.min(limitMs, this.#leftMs() - AFTER_KILL_MS));
    const killsBefore = state.now.shutdown?.killsBefore ?? killsOf(set);
    state.saveShutdown({ killsBefore });
    const killing = (names: readonly string[], why: string): void =>
      messages.warn(`Killing ${names.join(', ')}: ${why}.`);
    const killed = (names: readonly string[], afterMs: number): void => killing(names, stillRunning(afterMs));
    const halted = set.halt({ cause, limitMs: patienceMs, early, killed });
    if (!(await this.#within(halted, patienceMs + AFTER_KILL_MS))) {
      const left = set.list().filter(({ state }) => state !== 'down');
      if (this.#hurried.signal.aborted && left.length > 0)
        killing(
          left.map(({ name }) => name),
          NOBODY_WAITS,
        );
      set.killNow();
      await within(halted, AFTER_KILL_MS);
    }
    if (killsOf(set) > killsBefore) state.saveShutdown({ killed: true });
  }

  #whyKilled(limitMs: number): string {
    return this.#hurried.signal.aborted ? NOBODY_WAITS : stillRunning(limitMs);
  }

  #leftMs(): number {
    return Math.max(0, this.#deadlineMs - monotonicMs());
  }

  #within(work: Promise<unknown>, limitMs: number): Promise<boolean> {
    return within(work, limitMs, this.#hurried.signal);
  }
}

/** Whether a script belongs to the shutdown. */
export const isHook = (path: string): boolean => [PRE_SHUTDOWN, POST_SHUTDOWN].includes(dirname(path));

const NOBODY_WAITS = 'nobody waits any longer';
const stillRunning = (afterMs: number): string => `still running after ${(afterMs / 1000).toFixed(1)} s`;

const killsOf = (set: ServiceSet): number => set.list().reduce((sum, { counters }) => sum + counters.kills, 0);
