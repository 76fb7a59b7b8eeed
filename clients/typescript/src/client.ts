import type { Method } from './channel.js';
import { type Address, ANSWER_TIMEOUT_MS, Connection } from './connection.js';
import { durationOf } from './duration.js';
import { MyInitError } from './errors.js';
import type { HealthCheckResponse } from './gen/grpc/health/v1/health.js';
import type { AppliedChange, Explanation, ServiceDefinition } from './gen/my_init/v1/definitions.js';
import {
  type GetBootResponse,
  type GetInfoResponse,
  type Process,
  type ReexecResponse,
  type RescanResponse,
  type ShutdownProgress,
  ShutdownRequest,
} from './gen/my_init/v1/init.js';
import type { Service } from './gen/my_init/v1/service.js';
import {
  HoldRequest,
  type OperationResponse,
  ReleaseRequest,
  ReloadRequest,
  ResetRequest,
  RestartRequest,
  RunRequest,
  ScaleRequest,
  SignalRequest,
  StartRequest,
  StopRequest,
  type WatchUsageResponse,
} from './gen/my_init/v1/services.js';
import { type LogEvent, type LogOptions, logs } from './logs.js';
import { Definitions, Health, Init, Services } from './methods.js';
import { type MutationRequest, mutate, order } from './mutate.js';
import {
  type ApplyOptions,
  common,
  type HoldOptions,
  type MutationOptions,
  type Options,
  type OrderOptions,
  type RestartOptions,
  type RunOptions,
  type ShutdownOptions,
  type SignalOptions,
  type StartOptions,
  type StopOptions,
  WAIT_LEVELS,
} from './options.js';
import { type Outcome, outcomeOf } from './outcome.js';
import { type Names, selectorOf } from './selector.js';
import { defaultSocket, openSocket } from './socket.js';
import { type UsageOptions, watchUsage } from './usage.js';
import { type WatchEvent, type WatchOptions, watch } from './watch.js';

/** A client for the my_init on a Unix socket, or at the other end of any duplex stream. */
export function connect(to?: string | Address): MyInit {
  if (typeof to === 'object') return new MyInit(new Connection(to));
  const path = to ?? defaultSocket();
  return new MyInit(new Connection({ name: path, open: (signal) => openSocket(path, signal) }));
}

/**
 * One my_init. Every method throws {@link MyInitError}; every call may be cancelled by a signal.
 */
