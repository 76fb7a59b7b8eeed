/** The types by which the rooms exchange facts about my_init itself. */

export type Phase = 'booting' | 'running' | 'shutting_down';

/** The facts about init and the controller that do not change. */
export interface SystemInfo {
  readonly version: string;
  readonly bootId: string;
  /** Monotonic milliseconds. */
  readonly bootedAtMs: number;
  readonly initPid: number;
  readonly pid1: boolean;
  readonly subreaper: boolean;
  readonly controllerStartedAtMs: number;
  readonly serviceDirectory: string;
  readonly shutdownTimeoutMs: number;
}

/**
 * Why controllers ended: the label `cause` of `my_init_controller_restarts_total`. `reexec`:
 * replaced on request; `exception`: uncaught; `heap`: out of memory; `hang`: no answer; `signal`:
 * killed, or a crash; `exit`: any other end.
 */
export type ControllerEndCause = 'reexec' | 'exception' | 'heap' | 'hang' | 'signal' | 'exit';

/** How a controller ended that is no more. */
export interface ControllerEnd {
  readonly cause: ControllerEndCause;
  /** The end in words: `was killed by SEGV`. */
  readonly text: string;
  /** Monotonic milliseconds. */
  readonly atMs: number;
  /** The gist of its last words, one line; '' when it had none. */
  readonly words: string;
}

/** The counts that init reports about processes that were not the controller's children. */
export interface Reaping {
  /**
   * Orphans reaped since boot, by the service that leaked them; '' when unknown. Every known
   * service is there from the start.
   */
  zombiesReaped(): ReadonlyMap<string, number>;
  zombiesReapedTotal(): number;
  controllerRestarts(): Readonly<Record<ControllerEndCause, number>>;
  /** The number of orders that init has refused this controller: its tables are bounded. */
  refusedOrders(): number;
}

export type ProcessRole = 'init' | 'controller' | 'service' | 'service_child' | 'main_command' | 'zombie' | 'other';

export interface ProcessInfo {
  readonly pid: number;
  readonly parentPid: number;
  readonly session: number;
  /** The kernel's letter: R S D T Z. */
  readonly state: string;
  /** The service it belongs to, '' when none. */
  readonly service: string;
  readonly role: ProcessRole;
  /** The kernel's name of it; control characters are replaced. */
  readonly name: string;
  /** Monotonic milliseconds. */
  readonly startedAtMs: number;
  readonly residentBytes: number;
  readonly cpuSeconds: number;
  readonly threads: number;
}

export interface RescanResult {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
}

/** How the container came up. Monotonic milliseconds. */
export interface BootTimeline {
  readonly bootedAtMs: number;
  /** Every service that readiness waits for has been ready once; undefined: not yet. */
  readonly readyAtMs: number | undefined;
  readonly nowMs: number;
  /** In the order in which they began. */
  readonly steps: readonly BootStep[];
}

export type BootOutcome = 'pending' | 'ready' | 'completed' | 'failed' | 'not_wanted';

export interface BootStep {
  readonly kind: 'controller' | 'script' | 'service';
  readonly name: string;
  readonly wantedAtMs: number;
  /** The service whose condition it waited for last; '' where it waited for none. */
  readonly waitedFor: string;
  readonly startedAtMs: number | undefined;
  readonly endedAtMs: number | undefined;
  readonly outcome: BootOutcome;
  /** Part of the chain that decided when the container was ready, or that it waits for. */
  readonly critical: boolean;
}

/** The controller that is replaced, and what takes over. */
export interface Replacement {
  readonly versionBefore: string;
  /** The version of the program on disk, which takes over. */
  readonly version: string;
  /** The pid of the controller that is replaced. */
  readonly controllerPid: number;
}

/** A controller that is about to be replaced. */
export interface Reexec extends Replacement {
  /** Ends this controller; to be called when the answer is on its way. */
  leave(): void;
}

export interface ShutdownProgress {
  readonly stage: string;
  readonly remaining: readonly string[];
  readonly elapsedMs: number;
  readonly remainingMs: number;
}

export interface ShutdownOrder {
  readonly actor: string;
  readonly reason: string;
  /**
   * The container's exit code, where no main command has one; 0 becomes 84 when something had to be
   * killed.
   */
  readonly exitCode: number;
  readonly timeoutMs?: number;
}

/** my_init as the API and the probes see it. */
export interface System {
  readonly info: SystemInfo;
  readonly reaping: Reaping;
  phase(): Phase;
  /**
   * Startup is over: every service that is started at boot has been ready once, or is no
   * longer wanted up. Stays true.
   */
  started(): boolean;
  /** Calls the listener when {@link phase} or {@link started} changed. Returns what ends it. */
  subscribe(listener: () => void): () => void;
  boot(): BootTimeline;
  /** The processes below init, in the order of their pids; empty without /proc. */
  processes(): readonly ProcessInfo[];
  /** `requestId`: see {@link reexec}. */
  rescan(requestId: string): Promise<RescanResult>;
  /** How the controller before this one ended; undefined for the first. */
  lastControllerEnd(): ControllerEnd | undefined;
  /**
   * Checks whether the program on disk could take over. Throws an `OperationFailure` when not. An
   * order that is repeated with its id is answered as before; '' names none.
   */
  reexec(actor: string, requestId: string): Promise<Reexec>;
  /**
   * Starts the shutdown, or joins the one in progress, and tells of its progress until the process
   * ends.
   */
  shutdown(order: ShutdownOrder, onProgress: (progress: ShutdownProgress) => void): void;
}
