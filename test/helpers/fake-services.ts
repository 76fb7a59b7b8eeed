/** An in-memory stand-in for the supervisor and the system, for what is built on top of them. */
import { monotonicMs } from '../../src/process/clock.js';
import type { Definition } from '../../src/supervisor/definition/definition.js';
import { OperationError, shuttingDown } from '../../src/supervisor/operation-error.js';
import { isEmpty, select, selectSome } from '../../src/supervisor/selecting.js';
import type {
  HoldOptions,
  ImmediateOptions,
  OperationOptions,
  Outcome,
  RunOrder,
  Selector,
  ServiceControl,
  SignalOptions,
} from '../../src/types/operations.js';
import type {
  Cause,
  Change,
  ServiceCounters,
  ServiceName,
  ServiceStatus,
  ServiceView,
} from '../../src/types/service.js';
import type {
  BootTimeline,
  ControllerEnd,
  Phase,
  ProcessInfo,
  Reexec,
  RescanResult,
  ShutdownOrder,
  ShutdownProgress,
  System,
  SystemInfo,
} from '../../src/types/system.js';

export const NO_COUNTS: ServiceCounters = {
  starts: 0,
  startFailures: 0,
  restarts: { exit: 0, signal: 0, start_failure: 0, api: 0, sv: 0, scan: 0, check: 0, dependency: 0, memory: 0 },
  exits: { success: 0, failure: 0, signal: 0, core: 0, oom: 0, lost: 0 },
  kills: 0,
};

/** A service as it is before anything happened to it: down, wanted up. */
export function fakeStatus(name: string, over: Partial<ServiceStatus> = {}): ServiceStatus {
  return {
    name: name as ServiceName,
    directory: `/etc/service/${name}`,
    state: 'down',
    desired: 'up',
    ready: false,
    type: 'longrun',
    hold: undefined,
    waitsFor: [],
    definitionChanged: false,
    tags: [],
    paused: false,
    statusText: '',
    reloading: false,
    termSent: false,
    releasing: false,
    finishPid: 0,
    stateSinceMs: monotonicMs(),
    pid: 0,
    run: 0,
    runId: '',
    startedAtMs: undefined,
    consecutiveFailures: 0,
    lastExit: undefined,
    nextStartAtMs: undefined,
    cause: { kind: 'boot' },
    trouble: '',
    autostart: true,
    optional: false,
    transient: false,
    memoryMaxBytes: undefined,
    replicaOf: '',
    counters: NO_COUNTS,
    ...over,
  };
}

/** A process of a service that sleeps and has used nothing. */
export function fakeProcess(pid: number, over: Partial<ProcessInfo> = {}): ProcessInfo {
  return {
    pid,
    parentPid: 1,
    session: pid,
    state: 'S',
    service: '',
    role: 'service',
    name: 'sleep',
    startedAtMs: monotonicMs(),
    residentBytes: 0,
    cpuSeconds: 0,
    threads: 1,
    ...over,
  };
}

/** A mutation as it arrived. */
export interface ReceivedCall {
  readonly method: 'start' | 'stop' | 'restart' | 'reload' | 'signal' | 'hold' | 'release' | 'reset' | 'run' | 'scale';
  readonly selector: Selector;
  readonly options: Partial<OperationOptions> & {
    readonly cause: Cause;
    readonly once?: boolean;
    readonly atOnce?: boolean;
    readonly durationMs?: number;
    readonly reason?: string;
    readonly throughShutdown?: boolean;
    readonly stopTimeoutMs?: number;
    readonly group?: boolean;
    readonly expectedRunId?: string;
  };
  readonly signal?: string;
  readonly order?: RunOrder;
  readonly replicas?: number;
}

/**
 * Services that carry out every order at once: a started service is up and ready, a stopped one is
 * down. `answer` replaces the effect of a mutation; `calls` keeps the orders.
 */
