import type { Probe } from '../definition/definition.js';
import type { RunCheck } from './exec.js';

/** Looks at a service once. */
export interface Checker {
  /**
   * Resolves to undefined when the check passes, else to the problem in words. An abort ends it
   * early.
   */
  check(signal: AbortSignal): Promise<string | undefined>;
}

/** The checker of a probe. The code of a kind is loaded when the first definition asks for it. */
export async function loadChecker(probe: Probe, run: RunCheck): Promise<Checker> {
  switch (probe.kind) {
    case 'http':
      return new (await import('./http.js')).HttpChecker(probe);
    case 'tcp':
      return (await import('./connect.js')).tcpChecker(probe);
    case 'unix':
      return (await import('./connect.js')).unixChecker(probe);
    case 'grpc':
      return new (await import('./grpc.js')).GrpcChecker(probe);
    case 'exec':
      return new (await import('./exec.js')).ExecChecker(probe, run);
    case 'file':
      return new (await import('./file.js')).FileChecker(probe);
    default:
      return probe satisfies never;
  }
}
