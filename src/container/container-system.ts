import { monotonicMs } from '../process/clock.js';
import { VERSION } from '../settings/version.js';
import type {
  ControllerEnd,
  Phase,
  ProcessInfo,
  Reaping,
  Reexec,
  RescanResult,
  ShutdownOrder,
  ShutdownProgress,
  System,
  SystemInfo,
} from '../types/system.js';
import type { Container } from './container.js';
import { listProcesses } from './process-list.js';
import { prepareReexec } from './reexec.js';

/** The container as the API and the probes see it. */
export class ContainerSystem implements System {
  readonly info: SystemInfo;
  readonly #container: Container;
  readonly #booted: Promise<unknown>;

  readonly #stopServing: () => Promise<void>;

  /**
   * `booted` settles when the services have been told to start; `stopServing` is what the API has to do before the controller is
   * replaced.
   */
  constructor(container: Container, booted: Promise<unknown>, stopServing: () => Promise<void>) {
    const { handover, settings, state, ending } = container;
    this.#container = container;
    this.#booted = booted;
    this.#stopServing = stopServing;
    this.info = {
      version: VERSION,
      bootId: state.now.bootId,
      bootedAtMs: handover.bootedAtMs,
      initPid: handover.initPid,
      pid1: handover.pid1,
      subreaper: handover.subreaper,
      controllerStartedAtMs: monotonicMs() - process.uptime() * 1000,
      serviceDirectory: settings.config.serviceDirectory,
      shutdownTimeoutMs: ending.timeoutMs,
    };
  }

  get reaping(): Reaping {
    return this.#container.reaping;
  }

  phase(): Phase {
    return this.#container.state.now.phase;
  }

  started(): boolean {
    return this.#container.state.now.started;
  }

  subscribe(listener: () => void): () => void {
    return this.#container.state.subscribe(listener);
  }

  processes(): readonly ProcessInfo[] {
    const { handover, command, reaping, set } = this.#container;
    return listProcesses({
      initPid: handover.initPid,
      pid1: handover.pid1,
      commandPid: command.pid,
      serviceOf: (session) => reaping.serviceOf(session),
      isServicePid: (pid) => set.get(reaping.serviceOf(pid))?.pid === pid,
    });
  }

  /** During the startup scripts it waits: no service may be started before they have run. */
  async rescan(): Promise<RescanResult> {
    await this.#booted;
    const { settings, watch, ending } = this.#container;
    if (settings.line.skipServices || ending.begun) return { added: [], removed: [], skipped: [] };
    return watch.rescan();
  }

  lastControllerEnd(): ControllerEnd | undefined {
    return this.#container.state.now.lastEnd;
  }

  /** During the startup scripts it waits: a controller that ends before they have run ends the container. */
  async reexec(actor: string): Promise<Reexec> {
    await this.#booted;
    return prepareReexec(this.#container, actor, this.#stopServing);
  }

  shutdown(
    { actor, reason, exitCode, timeoutMs }: ShutdownOrder,
    onProgress: (progress: ShutdownProgress) => void,
  ): void {
    this.#container.ending.onProgress(onProgress);
    this.#container.ending.begin({
      code: exitCode,
      reason: `shutdown was asked for by ${actor}${reason ? `: ${reason}` : ''}`,
      cause: { kind: 'shutdown', actor, message: reason },
      signal: 'SIGTERM',
      timeoutMs,
    });
  }
}
