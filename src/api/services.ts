import type { handleServerStreamingCall, handleUnaryCall } from '@grpc/grpc-js';
import type {
  ServicesServer as GeneratedServer,
  ListRequest,
  OperationResponse,
  Selector as SelectorMessage,
  StopRequest,
  WatchRequest,
} from '../../gen/my_init/v1/services.js';
import type { ContainerLimits } from '../resources/container-limits.js';
import type { ServiceUsage } from '../resources/service-usage.js';
import type { LogSources } from '../types/logs.js';
import type { ImmediateOptions, OperationOptions, Outcome, ServiceControl, WaitLevel } from '../types/operations.js';
import type { Cause, ServiceView } from '../types/service.js';
import type { System } from '../types/system.js';
import { type Access, pidOf, requireFullAccess } from './access.js';
import type { Caller, Calls } from './call.js';
import { DeferredWork } from './deferred-work.js';
import { badArgument } from './errors.js';
import { millisecondsOf, requestIdOf, selectorOf, waitLevelOf } from './from-proto.js';
import { ServiceMessages } from './service-messages.js';
import { lossesOf, outcomeMessage, serviceMessage } from './to-proto.js';
import { watchServices } from './watch.js';
import { watchUsage } from './watch-usage.js';

/** Some answers are bytes: see `servicesService`. */
type ServicesServer = Omit<GeneratedServer, 'list' | 'watch'> & {
  readonly list: handleUnaryCall<ListRequest, Buffer>;
  readonly watch: handleServerStreamingCall<WatchRequest, Buffer>;
};

/** The parts of my_init that the API serves. */
export interface Backend {
  readonly view: ServiceView;
  readonly control: ServiceControl;
  readonly system: System;
  readonly usage: ServiceUsage;
  readonly limits: ContainerLimits;
  readonly logs?: LogSources | undefined;
}

/**
 * `my_init.v1.Services`: translation between the messages and {@link ServiceControl}, and nothing
 * else.
 */
export function servicesServer(
  { view, control, system, usage, limits, logs }: Backend,
  calls: Calls,
  access: Access,
): ServicesServer {
  const changing = <Q extends { readonly selector: SelectorMessage | undefined }>(
    operate: (request: Q, caller: Caller) => Promise<readonly Outcome[]>,
  ) =>
    calls.unary(async (request: Q, caller): Promise<OperationResponse> => {
      requireFullAccess(access, caller.actor);
      return { outcomes: (await operate(request, caller)).map(outcomeMessage) };
    });

  const messages = new ServiceMessages(view);
  const deferred = new DeferredWork();

  return {
    list: calls.unary((request) => messages.list(control.select(selectorOf(request.selector)), lossesOf(logs))),

    get: calls.unary(({ name }) => {
      if (name === '') throw badArgument('name', 'must be the name of a service');
      const [service] = control.select({ names: [name], globs: [], all: false });
      return { service: service && serviceMessage(service) };
    }),

    watch: calls.stream((call) =>
      watchServices(call, { view, control, limits, version: system.info.version, messages, deferred }),
    ),

    watchUsage: calls.stream((call) => watchUsage(call, { view, control, usage })),

    start: changing((request, caller) =>
      control.start(selectorOf(request.selector), {
        ...waiting(control, request, caller, waitLevelOf(request.wait, ['none', 'started', 'ready'], 'ready')),
        once: request.once,
      }),
    ),

    stop: changing((request, caller) =>
      control.stop(selectorOf(request.selector), {
        ...waiting(control, request, caller, waitLevelOf(request.wait, ['none', 'stopped'], 'stopped')),
        stopTimeoutMs: millisecondsOf(request.stopTimeout, 'stop_timeout'),
        withDependents: request.withDependents,
      }),
    ),

    restart: changing((request, caller) =>
      control.restart(selectorOf(request.selector), {
        ...waiting(control, request, caller, waitLevelOf(request.wait, ['none', 'started', 'ready'], 'ready')),
        stopTimeoutMs: millisecondsOf(request.stopTimeout, 'stop_timeout'),
        atOnce: request.atOnce,
      }),
    ),

    scale: calls.unary(async (request, caller): Promise<OperationResponse> => {
      requireFullAccess(access, caller.actor);
      const wait = waitLevelOf(request.wait, ['none', 'started', 'ready'], 'ready');
      const options = waiting(control, request, caller, wait);
      return { outcomes: (await control.scale(request.name, request.replicas, options)).map(outcomeMessage) };
    }),

    run: calls.unary(async (request, caller): Promise<OperationResponse> => {
      requireFullAccess(access, caller.actor);
      const { name, command, definition, keep } = request;
      const wait = waitLevelOf(request.wait, ['none', 'started', 'ready'], 'ready');
      const options = waiting(control, request, caller, wait);
      return { outcomes: [outcomeMessage(await control.run({ name, command, definition, keep }, options))] };
    }),

    reload: changing((request, caller) => control.reload(selectorOf(request.selector), ordering(request, caller))),

    signal: changing((request, caller) => {
      if (request.signal === '') throw badArgument('signal', 'must be a name or number: "HUP", "SIGHUP" or "1"');
      return control.signal(selectorOf(request.selector), request.signal, {
        cause: causeOf(caller),
        requestId: requestIdOf(request),
        group: request.group,
        expectedRunId: request.expectedRunId === '' ? undefined : request.expectedRunId,
      });
    }),

    hold: changing((request, caller) => {
      const { selector, duration, reason, throughShutdown } = request;
      if (reason.length > MAX_REASON_LENGTH)
        throw badArgument('reason', `must have ${MAX_REASON_LENGTH} characters at most`);
      const durationMs = millisecondsOf(duration, 'duration') ?? HOLD_MS;
      if (durationMs === 0) throw badArgument('duration', 'must be more than 0');
      return control.hold(selectorOf(selector), { ...ordering(request, caller), durationMs, reason, throughShutdown });
    }),

    release: changing((request, caller) => control.release(selectorOf(request.selector), ordering(request, caller))),

    reset: changing((request, caller) => control.reset(selectorOf(request.selector), ordering(request, caller))),
  };
}

/** Long enough to look into something, short enough to be forgotten. */
const HOLD_MS = 15 * 60_000;
/** A slot of the state holds it. */
const MAX_REASON_LENGTH = 200;

const ordering = (request: Pick<StopRequest, 'requestId'>, caller: Caller): ImmediateOptions => ({
  cause: causeOf(caller),
  requestId: requestIdOf(request),
});

function waiting(
  control: ServiceControl,
  request: Pick<StopRequest, 'waitTimeout' | 'requestId'>,
  caller: Caller,
  wait: WaitLevel,
): OperationOptions {
  return {
    cause: causeOf(caller),
    requestId: requestIdOf(request),
    wait,
    waitTimeoutMs: millisecondsOf(request.waitTimeout, 'wait_timeout'),
    abort: caller.giveUp,
    within: control.ownerOf(pidOf(caller.actor)),
  };
}

const causeOf = ({ actor }: Caller): Cause => ({ kind: 'api', actor });