export class FakeServices implements ServiceView, ServiceControl {
  readonly calls: ReceivedCall[] = [];
  /** Set it to have a mutation fail, wait or answer something else. */
  answer: ((call: ReceivedCall) => Promise<readonly Outcome[]>) | undefined;
  shuttingDown = false;
  revision = 0;
  #services = new Map<string, ServiceStatus>();
  #changes: Change[] = [];
  #listeners = new Set<(change: Change) => void>();
  #pid = 1000;
  readonly #choice = {
    services: () => this.list().map(choosable),
    service: (name: string) => {
      const status = this.get(name);
      return status && choosable(status);
    },
  };

  /** The service that all clients belong to. */
  owner: ServiceName | undefined;

  /** `held`: how many changes are kept for clients that resume. */
  constructor(
    names: readonly string[] = [],
    readonly bootId = 'fake-boot',
    private readonly held = 1000,
  ) {
    for (const name of names) this.set(name, this.#running(fakeStatus(name)));
  }

  /** Adds a service, or changes the given fields of one, and publishes the change. */
  set(name: string, over: Partial<ServiceStatus> = {}): ServiceStatus {
    const before = this.#services.get(name) ?? fakeStatus(name);
    const status = { ...before, ...over };
    this.#services.set(name, status);
    this.#publish({ previousState: before.state, wasReady: before.ready, status, removed: false });
    return status;
  }

  remove(name: string): void {
    const status = this.#services.get(name);
    if (status === undefined) throw new Error(`the fake has no service ${name}`);
    this.#services.delete(name);
    this.#publish({ previousState: status.state, wasReady: status.ready, status, removed: true });
  }

  /** The number of subscribers. */
  get subscribers(): number {
    return this.#listeners.size;
  }

  list(): readonly ServiceStatus[] {
    return [...this.#services.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  get(name: string): ServiceStatus | undefined {
    return this.#services.get(name);
  }

  subscribe(listener: (change: Change) => void): () => void {
    const own = (change: Change) => listener(change);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  changesSince(revision: number): readonly Change[] | undefined {
    if (revision < this.revision - this.#changes.length) return undefined;
    return this.#changes.filter((change) => change.revision > revision);
  }

  ownerOf(_pid: number): ServiceName | undefined {
    return this.owner;
  }

  select(selector: Selector): readonly ServiceStatus[] {
    if (isEmpty(selector)) return this.list();
    const { found, missing } = select(this.#choice, selector);
    if (missing[0]) throw missing[0].error;
    return found.map(({ status }) => status);
  }

  start(selector: Selector, options: OperationOptions & { readonly once?: boolean }) {
    return this.#mutate({ method: 'start', selector, options }, (status) =>
      status.pid === 0
        ? { ...this.#running(status), desired: options.once ? ('once' as const) : ('up' as const) }
        : undefined,
    );
  }

  stop(selector: Selector, options: OperationOptions & { readonly stopTimeoutMs?: number }) {
    return this.#mutate({ method: 'stop', selector, options }, (status) =>
      status.pid === 0 && status.desired === 'down' ? undefined : this.#stopped(status),
    );
  }

  restart(selector: Selector, options: OperationOptions & { readonly stopTimeoutMs?: number }) {
    return this.#mutate({ method: 'restart', selector, options }, (status) => this.#running(status));
  }

  scale(name: string, replicas: number, options: OperationOptions): Promise<readonly Outcome[]> {
    return this.#mutate(
      { method: 'scale', selector: { names: [name], globs: [], all: false }, options, replicas },
      () => undefined,
    );
  }

  async run(order: RunOrder, options: OperationOptions): Promise<Outcome> {
    const selector = { names: [order.name], globs: [], all: false };
    if (this.#services.has(order.name))
      throw new OperationError('NAME_TAKEN', `there is a service ${order.name} already`, { service: order.name });
    this.set(order.name, { transient: true });
    const start = () => this.#running(fakeStatus(order.name));
    const [outcome] = await this.#mutate({ method: 'run', selector, options, order }, start);
    if (outcome === undefined) throw new Error('the answer has no outcome');
    return outcome;
  }

  reload(selector: Selector, options: ImmediateOptions) {
    return this.#mutate({ method: 'reload', selector, options }, () => ({}));
  }

  signal(selector: Selector, signal: string, options: SignalOptions) {
    return this.#mutate({ method: 'signal', selector, signal, options }, () => ({}));
  }

  hold(selector: Selector, options: HoldOptions) {
    const { durationMs, reason, throughShutdown, cause } = options;
    const nowMs = monotonicMs();
    return this.#mutate({ method: 'hold', selector, options }, () => ({
      hold: { sinceMs: nowMs, untilMs: nowMs + durationMs, reason, actor: cause.actor ?? '', throughShutdown },
    }));
  }

  release(selector: Selector, options: ImmediateOptions) {
    return this.#mutate({ method: 'release', selector, options }, ({ hold }) => hold && { hold: undefined });
  }

  reset(selector: Selector, options: ImmediateOptions) {
    return this.#mutate({ method: 'reset', selector, options }, ({ consecutiveFailures }) =>
      consecutiveFailures === 0 ? undefined : { consecutiveFailures: 0 },
    );
  }

  async #mutate(
    call: ReceivedCall,
    change: (status: ServiceStatus) => Partial<ServiceStatus> | undefined,
  ): Promise<readonly Outcome[]> {
    this.calls.push(call);
    if (this.shuttingDown) throw shuttingDown();
    const { found, missing } = selectSome(this.#choice, call.selector);
    if (this.answer !== undefined) return this.answer(call);
    const outcomes: Outcome[] = found.map(({ status: before }) => {
      const over = change(before);
      const status = over === undefined ? before : this.set(before.name, { ...over, cause: call.options.cause });
      const outcome = { changed: over !== undefined, oldPid: before.pid, status, durationMs: 1 };
      return { name: before.name, error: undefined, ...outcome };
    });
    for (const { name, error } of missing)
      outcomes.push({ name, changed: false, error, oldPid: 0, status: undefined, durationMs: 0 });
    return outcomes.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  #running(status: ServiceStatus): Partial<ServiceStatus> {
    const now = monotonicMs();
    const run = status.run + 1;
    const counters = { ...status.counters, starts: status.counters.starts + 1 };
    return {
      state: 'up',
      desired: 'up',
      ready: true,
      stateSinceMs: now,
      pid: this.#pid++,
      run,
      runId: `${status.name}-${run}`,
      startedAtMs: now,
      counters,
    };
  }

  #stopped(status: ServiceStatus): Partial<ServiceStatus> {
    const now = monotonicMs();
    const down = {
      state: 'down',
      desired: 'down',
      ready: false,
      stateSinceMs: now,
      pid: 0,
      startedAtMs: undefined,
    } as const;
    if (status.startedAtMs === undefined) return down;
    const ended = { kind: 'signaled', signal: 15, coreDumped: false } as const;
    const lastExit = {
      run: status.run,
      status: ended,
      atMs: now,
      durationMs: now - status.startedAtMs,
      expected: true,
    };
    return { ...down, lastExit };
  }

  #publish(change: Pick<Change, 'previousState' | 'wasReady' | 'status' | 'removed'>): void {
    this.revision++;
    const published = { revision: this.revision, atMs: monotonicMs(), ...change };
    this.#changes.push(published);
    if (this.#changes.length > this.held) this.#changes.shift();
    for (const listener of this.#listeners) listener(published);
  }
}

