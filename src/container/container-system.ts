import { monotonicMs } from '../process/clock.js';
import type { Handover } from '../process/init-link.js';
import { VERSION } from '../settings/version.js';
import type { DirectoryWatch } from '../supervisor/directory-watch.js';
import type { ServiceSet } from '../supervisor/service-set.js';
import type {
  BootTimeline,
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
import type { BootScripts } from './boot/boot-scripts.js';
import { timelineOf } from './boot/timeline.js';
import type { ContainerState } from './container-state.js';
import type { MainCommand } from './main-command.js';
import type { Orders } from './open-orders.js';
import { listProcesses } from './process-list.js';
import type { OrphanCounts } from './reaping.js';
import { prepareReexec, type ReexecDependencies } from './reexec.js';

export interface SystemDependencies extends ReexecDependencies {
  readonly handover: Handover;
  readonly state: ContainerState;
  readonly set: ServiceSet;
  readonly watch: DirectoryWatch;
  readonly command: MainCommand;
  readonly reaping: OrphanCounts;
  readonly bootScripts: BootScripts;
  readonly orders: Orders;
}

/** The container as the API and the probes see it. */
export class ContainerSystem implements System {
  readonly info: SystemInfo;
  readonly #dependencies: SystemDependencies;
  readonly #booted: Promise<unknown>;

  readonly #stopServing: () => Promise<void>;

  /**
   * `booted` settles when every service has its order to start; `stopServing` closes the API
   * before the controller is replaced.
   */
  constructor(dependencies: SystemDependencies, booted: Promise<unknown>, stopServing: () => Promise<void>) {
    const { handover, settings, state, shutdown } = dependencies;
    this.#dependencies = dependencies;
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
      shutdownTimeoutMs: shutdown.timeoutMs,
    };
  }

  get reaping(): Reaping {
    return this.#dependencies.reaping;
  }

  phase(): Phase {
    return this.#dependencies.state.now.phase;
  }

  started(): boolean {
    return this.#dependencies.state.now.started;
  }

  subscribe(listener: () => void): () => void {
    return this.#dependencies.state.subscribe(listener);
  }

  boot(): BootTimeline {
    const { handover, state, set, bootScripts } = this.#dependencies;
    return timelineOf({
      bootedAtMs: handover.bootedAtMs,
      moments: state.now,
      scripts: bootScripts.list(),
      services: set.services(),
      nowMs: monotonicMs(),
    });
  }

  processes(): readonly ProcessInfo[] {
    const { handover, command, reaping, set } = this.#dependencies;
    return listProcesses({
      initPid: handover.initPid,
      pid1: handover.pid1,
      commandPid: command.pid,
      serviceOf: (session) => reaping.serviceOf(session),
      isServicePid: (pid) => set.get(reaping.serviceOf(pid))?.pid === pid,
    });
  }

  /** During the startup scripts it waits: no service may be started before they have run. */
  async rescan(requestId: string): Promise<RescanResult> {
    await this.#booted;
    const { settings, watch, shutdown, orders } = this.#dependencies;
    if (settings.line.skipServices || shutdown.begun) return { added: [], removed: [], skipped: [] };
    return orders.rescan.carryOut(requestId, () => watch.rescan());
  }

  lastControllerEnd(): ControllerEnd | undefined {
    return this.#dependencies.state.now.lastEnd;
  }

  /**
   * During the startup scripts it waits: a controller that ends before they have run ends the
   * container.
   */
  async reexec(actor: string, requestId: string): Promise<Reexec> {
    await this.#booted;
    // The first order ends the controller; a repeated one is only answered.
    let leave = (): void => undefined;
    const replacement = await this.#dependencies.orders.reexec.carryOut(requestId, async () => {
      const prepared = await prepareReexec(this.#dependencies, actor, this.#stopServing);
      leave = prepared.leave;
      return { versionBefore: VERSION, version: prepared.version, controllerPid: process.pid };
    });
    return { ...replacement, leave };
  }

  shutdown(
    { actor, reason, exitCode, timeoutMs }: ShutdownOrder,
    onProgress: (progress: ShutdownProgress) => void,
  ): void {
    this.#dependencies.shutdown.onProgress(onProgress);
    this.#dependencies.shutdown.begin({
      code: exitCode,
      reason: `shutdown was asked for by ${actor}${reason ? `: ${reason}` : ''}`,
      cause: { kind: 'shutdown', actor, message: reason },
      signal: 'SIGTERM',
      timeoutMs,
    });
  }
}