export class MyInit {
  readonly connection: Connection;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  /** The services, sorted by name. */
  async services(names?: Names, options?: Options): Promise<readonly Service[]> {
    return (await this.#ask(Services.list, { selector: selectorOf(names) }, options)).services;
  }

  /** One service. SERVICE_NOT_FOUND with a suggestion when there is none. */
  async service(name: string, options?: Options): Promise<Service> {
    const { service } = await this.#ask(Services.get, { name }, options);
    if (service === undefined) throw new MyInitError('INTERNAL_ERROR', 'my_init answered with no service');
    return service;
  }

  /** The services, then each change, until the loop is left. */
  watch(names?: Names, options?: WatchOptions): AsyncGenerator<WatchEvent, void, undefined> {
    return watch(this.connection, names, options);
  }

  /**
   * The resources that the processes of services use: CPU, memory, processes, descriptors; a sample
   * at once, then one in each interval.
   */
  usage(names?: Names, options?: UsageOptions): AsyncGenerator<WatchUsageResponse, void, undefined> {
    return watchUsage(this.connection, names, options);
  }

  /** The lines of services, merged by time; my_init's own are those of the service `my_init`. */
  logs(names?: Names, options?: LogOptions): AsyncGenerator<LogEvent, void, undefined> {
    return logs(this.connection, names, options);
  }

  /**
   * Starts services and waits until they are ready. Throws when one of them fails; the error has
   * all outcomes.
   */
  start(names: Names, options: StartOptions & { readonly once?: boolean } = {}): Promise<readonly Outcome[]> {
    const request = StartRequest.fromPartial({ ...common(names, options), once: options.once });
    return this.#mutate(Services.start, request, options);
  }

  /** Stops services and waits until they are gone. */
  stop(names: Names, options: StopOptions = {}): Promise<readonly Outcome[]> {
    const stopTimeout = durationOf(options.stopTimeoutMs);
    const { withDependents } = options;
    const request = StopRequest.fromPartial({ ...common(names, options), stopTimeout, withDependents });
    return this.#mutate(Services.stop, request, options);
  }

  /** Stops services where they run, starts them, and waits until the new processes are ready. */
  restart(names: Names, options: RestartOptions = {}): Promise<readonly Outcome[]> {
    const stopTimeout = durationOf(options.stopTimeoutMs);
    const request = RestartRequest.fromPartial({ ...common(names, options), stopTimeout, atOnce: options.atOnce });
    return this.#mutate(Services.restart, request, options);
  }

  /**
   * Changes the number of replicas of a service, until the next boot. One outcome for each replica
   * that is added or removed.
   */
  scale(name: string, replicas: number, options: Omit<StartOptions, 'all'> = {}): Promise<readonly Outcome[]> {
    const { wait, requestId } = options;
    const request = ScaleRequest.fromPartial({
      name,
      replicas,
      requestId,
      wait: wait && WAIT_LEVELS[wait],
      waitTimeout: durationOf(options.waitTimeoutMs),
    });
    return this.#mutate(Services.scale, request, options);
  }

  /**
   * Starts a command as a transient service, and waits until it is ready. The service outlives this
   * client.
   */
  async run(name: string, command: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    const { definition, keep, wait, requestId } = options;
    const request = RunRequest.fromPartial({
      name,
      command: [...command],
      definition: definition && JSON.stringify(definition),
      keep,
      requestId,
      wait: wait && WAIT_LEVELS[wait],
      waitTimeout: durationOf(options.waitTimeoutMs),
    });
    const [outcome] = await this.#mutate(Services.run, request, options);
    if (outcome === undefined) throw new MyInitError('INTERNAL_ERROR', 'my_init answered with no outcome');
    return outcome;
  }

  /** Asks services to read their configuration again. */
  reload(names: Names, options: MutationOptions = {}): Promise<readonly Outcome[]> {
    return this.#mutate(Services.reload, ReloadRequest.fromPartial(common(names, options)), options);
  }

  /** Sends a signal (`HUP`, `SIGHUP` or `1`) to the processes of services. */
  signal(names: Names, signal: string, options: SignalOptions = {}): Promise<readonly Outcome[]> {
    const { group, expectedRunId } = options;
    const request = SignalRequest.fromPartial({ ...common(names, options), signal, group, expectedRunId });
    return this.#mutate(Services.signal, request, options);
  }

  /** Keeps my_init from restarting services and from checking whether they live, for a time. */
  hold(names: Names, options: HoldOptions = {}): Promise<readonly Outcome[]> {
    const { forMs, reason, throughShutdown } = options;
    const duration = durationOf(forMs);
    const request = HoldRequest.fromPartial({ ...common(names, options), duration, reason, throughShutdown });
    return this.#mutate(Services.hold, request, options);
  }

  /** Ends a hold before its time. */
  release(names: Names, options: MutationOptions = {}): Promise<readonly Outcome[]> {
    return this.#mutate(Services.release, ReleaseRequest.fromPartial(common(names, options)), options);
  }

  /** Forgets failures: services that were given up or are in back-off are started. */
  reset(names: Names, options: MutationOptions = {}): Promise<readonly Outcome[]> {
    return this.#mutate(Services.reset, ResetRequest.fromPartial(common(names, options)), options);
  }

  info(options?: Options): Promise<GetInfoResponse> {
    return this.#ask(Init.getInfo, {}, options);
  }

  /** How the container came up: a timeline, and the chain that decided when it was ready. */
  boot(options?: Options): Promise<GetBootResponse> {
    return this.#ask(Init.getBoot, {}, options);
  }

  async processes(options?: Options): Promise<readonly Process[]> {
    return (await this.#ask(Init.listProcesses, {}, options)).processes;
  }

  /** The answers of grpc.health.v1 by name: `liveness`, `readiness`, `startup`, `service/NAME`. */
  async health(options?: Options): Promise<Readonly<Record<string, HealthCheckResponse>>> {
    return (await this.#ask(Health.list, {}, options)).statuses;
  }

  /** The definition in force of each service, with the origin of each value. */
  async definitions(names: string | readonly string[] = [], options?: Options): Promise<readonly ServiceDefinition[]> {
    return (await this.#ask(Definitions.get, { names: [names].flat() }, options)).definitions;
  }

  /**
   * Takes over changed definitions: the services that need it are restarted, started or stopped;
   * without names, all.
   */
  async apply(
    names: string | readonly string[] = [],
    { dryRun = false, requestId = '', ...options }: ApplyOptions = {},
  ): Promise<readonly AppliedChange[]> {
    const request = { names: [names].flat(), dryRun, requestId };
    return (await order(this.connection, Definitions.apply, request, options)).changes;
  }

  /** Why a service is in its state: the root of the trouble first, the service itself last. */
  async explain(name: string, options?: Options): Promise<readonly Explanation[]> {
    return (await this.#ask(Definitions.explain, { name }, options)).steps;
  }

  /** Reads the service directory now. */
  rescan({ requestId = '', ...options }: OrderOptions = {}): Promise<RescanResponse> {
    return order(this.connection, Init.rescan, { requestId }, { timeoutMs: ANSWER_TIMEOUT_MS, ...options });
  }

  /** Replaces the controller by the program on disk. The answer comes before the replacement. */
  reexec({ requestId = '', ...options }: OrderOptions = {}): Promise<ReexecResponse> {
    return order(this.connection, Init.reexec, { requestId }, options);
  }

  /** Shuts the container down; the progress ends when my_init does. */
  shutdown(options: ShutdownOptions = {}): AsyncGenerator<ShutdownProgress, void, undefined> {
    const { reason, exitCode, timeoutMs, signal } = options;
    const request = ShutdownRequest.fromPartial({ reason, exitCode, timeout: durationOf(timeoutMs) });
    return this.connection.stream(Init.shutdown, request, { signal });
  }

  /** Ends the connection, and all that is under way. Calls that come later throw CANCELLED. */
  close(): void {
    this.connection.close();
  }

  #ask<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: Options = {},
  ): Promise<Response> {
    return this.connection.call(method, request, { timeoutMs: ANSWER_TIMEOUT_MS, ...options });
  }

  async #mutate<Request extends MutationRequest>(
    method: Method<Request, OperationResponse>,
    request: Request,
    options: MutationOptions,
  ): Promise<readonly Outcome[]> {
    const outcomes = (await mutate(this.connection, method, request, options)).outcomes.map(outcomeOf);
    const failed = outcomes.find(({ error }) => error !== undefined)?.error;
    if (failed === undefined) return outcomes;
    const { reason, message, code, metadata } = failed;
    throw new MyInitError(reason, message, { code, metadata, outcomes });
  }
}