/** A my_init that runs and has started; `set` changes its phase. */
export class FakeSystem implements System {
  readonly info: SystemInfo;
  readonly orders: ShutdownOrder[] = [];
  zombies = new Map<string, number>([['', 0]]);
  restarts = { reexec: 0, exception: 0, heap: 0, hang: 0, signal: 0, exit: 0 };
  lastEnd: ControllerEnd | undefined;
  /** The version of the program on disk, or why it cannot take over. */
  onDisk: string | OperationError = '0.0.1-fake';
  readonly replacedFor: string[] = [];
  processList: readonly ProcessInfo[] = [];
  rescanResult: RescanResult = { added: [], removed: [], skipped: [] };
  readonly reaping = {
    zombiesReaped: () => this.zombies,
    zombiesReapedTotal: () => [...this.zombies.values()].reduce((sum, count) => sum + count, 0),
    controllerRestarts: () => this.restarts,
    refusedOrders: () => 3,
  };
  #phase: Phase = 'running';
  #started = true;
  #listeners = new Set<() => void>();
  #progress = new Set<(progress: ShutdownProgress) => void>();

  constructor(info: Partial<SystemInfo> = {}) {
    const now = monotonicMs();
    this.info = {
      version: '0.0.0-fake',
      bootId: 'fake-boot',
      bootedAtMs: now,
      initPid: 1,
      pid1: true,
      subreaper: false,
      controllerStartedAtMs: now,
      serviceDirectory: '/etc/service',
      shutdownTimeoutMs: 9000,
      ...info,
    };
  }

  set(change: { readonly phase?: Phase; readonly started?: boolean }): void {
    this.#phase = change.phase ?? this.#phase;
    this.#started = change.started ?? this.#started;
    for (const listener of this.#listeners) listener();
  }

  /** Reports the progress of the shutdown to everybody who asked for one. */
  progress(progress: ShutdownProgress): void {
    for (const listener of this.#progress) listener(progress);
  }

  phase(): Phase {
    return this.#phase;
  }

  started(): boolean {
    return this.#started;
  }

  subscribe(listener: () => void): () => void {
    const own = () => listener();
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  boot(): BootTimeline {
    const { bootedAtMs } = this.info;
    return { bootedAtMs, readyAtMs: bootedAtMs, nowMs: monotonicMs(), steps: [] };
  }

  processes(): readonly ProcessInfo[] {
    return this.processList;
  }

  async rescan(): Promise<RescanResult> {
    return this.rescanResult;
  }

  lastControllerEnd(): ControllerEnd | undefined {
    return this.lastEnd;
  }

  async reexec(actor: string): Promise<Reexec> {
    const { onDisk, info } = this;
    if (onDisk instanceof OperationError) throw onDisk;
    const replacement = { versionBefore: info.version, version: onDisk, controllerPid: process.pid };
    return { ...replacement, leave: () => void this.replacedFor.push(actor) };
  }

  shutdown(order: ShutdownOrder, onProgress: (progress: ShutdownProgress) => void): void {
    this.orders.push(order);
    this.#progress.add(onProgress);
    this.set({ phase: 'shutting_down' });
  }
}

/** A fake service as {@link select} sees it; the ones with a number are replicas. */
function choosable(status: ServiceStatus): {
  readonly name: ServiceName;
  readonly status: ServiceStatus;
  readonly definition: Pick<Definition, 'name' | 'tags' | 'replicas'>;
} {
  const { name, tags, replicaOf } = status;
  return { name, status, definition: { name, tags, replicas: replicaOf === '' ? undefined : 1 } };
}
