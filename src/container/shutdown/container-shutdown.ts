import { existsSync } from 'node:fs';
import type { ContainerOutput } from '../../logs/forward/container-output.js';
import { monotonicMs } from '../../process/clock.js';
import type { InitLink } from '../../process/init-link.js';
import { EXIT } from '../../settings/exit-codes.js';
import type { LogLevel } from '../../settings/options.js';
import type { Settings } from '../../settings/settings.js';
import type { DirectoryWatch } from '../../supervisor/directory-watch.js';
import type { ShutdownProgress } from '../../types/system.js';
import { earlyServices } from '../boot/early-services.js';
import type { ContainerEnd, ShutdownSwitch } from '../container-end.js';
import type { ShutdownRecord } from '../container-state.js';
import { shutdownTimeoutOf } from './shutdown-plan.js';
import { type ShutdownDependencies, ShutdownStages } from './shutdown-stages.js';
import { writeTerminationLog } from './termination-log.js';

/** init waits this much longer than we mean to take, in case we never come to the end. */
const INIT_PATIENCE_MS = 500;
/** For what is left when the shutdown itself has failed. */
const AFTER_FAILURE_MS = 1_000;
/** The last words of all are given this long to reach the container's output. */
const FLUSH_MS = 500;
/** For the line that says so, when nobody wants to wait. */
const KILL_NOW_FLUSH_MS = 50;

/** The parts that the shutdown of a container works with. */
export interface ContainerShutdownDependencies extends Omit<ShutdownDependencies, 'messages' | 'limits' | 'early'> {
  readonly link: InitLink;
  readonly settings: Settings;
  readonly watch: DirectoryWatch;
  readonly output: ContainerOutput;
}

/** The shutdown of the container: begins once, and cannot be undone. */
export class ContainerShutdown implements ShutdownSwitch {
  readonly #dependencies: ContainerShutdownDependencies;
  readonly #began = new AbortController();
  readonly #progressListeners = new Set<(progress: ShutdownProgress) => void>();
  #end: ContainerEnd | undefined;
  #stages: ShutdownStages | undefined;
  #beforeExit: () => Promise<void> = () => Promise.resolve();
  #over = false;

  constructor(dependencies: ContainerShutdownDependencies) {
    this.#dependencies = dependencies;
  }

  get begun(): boolean {
    return this.#end !== undefined;
  }

  /** The controller's part is over; open nothing new. */
  get over(): boolean {
    return this.#over;
  }

  /** Aborted when the shutdown begins. */
  get signal(): AbortSignal {
    return this.#began.signal;
  }

