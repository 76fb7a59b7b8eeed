import { monotonicMs } from '../../process/clock.js';
import { within } from '../../process/within.js';
import type { Messages } from '../../settings/messages.js';
import type { RecordTable } from '../../state/records.js';
import type { ServiceSet } from '../../supervisor/service-set.js';
import type { Cause, ServiceName, ServiceStatus } from '../../types/service.js';
import type { ShutdownProgress } from '../../types/system.js';
import type { ContainerState } from '../container-state.js';
import type { MainCommand } from '../main-command.js';
import type { ScriptRunner } from '../script-runner.js';
import { scriptsOf } from '../scripts.js';
import { Hooks, isHook, POST_SHUTDOWN, PRE_SHUTDOWN } from './hooks.js';
import { AFTER_KILL_MS, ownLimit, type ShutdownLimits, type Stage, stageLimit } from './shutdown-plan.js';

/** The parts that a shutdown works with. */
export interface ShutdownDependencies {
  readonly command: MainCommand;
  readonly set: ServiceSet;
  readonly scripts: ScriptRunner;
  readonly state: ContainerState;
  readonly hooks: RecordTable<true>;
  readonly messages: Messages;
  readonly limits: ShutdownLimits;
  /** Services that were started before the others, and are stopped after them. */
  readonly early: readonly ServiceName[];
}

/** How it ended. */
export interface ShutdownResult {
  /** Something was killed because it did not end in time. */
  readonly killed: boolean;
  /** The time limit, in milliseconds, for everything that still runs. */
  readonly restMs: number;
}

interface Step {
  readonly stage: Stage;
  begin(limitMs: number): Work;
}

/** A step that has begun. */
interface Work {
  readonly over: Promise<unknown>;
  /** The name of the work that is not finished, for a message. */
  name(): string;
  /** Ends the work now. Undefined: the work ends by itself within its limit. */
  readonly cut?: () => Promise<void>;
}

/**
 * The orderly end: startup script, main command, pre-shutdown hooks, services, post-shutdown hooks,
 * within one deadline. Nothing sleeps: a stage is over when its last process is gone. A stage that
 * takes longer than planned continues beside the later ones, and is ended when the services are.
 */
export class ShutdownStages {
  readonly #dependencies: ShutdownDependencies;
  readonly #beganMs = monotonicMs();
  readonly #deadlineMs: number;
  readonly #killNow = new AbortController();
  #stage: Stage = 'main command';

  constructor(dependencies: ShutdownDependencies, deadlineMs: number) {
    this.#dependencies = dependencies;
    this.#deadlineMs = deadlineMs;
  }

  /** Nobody waits any longer. */
  get killsNow(): boolean {
    return this.#killNow.signal.aborted;
  }

  /** Cuts the remaining waits to the kill. */
  killNow(): void {
    this.#killNow.abort();
  }

  progress(): ShutdownProgress {
    return {
      stage: this.#stage,
      remaining: this.#dependencies.set
        .list()
        .filter(hasProcess)
        .map(({ name }) => name),
      elapsedMs: monotonicMs() - this.#beganMs,
      remainingMs: this.#leftMs(),
    };
  }

