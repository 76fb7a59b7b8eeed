/**
 * Counts of the calls of the gRPC servers: plain numbers, recorded by the interceptor and read by
 * the metrics.
 */

/**
 * Upper bounds of the duration buckets, in seconds: those of go-grpc-prometheus, so that existing
 * dashboards work.
 */
export const RPC_DURATION_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

/** As the label `grpc_type` of go-grpc-prometheus has them. */
type RpcType = 'unary' | 'client_stream' | 'server_stream' | 'bidi_stream';

/** As much of a generated service definition as is needed to know its methods. */
export interface RpcDefinition {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
}

/** The calls of one method since the start of the controller. */
export interface RpcMethodStats {
  readonly type: RpcType;
  /** `my_init.v1.Services`. */
  readonly service: string;
  readonly method: string;
  readonly started: number;
  /** By status code, 0 to 16. */
  readonly handled: readonly number[];
  /**
   * The number of calls that took at most the bound of the same index, and longer than the bound
   * before it.
   */
  readonly durations: readonly number[];
  readonly durationSumSeconds: number;
}

const STATUS_CODES = 17;
const UNKNOWN = 2;

/**
 * Counts calls by method. Methods that were not declared are not counted: a client could invent any
 * number of them.
 */
export class RpcStats {
  readonly #methods = new Map<string, MethodCounts>();

  /** Registers the methods of a generated service definition: they are counted from 0. */
  declare(service: Readonly<Record<string, RpcDefinition>>): void {
    for (const definition of Object.values(service)) {
      if (!this.#methods.has(definition.path)) this.#methods.set(definition.path, newCounts(definition));
    }
  }

  /** A call of `/package.Service/Method` came in. */
  started(path: string): void {
    const method = this.#methods.get(path);
    if (method) method.started += 1;
  }

  /**
   * A call has been answered with a status code of gRPC, or given up by the client (1, CANCELLED).
   */
  handled(path: string, code: number, seconds: number): void {
    const method = this.#methods.get(path);
    if (!method) return;
    const index = code in method.handled ? code : UNKNOWN;
    method.handled[index] = (method.handled[index] ?? 0) + 1;
    method.durationSumSeconds += seconds;
    const bucket = RPC_DURATION_BOUNDS.findIndex((bound) => seconds <= bound);
    if (bucket >= 0) method.durations[bucket] = (method.durations[bucket] ?? 0) + 1;
  }

  methods(): Iterable<RpcMethodStats> {
    return this.#methods.values();
  }
}

interface MethodCounts extends RpcMethodStats {
  started: number;
  handled: number[];
  durations: number[];
  durationSumSeconds: number;
}

function newCounts({ path, requestStream, responseStream }: RpcDefinition): MethodCounts {
  const [, service = '', method = ''] = path.split('/');
  return {
    type: rpcType(requestStream, responseStream),
    service,
    method,
    started: 0,
    handled: Array<number>(STATUS_CODES).fill(0),
    durations: RPC_DURATION_BOUNDS.map(() => 0),
    durationSumSeconds: 0,
  };
}

function rpcType(requestStream: boolean, responseStream: boolean): RpcType {
  if (requestStream) return responseStream ? 'bidi_stream' : 'client_stream';
  return responseStream ? 'server_stream' : 'unary';
}
