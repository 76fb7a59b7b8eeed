import { status as codes, ServerInterceptingCall, type ServerInterceptor } from '@grpc/grpc-js';
import { monotonicMs } from '../process/clock.js';
import type { RpcStats } from './rpc-stats.js';

/**
 * Records the calls of a grpc-js server: `new Server({ interceptors: [rpcInterceptor(stats)] })`.
 */
export function rpcInterceptor(stats: RpcStats): ServerInterceptor {
  return ({ path }, call) => {
    const startedAtMs = monotonicMs();
    let open = true;
    const handled = (code: number): void => {
      if (open) stats.handled(path, code, (monotonicMs() - startedAtMs) / 1000);
      open = false;
    };
    stats.started(path);
    return new ServerInterceptingCall(call, {
      start: (next) => next({ onCancel: () => handled(codes.CANCELLED) }),
      sendStatus: (status, next) => {
        handled(status.code ?? codes.UNKNOWN);
        next(status);
      },
    });
  };
}