  /** `signal` goes to the main command. */
  async run(signal: NodeJS.Signals, cause: Cause, onStage: () => void): Promise<ShutdownResult> {
    const { set, messages, state, limits } = this.#dependencies;
    // From now on nothing may be started, even if services end before their turn.
    set.forbidStarts();
    const after = scriptsOf(POST_SHUTDOWN, messages);
    const last: readonly Step[] = after.length === 0 ? [] : [this.#hooks('post-shutdown hooks', after)];
    const steps = this.#stepsUntilServices(signal, cause);
    const late: Work[] = [];
    const enter = (stage: Stage, later: readonly Step[]): number => {
      this.#stage = stage;
      onStage();
      const coming = [
        stage,
        ...later.map((step) => step.stage),
        ...(stage === 'the rest' ? [] : (['the rest'] as const)),
      ];
      return stageLimit(stage, coming, this.#time(), limits);
    };
    for (const [index, step] of steps.entries()) {
      const work = await this.#carryOut(step, enter(step.stage, [...steps.slice(index + 1), ...last]));
      if (work !== undefined) late.push(work);
    }
    await this.#endLate(late, last);
    for (const step of last) await (await this.#carryOut(step, enter(step.stage, [])))?.cut?.();
    const restMs = enter('the rest', []);
    return { killed: state.now.shutdown?.killed === true, restMs: this.killsNow ? 0 : restMs };
  }

  /** Returns what of a step goes on after its limit; undefined when all is over. */
  async #carryOut({ stage, begin }: Step, limitMs: number): Promise<Work | undefined> {
    const work = begin(limitMs);
    const isLast = stage === 'post-shutdown hooks';
    // The last stage must be over within its limit, so the last part of the limit is for killing
    // its work.
    const waitMs = isLast ? limitMs - Math.min(AFTER_KILL_MS, limitMs / 4) : limitMs;
    if (work.cut === undefined) await work.over;
    else if (!(await within(work.over, waitMs, this.#killNow.signal))) {
      if (!isLast && !this.killsNow && ownLimit(stage, this.#dependencies.limits) === undefined) {
        const after = `${(limitMs / 1000).toFixed(1)} s`;
        this.#dependencies.messages.warn(`${work.name()} still runs after ${after}; the shutdown goes on beside it.`);
        return work;
      }
      if (isLast) return work;
      await work.cut();
    }
    return undefined;
  }

  /** Ends the work beside the services, which may go on until the last stages need their time. */
  async #endLate(late: readonly Work[], last: readonly Step[]): Promise<void> {
    if (late.length === 0) return;
    const coming = ['services' as const, ...last.map((step) => step.stage), 'the rest' as const];
    const limitMs = stageLimit('services', coming, this.#time(), {
      ...this.#dependencies.limits,
      killProcessTimeoutMs: undefined,
    });
    await within(Promise.all(late.map(({ over }) => over)), Math.max(0, limitMs - AFTER_KILL_MS), this.#killNow.signal);
    await Promise.all(late.map((work) => work.cut?.()));
  }

  #stepsUntilServices(signal: NodeJS.Signals, cause: Cause): readonly Step[] {
    const { command, set, scripts, messages } = this.#dependencies;
    const before = scriptsOf(PRE_SHUTDOWN, messages);
    const steps: Step[] = [];
    if (scripts.running && !isHook(scripts.adopted)) steps.push(this.#startupScript(scripts.running));
    if (command.pid !== 0) steps.push({ stage: 'main command', begin: () => this.#endCommand(signal) });
    if (before.length > 0) steps.push(this.#hooks('pre-shutdown hooks', before));
    if (set.list().some(({ state }) => state !== 'down'))
      steps.push({ stage: 'services', begin: (limitMs) => this.#stopServices(cause, limitMs) });
    return steps;
  }

  /** Sent TERM with everything that belongs to the boot, and KILL 2 s later. */
  #startupScript(over: Promise<unknown>): Step {
    const work: Work = { over, name: () => 'The startup script', cut: () => Promise.resolve() };
    return { stage: 'startup script', begin: () => work };
  }

  #endCommand(signal: NodeJS.Signals): Work {
    const { messages, command, state } = this.#dependencies;
    const beganMs = monotonicMs();
    const which = `the main command (PID ${command.pid})`;
    messages.info(`Shutting down ${which}...`);
    // Some programs take a second signal for an order to drop everything.
    if (!state.now.shutdown?.commandTold) command.signal(signal);
    command.signal('SIGCONT');
    state.saveShutdown({ commandTold: true });
    return {
      over: command.end,
      name: () => `The main command (PID ${command.pid})`,
      cut: async () => {
        if (command.pid === 0) return;
        messages.warn(`Killing ${which}: ${this.#whyKilled(monotonicMs() - beganMs)}.`);
        state.saveShutdown({ killed: true });
        command.signal('SIGKILL', true);
        await within(command.end, AFTER_KILL_MS);
      },
    };
  }

  #hooks(stage: Stage, paths: readonly string[]): Step {
    const { scripts, hooks: records, messages, state } = this.#dependencies;
    return {
      stage,
      begin: () => {
        const hooks = new Hooks(paths, scripts, records, messages, this.#killNow.signal);
        return {
          over: hooks.over,
          name: () => hooks.running,
          cut: async () => {
            if (!(await hooks.cut())) state.saveShutdown({ killed: true });
          },
        };
      },
    };
  }

  #stopServices(cause: Cause, limitMs: number): Work {
    const { set, messages, early, state } = this.#dependencies;
    const killsBefore = state.now.shutdown?.killsBefore ?? killsOf(set);
    state.saveShutdown({ killsBefore });
    // The limit includes the time after KILL, unless it was set for the time before KILL.
    const own = ownLimit('services', this.#dependencies.limits);
    const patienceMs = own === undefined ? limitMs - Math.min(AFTER_KILL_MS, limitMs / 10) : limitMs;
    const waitMs = Math.min(patienceMs + AFTER_KILL_MS, Math.max(limitMs, this.#leftMs() - AFTER_KILL_MS));
    const killed = (names: readonly string[], afterMs: number): void =>
      messages.warn(`Killing ${names.join(', ')}: ${this.#whyKilled(afterMs)}.`);
    const stopped = set.stopAll({ cause, limitMs: patienceMs, early, killed });
    const stop = async (): Promise<void> => {
      await within(stopped, waitMs, this.#killNow.signal);
      if (this.killsNow) {
        set.killNow();
        await within(stopped, 2 * AFTER_KILL_MS);
      }
      if (killsOf(set) > killsBefore) state.saveShutdown({ killed: true });
    };
    return { over: stop(), name: () => 'Services' };
  }

  #whyKilled(afterMs: number): string {
    return this.killsNow ? 'nobody waits any longer' : `still running after ${(afterMs / 1000).toFixed(1)} s`;
  }

  #time() {
    return { wholeMs: this.#deadlineMs - this.#beganMs, leftMs: this.#leftMs() };
  }

  #leftMs(): number {
    return Math.max(0, this.#deadlineMs - monotonicMs());
  }
}

/** Whether a run of the service, its `finish` or a leftover is still there. */
const hasProcess = ({ state }: ServiceStatus): boolean =>
  state === 'starting' || state === 'up' || state === 'stopping' || state === 'finishing';

const killsOf = (set: ServiceSet): number => set.list().reduce((sum, { counters }) => sum + counters.kills, 0);