  /** How long the whole shutdown may take, where nobody asks for another time. */
  get timeoutMs(): number {
    return shutdownTimeoutOf(this.#dependencies.settings.config);
  }

  /** Begins the shutdown. Once it has begun, only the code of the main command still matters. */
  begin(end: ContainerEnd): void {
    if (this.#end === undefined) {
      this.#end = end;
      void this.#run(end).catch((error: unknown) => this.#fail(error));
    } else if (end.cause.kind === 'exit') {
      this.#end = { ...this.#end, code: end.code };
      this.#dependencies.state.saveShutdown({ code: end.code });
    }
    this.#tellProgress();
  }

  /** Resumes the shutdown that an earlier controller had begun. */
  resume({ code, reason, signal, deadlineMs }: ShutdownRecord): void {
    const timeoutMs = Math.max(0, deadlineMs - monotonicMs());
    this.begin({ code, reason, cause: { kind: 'shutdown', message: reason }, signal, timeoutMs });
  }

  /** Cuts the remaining waits to the kill. */
  killNow(): void {
    this.#dependencies.state.saveShutdown({ hurried: true });
    this.#stages?.killNow();
  }

  /** Hears of each step until the process ends. */
  onProgress(listener: (progress: ShutdownProgress) => void): void {
    this.#progressListeners.add(listener);
  }

  /** Registers the work that precedes the order to init to end everything: closing the API. */
  beforeExit(close: () => Promise<void>): void {
    this.#beforeExit = close;
  }

  async #run(end: ContainerEnd): Promise<void> {
    const { link, settings, state, watch } = this.#dependencies;
    const timeoutMs = end.timeoutMs ?? this.timeoutMs;
    const deadlineMs = monotonicMs() + timeoutMs;
    link.deadline(timeoutMs + INIT_PATIENCE_MS);
    const { shutdown: before } = state.now;
    settings.messages.say(
      importance(end),
      `${before ? 'Going on with the shutdown' : 'Shutting down'}: ${end.reason}.`,
    );
    const early = earlyServices(settings);
    this.#stages = new ShutdownStages(
      { ...this.#dependencies, messages: settings.messages, limits: settings.config, early },
      deadlineMs,
    );
    // Readiness ends here, before anything else does.
    const { code, reason, relayed: unacknowledged } = end;
    const record = {
      ...before,
      code,
      reason,
      deadlineMs,
      signal: end.signal,
      unacknowledged: before ? before.unacknowledged : unacknowledged,
    };
    state.save({ phase: 'shutting_down', shutdown: record });
    // At once: giving hundreds of services their order takes a moment, and a controller that does
    // not answer is replaced.
    if (unacknowledged !== undefined) {
      link.acknowledge(unacknowledged);
      if (before === undefined) state.saveShutdown({ unacknowledged: undefined });
    }
    if (before?.hurried) this.#stages.killNow();
    this.#began.abort();
    watch.stop();
    const { killed, restMs } = await this.#stages.run(end.signal, end.cause, () => this.#tellProgress());
    await this.#exit(end.reason, killed, restMs);
  }

  async #exit(reason: string, killed: boolean, restMs: number): Promise<void> {
    const { link, settings, command, output } = this.#dependencies;
    // The main command may have ended meanwhile, and its code counts.
    const code = this.#end?.code ?? EXIT.internal;
    const codeWhenKilled = code === EXIT.ok && !command.wanted ? EXIT.killed : code;
    const final = killed ? codeWhenKilled : code;
    writeTerminationLog(`my_init: ${reason}; exit code ${final}`);
    this.#over = true;
    await this.#beforeExit();
    // Without /proc, init cannot tell us from the others that it waits for: we end with them.
    const stays = existsSync('/proc/self');
    const sayCode = (): void => settings.messages.info(`Ending with exit code ${final}.`);
    if (!stays) sayCode();
    await output.flush(this.#stages?.killsNow ? KILL_NOW_FLUSH_MS : FLUSH_MS);
    // The last words of the others come after the TERM that is for all.
    if (stays) process.on('SIGTERM', () => {});
    if (settings.line.killAllOnExit) link.finish(final, codeWhenKilled, restMs);
    else link.leave(final);
    if (stays) await link.closed;
    // Everything else is gone, and nothing had to be killed: else init has killed us too, and says
    // the code itself.
    if (stays) sayCode();
    await output.finish(FLUSH_MS);
    process.exit(EXIT.ok);
  }

  #fail(error: unknown): void {
    const { settings, link } = this.#dependencies;
    settings.messages.error(`The shutdown failed: ${error instanceof Error ? error.stack : String(error)}`);
    link.finish(EXIT.internal, EXIT.internal, AFTER_FAILURE_MS);
  }

  #tellProgress(): void {
    if (this.#stages === undefined) return;
    const progress = this.#stages.progress();
    for (const listener of this.#progressListeners) listener(progress);
  }
}

/** The log has no other line about a failure than that of the end that it causes. */
function importance({ code, cause }: ContainerEnd): LogLevel {
  if (cause.kind === 'boot') return 'error';
  return cause.kind === 'exit' && code !== EXIT.ok ? 'warn' : 'info';
}
