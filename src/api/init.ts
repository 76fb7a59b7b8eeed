import type { ServerWritableStream } from '@grpc/grpc-js';
import type { InitServer, ShutdownProgress as ProgressMessage, ShutdownRequest } from '../../gen/my_init/v1/init.js';
import type { ContainerLimits } from '../resources/container-limits.js';
import type { LogSources } from '../types/logs.js';
import type { ServiceControl } from '../types/operations.js';
import type { ServiceName } from '../types/service.js';
import type { ShutdownProgress, System } from '../types/system.js';
import { type Access, pidOf, requireFullAccess } from './access.js';
import { bootMessage } from './boot.js';
import type { Calls } from './call.js';
import { badArgument } from './errors.js';
import { millisecondsOf, requestIdOf } from './from-proto.js';
import { infoMessage, processMessage, type Surroundings } from './to-proto.js';

/** A line of the log and of /dev/termination-log. */
const MAX_REASON_LENGTH = 500;

export interface InitBackend {
  readonly system: System;
  readonly control: Pick<ServiceControl, 'ownerOf'>;
  readonly surroundings: Surroundings;
  readonly limits: ContainerLimits;
  readonly logs?: LogSources | undefined;
}

/** `my_init.v1.Init`: my_init itself. */
export function initServer(
  { system, control, surroundings, limits, logs }: InitBackend,
  calls: Calls,
  access: Access,
): InitServer {
  return {
    getInfo: calls.unary(() => {
      limits.look();
      return infoMessage(system, limits.values, surroundings, logs, access === 'full');
    }),

    getBoot: calls.unary(() => bootMessage(system.boot())),

    listProcesses: calls.unary(() => ({ processes: system.processes().map(processMessage) })),

    rescan: calls.unary(async (request, { actor }) => {
      requireFullAccess(access, actor);
      const { added, removed, skipped } = await system.rescan(requestIdOf(request));
      return { added: [...added], removed: [...removed], skipped: [...skipped] };
    }),

    reexec: calls.unary(async (request, { actor }) => {
      requireFullAccess(access, actor);
      const { leave, ...replacement } = await system.reexec(actor, requestIdOf(request));
      // After the answer.
      setImmediate(leave);
      return replacement;
    }),

    shutdown: calls.streamToTheEnd((call) => {
      requireFullAccess(access, call.getPeer());
      return shutdown(call, system, control.ownerOf(pidOf(call.getPeer())));
    }),
  };
}

/**
 * A client that does not read misses steps of the progress, but never holds up the shutdown. Nor
 * does a client that belongs to a service: its stream ends once the shutdown has begun.
 */
function shutdown(
  call: ServerWritableStream<ShutdownRequest, ProgressMessage>,
  system: System,
  within: ServiceName | undefined,
): () => void {
  const { exitCode, reason } = call.request;
  if (exitCode > 255) throw badArgument('exit_code', 'must be from 0 to 255');
  if (reason.length > MAX_REASON_LENGTH)
    throw badArgument('reason', `must have ${MAX_REASON_LENGTH} characters at most`);
  const timeoutMs = millisecondsOf(call.request.timeout, 'timeout');
  let [blocked, ended] = [false, false];
  let latest: ShutdownProgress | undefined;
  const send = () => {
    if (blocked || ended || latest === undefined) return;
    blocked = !call.write({ ...progressMessage(latest), clientService: within ?? '' });
    latest = undefined;
    if (within === undefined) return;
    ended = true;
    call.end();
  };
  call.on('drain', () => {
    blocked = false;
    send();
  });
  system.shutdown({ actor: call.getPeer(), reason, exitCode, timeoutMs }, (progress) => {
    latest = progress;
    send();
  });
  return () => {
    ended = true;
  };
}

const progressMessage = (progress: ShutdownProgress): Omit<ProgressMessage, 'clientService'> => ({
  stage: progress.stage,
  remaining: [...progress.remaining],
  elapsedSeconds: progress.elapsedMs / 1000,
  remainingSeconds: progress.remainingMs / 1000,
});
